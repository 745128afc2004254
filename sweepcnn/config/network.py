"""The part of a run's configuration that shapes the network."""

from typing import Annotated, Any, Literal

from pydantic import Field, Tag, field_validator
from pydantic_core import PydanticCustomError

from sweepcnn.config.values import (
    NAME,
    NAME_OR_NUMBER,
    NUMBER,
    Integer,
    OneOrMany,
    Real,
    Section,
)

Activation = Literal["relu", "gelu", "silu", "mish", "elu", "leaky_relu", "tanh", "none"]
FilterStrategy = Literal["same", "double", "half"]
Padding = Annotated[
    Annotated[Literal["same", "valid"], Tag(NAME)]
    | Annotated[Integer, Field(ge=0, le=64), Tag(NUMBER)],
    NAME_OR_NUMBER,
]
Pool = Literal["max", "avg", "none"]

Blocks = Annotated[Integer, Field(ge=1, le=16)]
Filters = Annotated[Integer, Field(ge=1, le=8192)]
KernelSize = Annotated[Integer, Field(ge=1, le=63)]
Units = Annotated[Integer, Field(ge=1, le=65536)]
Probability = Annotated[Real, Field(ge=0, lt=1)]

_MOST_DENSE = 64  # sweeps lay out the network of each of their points


class NetworkConfig(Section):
    """Blocks of convolution, batch norm, activation, pool and dropout, then dense layers."""

    preset: str | None = None
    """A named network whose values other keys override."""
    blocks: Blocks = 5
    """The number of convolution blocks."""
    filters: OneOrMany[Filters] = 32
    """The filters of the first block, or a list with one number a block."""
    filter_strategy: FilterStrategy = "same"
    """How one number of filters goes on from block to block: same, double or half."""
    convs_per_block: Annotated[Integer, Field(ge=1, le=8)] = 1
    """The number of convolutions in each block."""
    kernel_size: OneOrMany[KernelSize] = 3
    """The side of the square convolution kernels, or a list with one number a block."""
    stride: Annotated[Integer, Field(ge=1, le=8)] = 1
    """The stride of the convolutions."""
    padding: Padding = "same"
    """Same (keeps the size), valid (pads nothing), or the number of pixels on each side."""
    conv_bias: bool = True
    """Whether the convolutions have a bias."""
    batch_norm: bool = False
    """Whether batch norm stands between each convolution and its activation."""
    activation: Activation = "relu"
    """The activation after each convolution, one of relu, gelu, silu, mish, elu, leaky_relu, tanh,
    none."""
    dense_activation: Activation | None = None
    """The activation after each hidden dense layer; null means the same as activation."""
    pool: OneOrMany[Pool] = "max"
    """The 2 x 2 pooling that ends a block (max, avg, none), or a list with one a block."""
    dropout: Probability = 0.0
    """The probability of dropping a value after each block and each hidden dense layer, 0 or more
    and less than 1."""
    conv_dropout: Probability | None = None
    """The dropout after each block where it differs from dropout."""
    dense_dropout: Probability | None = None
    """The dropout after each hidden dense layer where it differs from dropout."""
    dense_units: OneOrMany[Units] = 128
    """The width of the hidden dense layer, or a list of up to 64 widths ([] for none)."""
    dense_batch_norm: bool = False
    """Whether batch norm stands between each hidden dense layer and its activation."""

    @field_validator("dense_units", mode="before")
    @classmethod
    def _is_no_giant(cls, value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) > _MOST_DENSE:
            remedy = f"give {_MOST_DENSE} widths or fewer"
            context = {"n": len(value), "remedy": remedy}
            raise PydanticCustomError("too_many_layers", "lists {n} layers", context)
        return value
