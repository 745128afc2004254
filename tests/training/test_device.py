import random

import numpy as np
import pytest
import torch

from sweepcnn.errors import InputError
from sweepcnn.training.device import autocast_dtype, choose_device, seed_everything

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def capability(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: request.param)


def test_a_gpu_is_chosen_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == CUDA
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == CPU


def test_the_cpu_computes_in_float32() -> None:
    assert autocast_dtype(CPU, "auto") is None
    assert autocast_dtype(CPU, "float32") is None


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], indirect=True)
@pytest.mark.usefixtures("capability")
def test_a_gpu_that_has_bfloat16_uses_it_unless_told_otherwise() -> None:
    assert autocast_dtype(CUDA, "auto") is torch.bfloat16
    assert autocast_dtype(CUDA, "bfloat16") is torch.bfloat16
    assert autocast_dtype(CUDA, "float32") is None


@pytest.mark.parametrize("capability", [(7, 5)], indirect=True)
@pytest.mark.usefixtures("capability")
def test_an_older_gpu_computes_in_float32_and_refuses_bfloat16() -> None:
    assert autocast_dtype(CUDA, "auto") is None
    with pytest.raises(InputError, match="this run uses cuda of an earlier one"):
        autocast_dtype(CUDA, "bfloat16")


def test_bfloat16_on_the_cpu_is_refused_with_value_rule_and_remedy() -> None:
    with pytest.raises(InputError) as caught:
        autocast_dtype(CPU, "bfloat16")
    assert str(caught.value) == (
        "precision = 'bfloat16': needs a CUDA GPU of compute capability 8.0 or later, and this run "
        "uses cpu; set precision: auto or float32"
    )


def test_all_random_numbers_follow_the_seed() -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), torch.rand(()).item()

    seed_everything(3)
    first = draw()
    assert draw() != first
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))
    seed_everything(2**32 - 1)  # the largest that a configuration allows
