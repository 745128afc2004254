"""Where a run computes, in which arithmetic, and from which random numbers."""

import random
from typing import Literal

import numpy as np
import torch

from sweepcnn.errors import InputError, Problem

Precision = Literal["auto", "float32", "bfloat16"]

# bfloat16 matrix arithmetic came with compute capability 8.0 (CUDA C++ Programming Guide,
# "Compute Capabilities"); older GPUs only emulate it.
_BFLOAT16_CAPABILITY = (8, 0)


def choose_device() -> torch.device:
    """Give the first visible GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast_dtype(device: torch.device, precision: Precision) -> torch.dtype | None:
    """Give the type to which torch.autocast lowers matrix arithmetic; None is plain float32.

    Raises:
        InputError: bfloat16 is asked for and the device has none.
    """
    if precision == "float32":
        return None
    if _has_bfloat16(device):
        return torch.bfloat16
    if precision == "auto":
        return None
    raise InputError(
        Problem(
            "precision = 'bfloat16'",
            f"needs a CUDA GPU of compute capability 8.0 or later, and this run uses {device.type}"
            + (" of an earlier one" if device.type == "cuda" else ""),
            "set precision: auto or float32",
        )
    )


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (its generators on the CPU and on all GPUs)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _has_bfloat16(device: torch.device) -> bool:
    return (
        device.type == "cuda" and torch.cuda.get_device_capability(device) >= _BFLOAT16_CAPABILITY
    )
