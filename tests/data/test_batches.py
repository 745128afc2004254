from collections.abc import Iterable
from typing import Any

import pytest
import torch

from sweepcnn.data import AUGMENTATIONS, EvaluationBatches, Split, TrainingBatches
from sweepcnn.errors import InputError

CPU = torch.device("cpu")


def some_split(count: int, size: int = 4) -> Split:
    """The label of an image is its position, which is also its first pixel."""
    generator = torch.Generator().manual_seed(0)
    shape = (2 * count, size, size, 3)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    rows = torch.randperm(2 * count, generator=generator)[:count]
    images[rows, 0, 0, 0] = torch.arange(count, dtype=torch.uint8)
    return Split(images, torch.arange(count), rows)


def training(split: Split, **options: Any) -> TrainingBatches:
    defaults: dict[str, Any] = {"batch_size": 4, "augment": "none", "normalize": "none", "seed": 0}
    return TrainingBatches(split, device=CPU, **(defaults | options))


def evaluation(split: Split, **options: Any) -> EvaluationBatches:
    defaults: dict[str, Any] = {"batch_size": 4, "normalize": "none"}
    return EvaluationBatches(split, device=CPU, **(defaults | options))


def all_of(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_batches_have_the_promised_form() -> None:
    for batches in (training(some_split(8), augment="flip_crop_rotate"), evaluation(some_split(8))):
        for images, labels in batches:
            assert images.shape == (4, 3, 4, 4)
            assert images.dtype == torch.float32
            assert images.is_contiguous(memory_format=torch.channels_last)
            assert labels.shape == (4,)
            assert labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("normalize", "scale", "offset"), [("none", 1 / 255, 0), ("half", 2 / 255, -1)]
)
def test_evaluation_gives_every_image_in_order_and_exact(
    normalize: str, scale: float, offset: float
) -> None:
    split = some_split(10)
    batches = evaluation(split, normalize=normalize)
    assert len(batches) == 3
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    for _ in range(2):
        images, labels = all_of(batches)
        assert torch.equal(labels, split.labels)
        expected = split.pick(range(10)).permute(0, 3, 1, 2) * scale + offset
        torch.testing.assert_close(images, expected, atol=2e-7, rtol=0)


@pytest.mark.parametrize(("normalize", "lowest"), [("none", 0.0), ("half", -1.0)])
def test_black_and_white_are_the_ends_of_the_range(normalize: str, lowest: float) -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 2, 2, 3)
    found, _ = all_of(evaluation(Split(images, torch.tensor([0, 1])), normalize=normalize))
    assert set(found[0].flatten().tolist()) == {lowest}
    assert set(found[1].flatten().tolist()) == {1.0}


def test_an_epoch_has_each_image_once_with_its_label() -> None:
    split = some_split(10)
    images, labels = all_of(training(split))
    assert labels.sort().values.tolist() == list(range(10))
    assert labels.tolist() != list(range(10))
    assert torch.equal((images[:, 0, 0, 0] * 255).round().long(), labels)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_the_seed_decides_whatever_ran_before(augment: str) -> None:
    first = training(some_split(10), augment=augment)
    epochs = [all_of(first) for _ in range(2)]
    torch.manual_seed(99)
    torch.rand(5)
    again = training(some_split(10), augment=augment)
    for images, labels in epochs:
        images_again, labels_again = all_of(again)
        assert torch.equal(images, images_again)
        assert torch.equal(labels, labels_again)
    assert not torch.equal(epochs[0][1], epochs[1][1])
    assert not torch.equal(epochs[0][1], all_of(training(some_split(10), seed=1))[1])


def test_training_leaves_the_global_generator_alone() -> None:
    state = torch.random.get_rng_state()
    all_of(training(some_split(10), augment="flip_crop_rotate"))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_epoch_can_be_left_early_or_resumed_at() -> None:
    whole = training(some_split(10))
    expected = [all_of(whole)[1].tolist() for _ in range(3)]
    left = training(some_split(10))
    next(iter(left))
    assert all_of(left)[1].tolist() == expected[1]
    resumed = training(some_split(10))
    resumed.epoch = 2
    assert all_of(resumed)[1].tolist() == expected[2]


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [
        (9, 4, [4, 4]),  # a last batch of one is dropped
        (10, 4, [4, 4, 2]),
        (8, 4, [4, 4]),
        (1, 4, [1]),  # unless it is all there is
        (3, 1, [1, 1, 1]),
        (5, 8, [5]),
    ],
)
def test_the_last_batch(count: int, batch_size: int, sizes: list[int]) -> None:
    batches = training(some_split(count), batch_size=batch_size)
    assert [len(labels) for _, labels in batches] == sizes
    assert len(batches) == len(sizes)


def test_the_dropped_image_is_another_each_epoch() -> None:
    batches = training(some_split(9))
    assert {label for _ in range(9) for label in all_of(batches)[1].tolist()} == set(range(9))


def test_what_comes_in_from_outside_is_black_before_normalisation() -> None:
    white = torch.full((64, 4, 4, 3), 255, dtype=torch.uint8)
    batches = training(
        Split(white, torch.zeros(64, dtype=torch.int64)), augment="flip_crop", normalize="half"
    )
    assert set(all_of(batches)[0].flatten().tolist()) == {-1.0, 1.0}


def test_wrong_options_are_errors() -> None:
    with pytest.raises(InputError) as caught:
        evaluation(some_split(4), batch_size=0, normalize="imagenet")
    assert [str(problem) for problem in caught.value.problems] == [
        "batch_size 0: it must be 1 or above; take 64, for example",
        "normalize 'imagenet': no such policy; take one of none, half",
    ]
    with pytest.raises(InputError, match="augment 'flip': no such policy"):
        training(some_split(4), augment="flip")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("share", [0.25, 0.0])
def test_a_cuda_device_gets_the_same_batches(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    monkeypatch.setattr("sweepcnn.data.batches.SHARE", share)  # 0: too big to be kept there
    split, device = some_split(10), torch.device("cuda")
    for augment in AUGMENTATIONS:
        batches = TrainingBatches(
            split, batch_size=4, augment=augment, normalize="half", device=device, seed=0
        )
        for (images, labels), (expected, expected_labels) in zip(
            batches, training(split, augment=augment, normalize="half"), strict=True
        ):
            assert images.device.type == labels.device.type == "cuda"
            torch.testing.assert_close(images.cpu(), expected, atol=1e-4, rtol=0)
            assert torch.equal(labels.cpu(), expected_labels)
