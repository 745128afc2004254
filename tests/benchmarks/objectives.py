"""Made-up validation accuracies over 12 mixed parameters of a network, whose best is known.

An accuracy is that of guessing among ten classes plus what a penalty leaves of the rest:
`0.1 + (best - 0.1) * exp(-penalty)`. Every penalty is a sum of parts that are 0 or more, and one
point of the space has none.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

PARAMETERS: dict[str, dict[str, Any]] = {
    "learning_rate": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-1},
    "weight_decay": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1e-1},
    "dropout": {"min": 0.0, "max": 0.7},
    "momentum": {"min": 0.5, "max": 0.99},
    "label_smoothing": {"distribution": "q_uniform", "min": 0.0, "max": 0.3, "q": 0.05},
    "filters": {"min": 8, "max": 64},
    "dense_units": {"distribution": "q_uniform", "min": 32, "max": 512, "q": 32},
    "convs_per_block": {"min": 1, "max": 4},
    "kernel_size": {"values": [3, 5, 7]},
    "batch_norm": {"values": [True, False]},
    "activation": {"values": ["relu", "gelu", "silu", "mish", "elu"]},
    "optimizer": {"values": ["adam", "nadam", "rmsprop", "sgd"]},
}
_BEST = 0.93
_GUESSING = 0.1


@dataclass(frozen=True)
class Objective:
    """A function of a point, and what is seen of it.

    Args:
        penalty: 0 at the best point, more elsewhere.
        noise: standard deviation of what a run's seed adds to the accuracy.
    """

    penalty: Callable[[Mapping[str, Any]], float]
    noise: float

    def true(self, point: Mapping[str, Any]) -> float:
        """Give the accuracy without noise, from 0.1 to 0.93."""
        return _GUESSING + (_BEST - _GUESSING) * math.exp(-self.penalty(point))

    def seen(self, point: Mapping[str, Any], rng: np.random.Generator) -> float:
        """Give the accuracy as a run logs it."""
        return self.true(point) + float(rng.normal(0, self.noise))


def _rate(point: Mapping[str, Any]) -> float:
    return math.log10(point["learning_rate"])


def _bowl(point: Mapping[str, Any]) -> float:
    """One wide optimum: the best rate follows the optimizer, the best dropout the width."""
    best_rate = {"adam": -3.0, "nadam": -3.2, "rmsprop": -3.5, "sgd": -1.7}[point["optimizer"]]
    width = math.log2(point["filters"] / 8) / 3
    return float(
        0.15 * (_rate(point) - best_rate - 0.4 * point["batch_norm"]) ** 2
        + 0.03 * (math.log10(point["weight_decay"]) + 3.5) ** 2
        + 2.0 * (point["dropout"] - 0.1 - 0.3 * width) ** 2
        + 0.2 * (1 - width) ** 2
        + 0.5 * (point["momentum"] - 0.9) ** 2
        + 1.5 * (point["label_smoothing"] - 0.1) ** 2
        + 0.08 * (math.log2(point["dense_units"] / 256) / 3) ** 2
        + 0.02 * abs(point["convs_per_block"] - 2)
        + {3: 0.0, 5: 0.02, 7: 0.05}[point["kernel_size"]]
        + (0.0 if point["batch_norm"] else 0.1)
        + {"relu": 0.02, "gelu": 0.0, "silu": 0.01, "mish": 0.01, "elu": 0.05}[point["activation"]]
        + {"adam": 0.0, "nadam": 0.01, "rmsprop": 0.05, "sgd": 0.02}[point["optimizer"]]
    )


def _valleys(point: Mapping[str, Any]) -> float:
    """Narrow valleys across two parameters, ripples along them and a second, poorer optimum."""
    step = _rate(point) - math.log10(1 - point["momentum"])  # the length of SGD's step
    off = step + 1.5 if point["optimizer"] == "sgd" else _rate(point) + 3.0
    capacity = math.log2(point["filters"] / 32) + math.log2(point["convs_per_block"] / 2)
    plain = 0.12 + 0.2 * abs(point["convs_per_block"] - 1)
    return float(
        0.2 * off**2
        + 0.03 * (1 - math.cos(2 * math.pi * off))
        + 0.1 * capacity**2
        + 0.05 * (math.log10(point["weight_decay"]) + 4 + 4 * (point["dropout"] - 0.3)) ** 2
        + 0.5 * (point["dropout"] - 0.3) ** 2
        + 1.0 * (point["label_smoothing"] - 0.05) ** 2
        + 0.05 * (math.log2(point["dense_units"] / 128) / 2) ** 2
        + {3: 0.03, 5: 0.0, 7: 0.03}[point["kernel_size"]]
        + (0.0 if point["batch_norm"] else plain)
        + {"relu": 0.0, "gelu": 0.02, "silu": 0.02, "mish": 0.03, "elu": 0.06}[point["activation"]]
        + {"adam": 0.03, "nadam": 0.02, "rmsprop": 0.08, "sgd": 0.0}[point["optimizer"]]
    )


def _cliff(point: Mapping[str, Any]) -> float:
    """The better the rate the nearer the cliff beyond which a run diverges; and more noise."""
    limit = {"adam": -2.4, "nadam": -2.6, "rmsprop": -3.0, "sgd": -1.4}[point["optimizer"]]
    limit += 0.5 if point["batch_norm"] else -0.3 * point["convs_per_block"]
    off = limit - _rate(point)
    if off < 0:
        return 6.0
    width = math.log2(point["filters"] / 8) / 3
    return float(
        0.25 * max(off - 0.4, 0.0)
        + 0.4 * max(0.4 - off, 0.0)
        + 0.3 * max(0.8 - width, 0.0) * point["kernel_size"] / 3
        + 0.6 * max(width * point["convs_per_block"] / 4 - point["dropout"] - 0.25, 0.0)
        + 0.5 * max(point["dropout"] - 0.4, 0.0)
        + 0.04 * abs(math.log10(point["weight_decay"]) + 3)
        + 0.3 * abs(point["label_smoothing"] - 0.1)
        + 0.06 * abs(math.log2(point["dense_units"] / 256))
        + 0.04 * abs(point["convs_per_block"] - 3)
        + 0.2 * max(0.8 - point["momentum"], 0.0)
        + {3: 0.0, 5: 0.01, 7: 0.03}[point["kernel_size"]]
        + {"relu": 0.01, "gelu": 0.01, "silu": 0.0, "mish": 0.0, "elu": 0.04}[point["activation"]]
        + {"adam": 0.02, "nadam": 0.02, "rmsprop": 0.05, "sgd": 0.0}[point["optimizer"]]
    )


OBJECTIVES = {
    "bowl": Objective(_bowl, 0.003),
    "valleys": Objective(_valleys, 0.005),
    "cliff": Objective(_cliff, 0.01),
}
