"""Random changes to training images: a whole batch at once, every image with a draw of its own.

Randomness comes from a generator on the CPU, so the same seed draws the same on every device.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from sweepcnn.errors import InputError, Problem

AUGMENTATIONS = ("none", "flip_crop", "flip_crop_rotate")
"""No change; flipped left to right or not and shifted by up to 4 pixels; and then rotated by up
to 15 degrees. What comes in from outside an image is black."""

PADDING = 4
DEGREES = 15.0


def check_augment(augment: str) -> None:
    """Raise InputError unless `augment` is one of `AUGMENTATIONS`."""
    if augment not in AUGMENTATIONS:
        raise InputError(
            Problem(
                f"augment {augment!r}", "no such policy", f"take one of {', '.join(AUGMENTATIONS)}"
            )
        )


def augmented(images: Tensor, augment: str, generator: torch.Generator) -> Tensor:
    """Apply a policy of `AUGMENTATIONS`.

    Args:
        images: uint8 [b x h x w x 3] on any device.
        augment: name of the policy.
        generator: on the CPU.

    Returns:
        float32 [b x 3 x h x w], 0..255; whole numbers unless rotated.
    """
    count = len(images)
    if augment != "none":
        flips = torch.rand(count, generator=generator) < 0.5
        shifts = torch.randint(0, 2 * PADDING + 1, (count, 2), generator=generator)
        images = flip_and_crop(images, flips, shifts)
    pixels = images.permute(0, 3, 1, 2).float()
    if augment == "flip_crop_rotate":
        degrees = (torch.rand(count, generator=generator) * 2 - 1) * DEGREES
        pixels = rotate(pixels, degrees)
    return pixels


def flip_and_crop(images: Tensor, flips: Tensor, shifts: Tensor) -> Tensor:
    """Flip each image or not, pad it with 4 black pixels all round and cut its size out of that.

    Args:
        images: uint8 [b x h x w x 3].
        flips: bool [b], true to mirror left to right.
        shifts: int64 [b x 2], top and left edge of the cut in the padded image, 0..8.

    Returns:
        uint8 [b x h x w x 3]: pixels are moved, never changed.
    """
    _, height, width, _ = images.shape
    device = images.device
    padded = functional.pad(images, (0, 0, PADDING, PADDING, PADDING, PADDING))
    top, left = shifts.to(device).unbind(1)
    rows = top[:, None] + torch.arange(height, device=device)  # [b x h]
    columns = left[:, None] + torch.arange(width, device=device)  # [b x w]
    mirrored = width + 2 * PADDING - 1 - columns
    columns = torch.where(flips.to(device)[:, None], mirrored, columns)
    batch = torch.arange(len(images), device=device)
    return padded[batch[:, None, None], rows[:, :, None], columns[:, None, :]]


def rotate(pixels: Tensor, degrees: Tensor) -> Tensor:
    """Rotate each image about its centre, counter-clockwise; bilinear, black outside.

    Args:
        pixels: float32 [b x 3 x h x w].
        degrees: float32 [b].

    Returns:
        float32 [b x 3 x h x w].
    """
    height, width = pixels.shape[2:]
    radians = degrees.to(pixels.device) * (math.pi / 180)
    cos, sin, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    # the grid runs over -1..1 on both axes, hence the aspect ratio in the mixed terms
    inverse = torch.stack(
        [cos, -sin * (height / width), zero, sin * (width / height), cos, zero], 1
    ).view(-1, 2, 3)
    grid = functional.affine_grid(inverse, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, "bilinear", "zeros", align_corners=False)
