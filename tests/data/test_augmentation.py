import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from sweepcnn.data.augmentation import (
    AUGMENTATIONS,
    augmented,
    check_augment,
    flip_and_crop,
    rotate,
)
from sweepcnn.errors import InputError


def some_images(count: int, height: int = 9, width: int = 9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (count, height, width, 3)
    return torch.randint(1, 256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_shape_type_and_range_are_kept(augment: str) -> None:
    found = augmented(some_images(6, 9, 7), augment, torch.Generator().manual_seed(0))
    assert found.shape == (6, 3, 9, 7)
    assert found.dtype == torch.float32
    assert found.min() >= 0
    assert found.max() <= 255


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_the_seed_decides(augment: str) -> None:
    images = some_images(6)
    first, again, other = (
        augmented(images, augment, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (augment == "none")


def test_flip_and_crop_equals_what_one_does_by_hand() -> None:
    images = some_images(2 * 81, 5, 8)
    shifts = torch.cartesian_prod(torch.arange(9), torch.arange(9)).repeat(2, 1)
    flips = torch.arange(2 * 81) < 81
    found = flip_and_crop(images, flips, shifts)
    assert found.dtype == torch.uint8
    for image, flip, (top, left), result in zip(images, flips, shifts, found, strict=True):
        flipped = image.numpy()[:, ::-1] if flip else image.numpy()
        padded = np.pad(flipped, ((4, 4), (4, 4), (0, 0)))
        assert (result.numpy() == padded[top : top + 5, left : left + 8]).all()


def test_every_flip_and_shift_is_drawn_about_equally_often() -> None:
    height = width = 9
    marked = torch.zeros(8100, height, width, 3, dtype=torch.uint8)
    marked[:, 4, 4] = 1
    marked[:, 4, 5] = 2  # right of the middle, so left of it where flipped
    found = augmented(marked, "flip_crop", torch.Generator().manual_seed(0))[:, 0]
    at = (found == 1).flatten(1).float().argmax(1)
    counts = torch.bincount(at, minlength=81)
    assert counts.min() > 60
    assert counts.max() < 140
    inside = found[(at % width != 0) & (at % width != 8)]
    left = (inside.roll(1, 2) == 2) & (inside == 1)
    assert 0.47 < left.any(2).any(1).float().mean() < 0.53


@pytest.mark.parametrize("degrees", [-15.0, -3.0, 0.0, 7.5, 15.0])
def test_rotation_equals_scipy(degrees: float) -> None:
    image = some_images(1, 16, 16)[0].numpy().astype(np.float32)
    image = ndimage.gaussian_filter(image, (2, 2, 0))
    found = rotate(torch.from_numpy(image).permute(2, 0, 1)[None], torch.tensor([degrees]))
    expected = ndimage.rotate(image, degrees, reshape=False, order=1, mode="grid-constant")
    assert np.abs(found[0].permute(1, 2, 0).numpy() - expected).max() < 0.01


@pytest.mark.parametrize("degrees", [-15.0, 15.0])
def test_rotation_of_oblong_images_equals_pillow(degrees: float) -> None:
    image = ndimage.gaussian_filter(some_images(1, 30, 50)[0].numpy().astype(np.float32), (3, 3, 0))
    image = image.round().astype(np.uint8)
    turned = Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    found = rotate(pixels, torch.tensor([degrees]))[0].permute(1, 2, 0).numpy()
    inner = np.s_[10:20, 10:40]  # the edges fade out here and end there
    assert np.abs(found - np.asarray(turned).astype(float))[inner].max() < 2


def test_each_image_is_rotated_on_its_own_and_by_at_most_15_degrees() -> None:
    bar = torch.zeros(400, 41, 41, 3, dtype=torch.uint8)
    bar[:, 20, 4:37] = 255
    found = augmented(bar, "flip_crop_rotate", torch.Generator().manual_seed(0))[:, 0]
    angles = []
    for image in found.numpy():
        y, x = np.nonzero(image > 100)
        angles.append(np.degrees(np.arctan(np.polyfit(x, -y, 1)[0])))
    assert -16 < min(angles) < -13
    assert 13 < max(angles) < 16
    assert abs(np.mean(angles)) < 1.5


def test_an_unknown_policy_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        check_augment("flip")
    assert str(caught.value) == (
        "augment 'flip': no such policy; take one of none, flip_crop, flip_crop_rotate"
    )
