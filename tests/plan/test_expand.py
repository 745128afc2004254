import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.config import PRESETS, RunConfig
from sweepcnn.errors import InfeasibleError, Problem
from sweepcnn.plan import Conv, Plan, Shape, expand

PARAMETERS = {  # the published studies' own counts
    "a-best": 818_186,
    "a-double": 2_093_578,
    "a-half": 56_202,
    "b-1-block": 2_168_730,
    "b-2-blocks": 1_134_170,
    "b-3-blocks": 665_562,
    "c-lenet": 62_006,
    "c-lenet-k4": 60_980,
    "e-small": 61_706,
}


def plan(*, classes: int = 10, **values: Any) -> Plan:
    """Expand a configuration."""
    config = RunConfig.model_validate(values)
    return expand(config, image_size=config.image_size, classes=classes)


def names(**values: Any) -> list[str]:
    """List the names of a network's layers in order."""
    return [layer.name for layer in plan(**values).layers]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_the_published_number_of_parameters(preset: str) -> None:
    assert plan(preset=preset).parameters == PARAMETERS[preset]


@pytest.mark.parametrize("kernel_size", range(1, 12))
@pytest.mark.parametrize("size", [5, 8, 33])
def test_same_padding_keeps_the_size(kernel_size: int, size: int) -> None:
    network = plan(image_size=size, blocks=1, kernel_size=kernel_size, pool="none")
    assert network.layers[0].output == Shape(32, size, size)


@pytest.mark.parametrize("kernel_size", range(1, 12))
@pytest.mark.parametrize("stride", [2, 3, 5])
@pytest.mark.parametrize("size", [7, 8, 32])
def test_same_padding_with_a_stride_rounds_up(kernel_size: int, stride: int, size: int) -> None:
    network = plan(image_size=size, blocks=1, kernel_size=kernel_size, stride=stride, pool="none")
    assert network.layers[0].output.height == math.ceil(size / stride)


def test_same_padding_puts_the_odd_pixel_after() -> None:
    conv = plan(kernel_size=4).layers[0]
    assert isinstance(conv, Conv)
    assert conv.padding == (1, 2)


@pytest.mark.parametrize(("padding", "size"), [("valid", 28), (0, 28), (1, 30), (3, 34)])
def test_padding_may_be_a_number_of_pixels(padding: object, size: int) -> None:
    network = plan(image_size=32, blocks=1, kernel_size=5, padding=padding, pool="none")
    assert network.layers[0].output.height == size


def test_pooling_drops_an_odd_row() -> None:
    network = plan(image_size=7, blocks=1)
    assert [str(layer.output) for layer in network.layers[:3]] == [
        "32 x 7 x 7",
        "32 x 7 x 7",
        "32 x 3 x 3",
    ]


def faults(**values: Any) -> tuple[Problem, ...]:
    """Give the problems for which no network can be built."""
    with pytest.raises(InfeasibleError) as caught:
        plan(**values)
    return caught.value.problems


def test_a_convolution_that_leaves_nothing_names_block_size_and_remedy() -> None:
    (problem,) = faults(image_size=16, kernel_size=5, padding="valid")
    # 16 - 4 = 12, halved 6; 6 - 4 = 2, halved 1; a kernel of 5 finds 1 pixel
    assert str(problem) == (
        "block 3: a 5 x 5 convolution with padding valid on 1 x 1 pixels: leaves nothing of the"
        " image; use a larger image_size, fewer blocks, a smaller kernel_size or padding: same"
    )


def test_a_pooling_that_leaves_nothing_names_block_size_and_remedy() -> None:
    (problem,) = faults(image_size=16)
    assert str(problem).startswith("block 5: a 2 x 2 pooling on 1 x 1 pixels: leaves nothing")


def test_the_smallest_feasible_image_is_feasible() -> None:
    assert plan(image_size=32).layers[-1].output == Shape(10)


@pytest.mark.parametrize("filters", [1, 8, 15])
def test_half_that_reaches_no_filters_is_told(filters: int) -> None:
    (problem,) = faults(filters=filters, filter_strategy="half")
    block = filters.bit_length() + 1
    assert problem.value == f"block {block}: filters = {filters}, filter_strategy = half"
    assert problem.rule == "half of 1 filter is 0"
    assert problem.remedy == "start with 16 filters or more, or use fewer blocks"


def test_the_remedy_for_half_works() -> None:
    network = plan(filters=16, filter_strategy="half")
    convs = [layer for layer in network.layers if isinstance(layer, Conv)]
    assert [conv.filters for conv in convs] == [16, 8, 4, 2, 1]


def test_both_faults_are_told_at_once() -> None:
    told = [problem.value for problem in faults(image_size=8, filters=4, filter_strategy="half")]
    assert [value.split(":")[0] for value in told] == ["block 4", "block 4"]


def test_multiply_adds_of_a_small_net_by_hand() -> None:
    network = plan(
        image_size=8, blocks=1, filters=2, kernel_size=3, dense_units=5, batch_norm=True, classes=4
    )
    conv = 8 * 8 * 2 * (3 * 3 * 3)  # pixels x filters x weights of one
    dense = (4 * 4 * 2) * 5
    output = 5 * 4
    assert network.multiply_adds == conv + dense + output == 3636
    assert network.parameters == 2 * (27 + 1) + 2 * 2 + 5 * (32 + 1) + 4 * (5 + 1)


def test_layers_come_in_the_order_of_study_a() -> None:
    assert names(blocks=2, batch_norm=True, dropout=0.1, dense_batch_norm=True) == [
        "block1_conv",
        "block1_conv_norm",
        "block1_conv_act",
        "block1_pool",
        "block1_dropout",
        "block2_conv",
        "block2_conv_norm",
        "block2_conv_act",
        "block2_pool",
        "block2_dropout",
        "flatten",
        "dense1",
        "dense1_norm",
        "dense1_act",
        "dense1_dropout",
        "output",
    ]


def test_layers_come_in_the_order_of_study_b() -> None:
    assert names(preset="b-1-block") == [
        "block1_conv1",
        "block1_conv1_norm",
        "block1_conv1_act",
        "block1_conv2",
        "block1_conv2_norm",
        "block1_conv2_act",
        "block1_pool",
        "flatten",
        "dense1",
        "dense1_norm",
        "dense1_act",
        "dense1_dropout",
        "dense2",
        "dense2_norm",
        "dense2_act",
        "dense2_dropout",
        "output",
    ]


def test_what_is_none_is_left_out() -> None:
    assert names(blocks=1, activation="none", pool="none", dense_units=[]) == [
        "block1_conv",
        "flatten",
        "output",
    ]


def test_dense_activation_may_differ() -> None:
    network = plan(blocks=1, activation="none", dense_activation="tanh")
    assert [layer.name for layer in network.layers if layer.kind == "activation"] == ["dense1_act"]


def test_dropout_may_differ_between_convolutions_and_dense_layers() -> None:
    assert [n for n in names(blocks=1, dropout=0.5, conv_dropout=0) if "dropout" in n] == [
        "dense1_dropout"
    ]
    assert [n for n in names(blocks=1, dropout=0.5, dense_dropout=0) if "dropout" in n] == [
        "block1_dropout"
    ]


def test_each_layer_takes_what_the_one_before_it_leaves() -> None:
    network = plan(preset="c-lenet")
    for before, after in zip(network.layers, network.layers[1:], strict=False):
        assert after.input == before.output
    assert network.input == Shape(3, 32, 32)
    assert network.classes == 10


@given(
    filters=st.integers(1, 256),
    kernel_size=st.integers(1, 11),
    units=st.integers(1, 1024),
    image_size=st.integers(32, 256),
    classes=st.integers(2, 100),
)
def test_study_a_has_its_closed_formulas(
    filters: int, kernel_size: int, units: int, image_size: int, classes: int
) -> None:
    m, k, n = filters, kernel_size, units
    network = plan(filters=m, kernel_size=k, dense_units=n, image_size=image_size, classes=classes)
    sizes = [image_size // 2**block for block in range(6)]
    parameters = m * (3 * k**2 + 1) + 4 * m * (m * k**2 + 1)
    parameters += n * (m * sizes[5] ** 2 + 1) + classes * (n + 1)
    assert network.parameters == parameters
    computations = k**2 * m * (3 * sizes[0] ** 2 + m * sum(size**2 for size in sizes[1:5]))
    computations += n * m * sizes[5] ** 2 + classes * n
    assert network.multiply_adds == computations


SMALL = st.fixed_dictionaries(
    {},
    optional={
        "blocks": st.integers(1, 6),
        "filters": st.integers(1, 64),
        "filter_strategy": st.sampled_from(["same", "double", "half"]),
        "convs_per_block": st.integers(1, 3),
        "kernel_size": st.integers(1, 9),
        "stride": st.integers(1, 3),
        "padding": st.sampled_from(["same", "valid", 0, 2]),
        "pool": st.sampled_from(["max", "none"]),
        "image_size": st.integers(1, 64),
    },
)


@given(SMALL)
def test_a_network_is_sound_or_infeasible(values: dict[str, Any]) -> None:
    try:
        network = plan(**values)
    except InfeasibleError as error:
        assert str(error).startswith("block ")  # noqa: PT017 - there are two good outcomes
    else:
        for layer in network.layers:
            assert min(layer.output.channels, layer.output.height, layer.output.width) >= 1


def test_plans_need_no_torch() -> None:
    code = (
        "import sys\n"
        "from sweepcnn.config import RunConfig\n"
        "from sweepcnn.plan import expand\n"
        "expand(RunConfig(), image_size=128, classes=10)\n"
        "print([name for name in ('torch', 'wandb', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
