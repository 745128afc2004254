import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sweepcnn.config import PRESETS, RunConfig
from sweepcnn.errors import InfeasibleError
from sweepcnn.models import build
from sweepcnn.plan import Activation, Layer, Plan, Shape, expand

PUBLISHED_PARAMETERS = {
    "a-best": 818186,
    "a-double": 2093578,
    "a-half": 56202,
    "b-1-block": 2168730,
    "b-2-blocks": 1134170,
    "b-3-blocks": 665562,
    "c-lenet": 62006,
    "c-lenet-k4": 60980,
    "e-small": 61706,
}


def plan_of(*, classes: int = 10, **values: object) -> Plan:
    config = RunConfig.model_validate(values)
    return expand(config, image_size=config.image_size, classes=classes)


def run(model: nn.Sequential, plan: Plan) -> dict[str, tuple[int, ...]]:
    """Give the shape that leaves each module, without the batch's axis."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, module in model.named_children():
        # register_forward_hook's own type knows no default, so the name is bound by a closure
        def note(_: nn.Module, __: object, output: Tensor, name: str = name) -> None:
            shapes[name] = tuple(output.shape[1:])

        module.register_forward_hook(note)
    images = torch.zeros(2, plan.input.channels, plan.input.height, plan.input.width)
    with torch.inference_mode():
        model.eval()(images)
    return shapes


def expected_shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    flat = False
    for layer in plan.layers:
        flat = flat or layer.kind == "flatten"
        shapes[layer.name] = axes(layer.output, flat=flat)
    return shapes


def axes(shape: Shape, *, flat: bool) -> tuple[int, ...]:
    return (shape.channels,) if flat else (shape.channels, shape.height, shape.width)


def without_pads(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in shapes.items() if not name.endswith("_pad")}


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_published_table_covers_all_presets() -> None:
    assert PUBLISHED_PARAMETERS.keys() == PRESETS.keys()


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_the_parameters_of_their_plan_and_of_their_study(preset: str) -> None:
    plan = plan_of(preset=preset)
    assert parameters(build(plan)) == plan.parameters == PUBLISHED_PARAMETERS[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_the_shapes_and_multiply_adds_of_their_plan(preset: str) -> None:
    plan = plan_of(preset=preset)
    model = build(plan)
    assert without_pads(run(model, plan)) == expected_shapes(plan)
    assert counted_multiply_adds(model, plan) == plan.multiply_adds


def counted_multiply_adds(model: nn.Module, plan: Plan) -> int:
    image = torch.zeros(1, plan.input.channels, plan.input.height, plan.input.width)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model.eval()(image)
    flops: int = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


@settings(max_examples=60, deadline=None)
@given(
    image_size=st.integers(1, 32),
    blocks=st.integers(1, 3),
    filters=st.integers(1, 9),
    convs_per_block=st.integers(1, 2),
    kernel_size=st.integers(1, 11),
    stride=st.integers(1, 3),
    padding=st.one_of(st.sampled_from(["same", "valid"]), st.integers(0, 6)),
    pool=st.sampled_from(["max", "avg", "none"]),
    activation=st.sampled_from(
        ["relu", "gelu", "silu", "mish", "elu", "leaky_relu", "tanh", "none"]
    ),
    batch_norm=st.booleans(),
    dense_batch_norm=st.booleans(),
    conv_bias=st.booleans(),
    dropout=st.sampled_from([0.0, 0.3]),
    dense_units=st.lists(st.integers(1, 9), max_size=2),
    classes=st.integers(2, 12),
)
def test_any_plan_and_its_network_agree(classes: int, **values: object) -> None:
    try:
        plan = plan_of(classes=classes, **values)
    except InfeasibleError:
        return
    model = build(plan)
    shapes = run(model, plan)
    assert without_pads(shapes) == expected_shapes(plan)
    assert parameters(model) == plan.parameters
    assert counted_multiply_adds(model, plan) == plan.multiply_adds


@pytest.mark.parametrize("kernel_size", range(1, 12))
def test_same_padding_keeps_the_size_and_pads_one_more_after(kernel_size: int) -> None:
    model = build(plan_of(blocks=1, kernel_size=kernel_size, image_size=16))
    pads = [module for name, module in model.named_children() if name == "block1_conv_pad"]
    even = kernel_size % 2 == 0
    assert [pad.padding for pad in pads] == (
        [((kernel_size - 1) // 2, kernel_size // 2) * 2] if even else []
    )
    convolved = nn.Sequential(*pads, model.get_submodule("block1_conv"))
    assert convolved(torch.zeros(1, 3, 16, 16)).shape == (1, 32, 16, 16)


def test_even_same_padding_is_that_of_torch() -> None:
    torch.manual_seed(0)
    model = build(plan_of(blocks=1, kernel_size=4, image_size=9))
    convolution = model.get_submodule("block1_conv")
    assert isinstance(convolution, nn.Conv2d)
    images = torch.rand(2, 3, 9, 9)
    ours = convolution(model.get_submodule("block1_conv_pad")(images))
    with pytest.warns(UserWarning, match="even kernel lengths"):
        theirs = nn.functional.conv2d(images, convolution.weight, convolution.bias, padding="same")
    torch.testing.assert_close(ours, theirs)


def test_layers_stand_in_order_of_convolution_norm_activation_pool_dropout() -> None:
    plan = plan_of(blocks=1, kernel_size=4, batch_norm=True, dropout=0.2, dense_batch_norm=True)
    found = [(name, type(module)) for name, module in build(plan).named_children()]
    assert found == [
        ("block1_conv_pad", nn.ZeroPad2d),
        ("block1_conv", nn.Conv2d),
        ("block1_conv_norm", nn.BatchNorm2d),
        ("block1_conv_act", nn.ReLU),
        ("block1_pool", nn.MaxPool2d),
        ("block1_dropout", nn.Dropout),
        ("flatten", nn.Flatten),
        ("dense1", nn.Linear),
        ("dense1_norm", nn.BatchNorm1d),
        ("dense1_act", nn.ReLU),
        ("dense1_dropout", nn.Dropout),
        ("output", nn.Linear),
    ]


def test_an_image_of_one_pixel_is_normed_as_an_image() -> None:
    plan = plan_of(image_size=1, blocks=1, batch_norm=True, pool="none")
    model = build(plan)
    assert isinstance(model.get_submodule("block1_conv_norm"), nn.BatchNorm2d)
    assert model(torch.rand(4, 3, 1, 1)).shape == (4, 10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("relu", 0.0),
        ("gelu", -0.158655),
        ("silu", -0.268941),
        ("mish", -0.303401),
        ("elu", -0.632121),
        ("leaky_relu", -0.01),
        ("tanh", -0.761594),
    ],
)
def test_activations_are_those_of_their_names(name: str, value: float) -> None:
    plan = Plan((Activation("act", Shape(1), name),))
    assert build(plan)(torch.tensor([[-1.0]])).item() == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "mish", "elu", "leaky_relu"])
def test_gradients_survive_what_is_overwritten_in_place(activation: str) -> None:
    torch.manual_seed(0)
    plan = plan_of(
        image_size=8,
        blocks=2,
        filters=3,
        activation=activation,
        batch_norm=True,
        dense_batch_norm=True,
        dense_units=5,
        classes=2,
    )
    model = build(plan).double()
    images = torch.rand(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(model, (images,))


def test_a_layer_that_is_unknown_is_named() -> None:
    class Mystery(Layer):
        kind = "mystery"

    with pytest.raises(TypeError, match="Mystery"):
        build(Plan((Mystery("what", Shape(1)),)))
