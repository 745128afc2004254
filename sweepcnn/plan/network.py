"""A whole network as data."""

from dataclasses import dataclass

from sweepcnn.plan.layers import Layer, Shape


@dataclass(frozen=True)
class Plan:
    """The layers of a network in order; the last one gives one score a class."""

    layers: tuple[Layer, ...]

    @property
    def input(self) -> Shape:
        """The shape of one image, [3 x h x w]."""
        return self.layers[0].input

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.layers[-1].output.channels

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of convolution and dense layers for one image."""
        return sum(layer.multiply_adds for layer in self.layers)
