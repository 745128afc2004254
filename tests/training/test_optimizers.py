import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from sweepcnn.training.optimizers import OptimizerName, build_optimizer


def one_weight(value: float, gradient: float) -> nn.Parameter:
    weight = nn.Parameter(torch.tensor([value]))
    weight.grad = torch.tensor([gradient])
    return weight


@pytest.mark.parametrize(("weight_decay", "expected"), [(0.0, 1.95), (0.1, 1.93)])
def test_sgd_adds_the_penalty_to_the_gradient(weight_decay: float, expected: float) -> None:
    weight = one_weight(2.0, 0.5)
    build_optimizer(
        [weight], name="sgd", learning_rate=0.1, momentum=0.0, weight_decay=weight_decay
    ).step()
    assert weight.item() == pytest.approx(expected)


@pytest.mark.parametrize(("momentum", "expected"), [(0.0, 1.9), (0.9, 1.855)])
def test_sgd_carries_its_momentum_on(momentum: float, expected: float) -> None:
    weight = one_weight(2.0, 0.5)
    optimizer = build_optimizer(
        [weight], name="sgd", learning_rate=0.1, momentum=momentum, weight_decay=0.0
    )
    optimizer.step()
    optimizer.step()
    assert weight.item() == pytest.approx(expected)


def test_adam_couples_the_penalty_with_the_gradient() -> None:
    # Without a gradient of its own, the coupled penalty alone makes a full first step; a decoupled
    # one (AdamW) would shrink the weight by learning_rate * weight_decay only.
    weight = one_weight(2.0, 0.0)
    build_optimizer(
        [weight], name="adam", learning_rate=0.1, momentum=0.9, weight_decay=0.01
    ).step()
    assert weight.item() == pytest.approx(1.9, abs=1e-5)


def test_adam_without_decay_leaves_a_weight_without_gradient_alone() -> None:
    weight = one_weight(2.0, 0.0)
    build_optimizer([weight], name="adam", learning_rate=0.1, momentum=0.9, weight_decay=0.0).step()
    assert weight.item() == 2.0


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_steps_are_those_of_the_plain_implementation_in_any_memory_layout(
    name: OptimizerName,
) -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 1), nn.Flatten(), nn.Linear(144, 3))
    plain = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 1), nn.Flatten(), nn.Linear(144, 3))
    plain.load_state_dict(ours.state_dict())
    ours.to(memory_format=torch.channels_last)
    images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 0])
    ours_optimizer = build_optimizer(
        ours.parameters(), name=name, learning_rate=0.01, momentum=0.9, weight_decay=0.1
    )
    plain_optimizer = (
        torch.optim.Adam(plain.parameters(), lr=0.01, weight_decay=0.1)
        if name == "adam"
        else torch.optim.SGD(plain.parameters(), lr=0.01, momentum=0.9, weight_decay=0.1)
    )
    for model, optimizer in ((ours, ours_optimizer), (plain, plain_optimizer)):
        for _ in range(3):
            optimizer.zero_grad()
            torch.autograd.backward(F.cross_entropy(model(images), labels))
            optimizer.step()
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())
