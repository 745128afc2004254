"""The layers of a plan: each knows its output shape, its parameters and its multiply-adds.

Shapes are those of one image: [c x h x w], or [c x 1 x 1] for a vector of c values.
"""

from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True)
class Shape:
    """The size of one image's activations: channels x height x width."""

    channels: int
    height: int = 1
    width: int = 1

    @property
    def values(self) -> int:
        """The number of values."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        if self.height == self.width == 1:
            return str(self.channels)
        return f"{self.channels} x {self.height} x {self.width}"


@dataclass(frozen=True)
class Layer:
    """One layer with the shape that enters it; by itself it keeps the shape and costs nothing."""

    kind: ClassVar[str]
    name: str
    input: Shape

    @property
    def output(self) -> Shape:
        """The shape that leaves the layer."""
        return self.input

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return 0

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image; counted for convolution and dense layers only."""
        return 0


@dataclass(frozen=True)
class Conv(Layer):
    """A square convolution.

    `padding` is (before, after) along both axes: "same" with an even kernel pads one more after.
    """

    kind: ClassVar[str] = "conv"
    filters: int
    kernel_size: int
    stride: int
    padding: tuple[int, int]
    bias: bool

    @property
    def output(self) -> Shape:  # noqa: D102
        def size(n: int) -> int:
            return (n + sum(self.padding) - self.kernel_size) // self.stride + 1

        return Shape(self.filters, size(self.input.height), size(self.input.width))

    @property
    def _weights_per_filter(self) -> int:
        return self.input.channels * self.kernel_size**2

    @property
    def parameters(self) -> int:  # noqa: D102
        return self.filters * (self._weights_per_filter + self.bias)

    @property
    def multiply_adds(self) -> int:  # noqa: D102
        return self.output.values * self._weights_per_filter


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation with a trained scale and shift a channel (Ioffe & Szegedy, 2015)."""

    kind: ClassVar[str] = "batch_norm"

    @property
    def parameters(self) -> int:  # noqa: D102
        return 2 * self.input.channels


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise function, by its name in the configuration."""

    kind: ClassVar[str] = "activation"
    function: str


@dataclass(frozen=True)
class Pool(Layer):
    """A 2 x 2 pooling with stride 2 (an odd last row or column is dropped)."""

    kind: ClassVar[str] = "pool"
    SIZE: ClassVar[int] = 2
    method: str

    @property
    def output(self) -> Shape:  # noqa: D102
        height, width = self.input.height // self.SIZE, self.input.width // self.SIZE
        return replace(self.input, height=height, width=width)


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropping of single values with a probability (Srivastava et al., 2014)."""

    kind: ClassVar[str] = "dropout"
    probability: float


@dataclass(frozen=True)
class Flatten(Layer):
    """[c x h x w] as one vector."""

    kind: ClassVar[str] = "flatten"

    @property
    def output(self) -> Shape:  # noqa: D102
        return Shape(self.input.values)


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer with bias."""

    kind: ClassVar[str] = "dense"
    units: int

    @property
    def output(self) -> Shape:  # noqa: D102
        return Shape(self.units)

    @property
    def parameters(self) -> int:  # noqa: D102
        return self.units * (self.input.values + 1)

    @property
    def multiply_adds(self) -> int:  # noqa: D102
        return self.units * self.input.values
