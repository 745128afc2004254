"""A plan's layers as an `nn.Sequential`."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from torch import nn

from sweepcnn.plan import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Plan,
    Pool,
)

# An activation follows a convolution, a norm or a dense layer, none of which needs its own output
# for its gradient, so it may overwrite it. Inplace only where the gradient follows from the result;
# silu and mish would have to keep a copy of what they overwrite.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "elu": lambda: nn.ELU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(inplace=True),
    "tanh": nn.Tanh,
}

POOLS: dict[str, Callable[[int], nn.Module]] = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


def build(plan: Plan) -> nn.Sequential:
    """Build the network of a plan, with torch's own initial weights.

    It maps images [b x 3 x h x w], float, to scores before softmax [b x classes], float. Its
    children bear the names of the plan's layers; where a convolution's padding is uneven, a child
    "<name>_pad" stands before it.
    """
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    flat = False
    for layer in plan.layers:
        modules.update(_modules(layer, flat=flat))
        flat = flat or isinstance(layer, Flatten)
    return nn.Sequential(modules)


def _modules(layer: Layer, *, flat: bool) -> Iterator[tuple[str, nn.Module]]:
    """Give a layer's modules by name; `flat` tells vectors [b x c] from images [b x c x 1 x 1]."""
    match layer:
        case Conv():
            yield from _convolution(layer)
        case BatchNorm():
            norm = nn.BatchNorm1d if flat else nn.BatchNorm2d
            yield layer.name, norm(layer.input.channels)
        case Activation():
            yield layer.name, ACTIVATIONS[layer.function]()
        case Pool():
            yield layer.name, POOLS[layer.method](layer.SIZE)
        case Dropout():
            yield layer.name, nn.Dropout(layer.probability)
        case Flatten():
            yield layer.name, nn.Flatten()
        case Dense():
            yield layer.name, nn.Linear(layer.input.values, layer.units)
        case _:
            raise TypeError(f"no module is known for the layer {layer}")


def _convolution(layer: Conv) -> Iterator[tuple[str, nn.Module]]:
    before, after = layer.padding
    if before != after:
        yield f"{layer.name}_pad", nn.ZeroPad2d((before, after, before, after))
    yield (
        layer.name,
        nn.Conv2d(
            layer.input.channels,
            layer.filters,
            layer.kernel_size,
            stride=layer.stride,
            padding=before if before == after else 0,
            bias=layer.bias,
        ),
    )
