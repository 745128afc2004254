"""The network as data: layers with shapes and costs, known without torch."""

from sweepcnn.plan.expand import expand
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

__all__ = [
    "Activation",
    "BatchNorm",
    "Conv",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "Plan",
    "Pool",
    "Shape",
    "expand",
]
