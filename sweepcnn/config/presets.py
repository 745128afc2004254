"""Named networks: the bases which the keys of a sweep override.

Each is a network of a published study together with the image size it was made for; training
settings (optimizer, epochs, ...) stay at the defaults.
"""

from typing import Any

from sweepcnn.config.problems import did_you_mean, show
from sweepcnn.errors import Problem

_LENET = {
    "image_size": 32,
    "blocks": 2,
    "filters": [6, 16],
    "kernel_size": 5,
    "padding": "valid",
    "dense_units": [120, 84],
}


def _doubled_blocks(blocks: int) -> dict[str, Any]:
    """Give study B's network: two 3 x 3 convolutions a block, 16 filters doubled each time."""
    return {
        "image_size": 32,
        "blocks": blocks,
        "filters": 16,
        "filter_strategy": "double",
        "convs_per_block": 2,
        "batch_norm": True,
        "dense_units": [512, 128],
        "dense_batch_norm": True,
        "dense_dropout": 0.5,
    }


PRESETS: dict[str, dict[str, Any]] = {
    "a-best": {
        "image_size": 224,
        "filters": 64,
        "kernel_size": 5,
        "activation": "gelu",
        "batch_norm": True,
        "dropout": 0.31,
        "dense_units": 128,
    },
    "a-double": {
        "image_size": 128,
        "filters": 32,
        "filter_strategy": "double",
        "dense_units": 64,
    },
    "a-half": {
        "image_size": 128,
        "filters": 64,
        "filter_strategy": "half",
        "kernel_size": 4,
        "conv_bias": False,
        "dense_units": 128,
    },
    "b-1-block": _doubled_blocks(1),
    "b-2-blocks": _doubled_blocks(2),
    "b-3-blocks": _doubled_blocks(3),
    "c-lenet": _LENET,
    "c-lenet-k4": _LENET | {"kernel_size": 4},
    "e-small": {
        "image_size": 32,
        "blocks": 3,
        "filters": [6, 12, 16],
        "padding": "valid",
        "pool": ["max", "none", "max"],
        "dense_units": [120, 84],
    },
}


def preset_values(name: object) -> tuple[dict[str, Any], list[Problem]]:
    """Give the values of a preset (none for no preset), and a problem if there is no such one."""
    if not isinstance(name, str):  # what is neither null nor text is refused by the field's type
        return {}, []
    if name in PRESETS:
        return PRESETS[name], []
    return {}, [Problem(f"preset = {show(name)}", "unknown preset", did_you_mean(name, PRESETS))]
