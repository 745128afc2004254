"""A space as rows of numbers, and back."""

import math
from typing import Any

import numpy as np
import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.search.axes import Axes, Axis
from sweepcnn.search.space import Space


def space(**parameters: Any) -> Space:
    config = SweepConfig.model_validate({"method": "random", "parameters": parameters})
    return Space.of(config.parameters)


def axis(**parameter: Any) -> Axis:
    (found,) = Axes(space(x=parameter)).all
    return found


MIXED = {
    "rate": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "kind": {"values": ["a", None, [1, 2], {"b": 1}, True]},
    "filters": {"values": [64, 16, 32]},
    "depth": {"min": 1, "max": 9},
    "seed": {"min": 0, "max": 2**32 - 1},
    "share": {"distribution": "q_uniform", "min": 0.0, "max": 0.3, "q": 0.1},
    "units": {"distribution": "q_log_uniform_values", "min": 16, "max": 1024, "q": 16},
    "dropout": {"min": 0.0, "max": 0.7},
    "same": {"value": "constant"},
}


def test_points_are_the_same_after_a_way_through_numbers() -> None:
    mixed = space(**MIXED)
    axes = Axes(mixed)
    rng = np.random.default_rng(0)
    points = [mixed.sample(rng) for _ in range(200)]
    rows = axes.rows(points)
    assert rows.shape == (200, 8), "a constant is no axis"
    for point, row in zip(points, rows, strict=True):
        back = axes.point(row)
        assert list(back) == list(point)
        for name, value in point.items():
            if isinstance(value, float):
                assert math.isclose(back[name], value, rel_tol=1e-9, abs_tol=1e-9)
            else:
                assert back[name] == value


def test_coordinates_lie_between_0_and_1_along_axes_with_an_order() -> None:
    axes = Axes(space(**MIXED))
    rows = axes.drawn(np.random.default_rng(0).random((500, len(axes.all))))
    seen = axes.coordinates(rows)
    for column, each in enumerate(axes.all):
        if each.ordered:
            assert seen[:, column].min() >= 0
            assert seen[:, column].max() <= 1
        else:
            assert set(seen[:, column]) == {0, 1, 2, 3, 4}


def test_numbers_to_choose_from_stand_in_their_order() -> None:
    found = axis(values=[64, 16, 256, 32])
    assert found.ordered
    assert [found.value(code) for code in range(4)] == [16, 32, 64, 256]
    assert [found.code(value) for value in (64, 16, 256, 32)] == [2, 0, 3, 1]


@pytest.mark.parametrize("values", [["a", "b"], [True, False], [1, None], [[1], [2]]], ids=str)
def test_other_values_have_no_order(values: list[Any]) -> None:
    assert not axis(values=values).ordered


def test_a_logarithmic_scale_is_even_in_the_logarithm_also_where_it_is_quantised() -> None:
    found = axis(distribution="q_log_uniform_values", min=8, max=1024, q=8)
    assert found.places is not None
    spread = found.places[[found.value(code) == 64 for code in range(len(found.places))]]
    assert spread == pytest.approx([math.log(64 / 8) / math.log(1024 / 8)], abs=0.01)


def test_many_values_are_not_listed() -> None:
    assert axis(min=0, max=2**32 - 1).places is None
    assert axis(min=0, max=20).places is not None


@pytest.mark.parametrize("distribution", ["normal", "log_normal", "q_normal", "q_log_normal"])
def test_the_far_tails_of_an_endless_distribution_are_not_proposed(distribution: str) -> None:
    step = {"q": 0.5} if distribution.startswith("q_") else {}
    found = axis(distribution=distribution, mu=0, sigma=1, **step)
    least, most = (found.value(float(found.nearest(u))) for u in (0.0, 1.0))
    deviations = (math.log(most) if "log" in distribution else most, 3.1)
    assert deviations[0] < deviations[1] + 0.5
    assert least > -3.6


def test_a_seen_value_in_the_far_tail_counts_as_one_at_its_edge() -> None:
    found = axis(distribution="normal", mu=0, sigma=1)
    assert found.code(7.5) == pytest.approx(0.999)
    found = axis(distribution="q_normal", mu=0, sigma=1, q=0.5)
    assert found.value(found.code(7.5)) == 3.0


def test_a_move_goes_to_another_value() -> None:
    rng = np.random.default_rng(0)
    words = axis(values=["a", "b", "c"])
    start = np.repeat(1.0, 300)
    assert set(words.moved(start, 0.01, rng)) == {0, 2}
    numbers = axis(min=0, max=9)
    assert set(numbers.moved(start, 0.001, rng)) == {0, 2}, "to the next one at least"
    assert set(numbers.moved(start, 0.3, rng)) > {0, 2, 3, 4}
    moved = axis(min=0.0, max=1.0).moved(np.repeat(0.5, 300), 0.1, rng)
    assert np.std(moved) == pytest.approx(0.1, rel=0.2)


def test_every_row_of_a_finite_space_is_listed_once() -> None:
    finite = space(a={"values": ["x", "y"]}, b={"min": 1, "max": 3}, c={"value": 1})
    axes = Axes(finite)
    assert axes.size == 6
    points = [axes.point(row) for row in axes.every()]
    assert len({finite.key(point) for point in points}) == 6
    assert Axes(space(a={"min": 0.0, "max": 1.0})).size is None
