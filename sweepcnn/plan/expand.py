"""Parameters to plan: the short names of the configuration written out as layers."""

from typing import TypeVar

from sweepcnn.config.network import NetworkConfig
from sweepcnn.errors import InfeasibleError, Problem
from sweepcnn.plan.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    Shape,
)
from sweepcnn.plan.network import Plan

T = TypeVar("T")

CHANNELS = 3  # every image is read as RGB


def expand(network: NetworkConfig, *, image_size: int, classes: int) -> Plan:
    """Write a network out as layers.

    Args:
        network: the parameters; those of a RunConfig serve as they are.
        image_size: side of the square input in pixels.
        classes: number of outputs, 2 or more.

    Raises:
        InfeasibleError: an image shrinks to nothing on the way, or "half" reaches 0 filters; names
            block, size and remedy, all such faults at once.
    """
    filters = _filters(network)
    builder = _Builder(Shape(CHANNELS, image_size, image_size))
    problems = [*_empty_blocks(network, filters), *_add_blocks(builder, network, filters)]
    if problems:
        raise InfeasibleError(problems)
    _add_classifier(builder, network, classes)
    return Plan(tuple(builder.layers))


class _Builder:
    """Collects layers; each takes the shape that the one before it leaves."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.layers: list[Layer] = []

    def add(self, layer: Layer) -> None:
        self.layers.append(layer)
        self.shape = layer.output


def _per_block(value: T | tuple[T, ...], blocks: int) -> tuple[T, ...]:
    return value if isinstance(value, tuple) else (value,) * blocks


def _filters(network: NetworkConfig) -> tuple[int, ...]:
    if isinstance(network.filters, tuple):
        return network.filters
    first, blocks = network.filters, range(network.blocks)
    match network.filter_strategy:
        case "same":
            return tuple(first for _ in blocks)
        case "double":
            return tuple(first * 2**block for block in blocks)
        case "half":
            return tuple(first // 2**block for block in blocks)


def _empty_blocks(network: NetworkConfig, filters: tuple[int, ...]) -> list[Problem]:
    if 0 not in filters:
        return []
    block = filters.index(0)
    return [
        Problem(
            f"block {block + 1}: filters = {network.filters}, filter_strategy = half",
            f"half of {filters[block - 1]} filter is 0",
            f"start with {2 ** (network.blocks - 1)} filters or more, or use fewer blocks",
        )
    ]


def _padding(network: NetworkConfig, kernel_size: int) -> tuple[int, int]:
    match network.padding:
        case "same":
            total = kernel_size - 1
            return total // 2, total - total // 2
        case "valid":
            return 0, 0
        case pixels:
            return pixels, pixels


def _add_blocks(
    builder: _Builder, network: NetworkConfig, filters: tuple[int, ...]
) -> list[Problem]:
    """Add the blocks; tells at which one the image has shrunk to nothing, if it has."""
    kernel_sizes = _per_block(network.kernel_size, network.blocks)
    pools = _per_block(network.pool, network.blocks)
    dropout = network.dropout if network.conv_dropout is None else network.conv_dropout
    for block in range(network.blocks):
        name = f"block{block + 1}"
        for index in range(network.convs_per_block):
            label = f"{name}_conv" if network.convs_per_block == 1 else f"{name}_conv{index + 1}"
            conv = Conv(
                label,
                builder.shape,
                filters=filters[block],
                kernel_size=kernel_sizes[block],
                stride=network.stride,
                padding=_padding(network, kernel_sizes[block]),
                bias=network.conv_bias,
            )
            if conv.output.height < 1:
                return _shrunk(
                    block,
                    builder.shape,
                    f"a {conv.kernel_size} x {conv.kernel_size}"
                    f" convolution with padding {network.padding}",
                )
            builder.add(conv)
            if network.batch_norm:
                builder.add(BatchNorm(f"{label}_norm", builder.shape))
            if network.activation != "none":
                builder.add(Activation(f"{label}_act", builder.shape, network.activation))
        if pools[block] != "none":
            pool = Pool(f"{name}_pool", builder.shape, pools[block])
            if pool.output.height < 1:
                return _shrunk(block, builder.shape, "a 2 x 2 pooling")
            builder.add(pool)
        if dropout:
            builder.add(Dropout(f"{name}_dropout", builder.shape, dropout))
    return []


def _shrunk(block: int, shape: Shape, operation: str) -> list[Problem]:
    return [
        Problem(
            f"block {block + 1}: {operation} on {shape.height} x {shape.width} pixels",
            "leaves nothing of the image",
            "use a larger image_size, fewer blocks, a smaller kernel_size or padding: same",
        )
    ]


def _add_classifier(builder: _Builder, network: NetworkConfig, classes: int) -> None:
    widths = network.dense_units
    dropout = network.dropout if network.dense_dropout is None else network.dense_dropout
    activation = network.dense_activation or network.activation
    builder.add(Flatten("flatten", builder.shape))
    for index, units in enumerate(widths if isinstance(widths, tuple) else (widths,)):
        name = f"dense{index + 1}"
        builder.add(Dense(name, builder.shape, units))
        if network.dense_batch_norm:
            builder.add(BatchNorm(f"{name}_norm", builder.shape))
        if activation != "none":
            builder.add(Activation(f"{name}_act", builder.shape, activation))
        if dropout:
            builder.add(Dropout(f"{name}_dropout", builder.shape, dropout))
    builder.add(Dense("output", builder.shape, classes))
