"""The searched space: W&B's distributions, their bounds and their points."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.config import Parameter, SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.search import obstacles
from sweepcnn.search.space import Space, dimension

bounds = st.tuples(
    st.floats(-1e6, 1e6, allow_nan=False), st.floats(-1e6, 1e6, allow_nan=False)
).map(sorted)
seeds = st.integers(0, 2**32 - 1)


def draw(seed: int, count: int = 30, **parameter: Any) -> list[Any]:
    rng = np.random.default_rng(seed)
    found = dimension(Parameter.model_validate(parameter))
    return [found.sample(rng) for _ in range(count)]


@given(bounds, seeds)
def test_uniform_draws_lie_within_the_bounds(ends: list[float], seed: int) -> None:
    low, high = ends
    assert all(low <= value <= high for value in draw(seed, min=low, max=high))


@given(st.tuples(st.integers(-50, 50), st.integers(-50, 50)).map(sorted), seeds)
def test_whole_draws_lie_within_the_bounds(ends: list[int], seed: int) -> None:
    low, high = ends
    values = draw(seed, min=low, max=high)
    assert all(isinstance(value, int) and low <= value <= high for value in values)


def test_whole_draws_include_both_ends() -> None:
    assert set(draw(0, 200, min=3, max=5)) == {3, 4, 5}


@given(st.tuples(st.floats(-20, 20), st.floats(-20, 20)).map(sorted), seeds)
def test_log_uniform_has_exponents_of_e_as_bounds(ends: list[float], seed: int) -> None:
    low, high = ends
    values = draw(seed, distribution="log_uniform", min=low, max=high)
    assert all(math.exp(low) <= value <= math.exp(high) for value in values)


def test_log_uniform_values_are_spread_evenly_over_the_decades() -> None:
    values = draw(0, 4000, distribution="log_uniform_values", min=1e-4, max=1.0)
    shares = np.histogram(np.log10(values), bins=4, range=(-4, 0))[0] / 4000
    assert shares == pytest.approx([0.25] * 4, abs=0.03)


@given(st.floats(0.01, 10), st.integers(-20, 20), st.integers(0, 20), seeds)
def test_q_uniform_draws_multiples_that_the_dimension_holds(
    q: float, first: int, steps: int, seed: int
) -> None:
    low, high = first * q, (first + steps) * q
    found = dimension(
        Parameter.model_validate({"distribution": "q_uniform", "min": low, "max": high, "q": q})
    )
    assert found.size is not None
    grid = [found.at(index) for index in range(found.size)]
    rng = np.random.default_rng(seed)
    for value in [*grid, *(found.sample(rng) for _ in range(20))]:
        assert value == pytest.approx(round(value / q) * q)
        assert found.holds(value)
        assert value in grid


def test_q_uniform_values_are_written_as_people_write_them() -> None:
    found = dimension(
        Parameter.model_validate({"distribution": "q_uniform", "min": 0, "max": 0.3, "q": 0.1})
    )
    assert [found.at(index) for index in range(4)] == [0.0, 0.1, 0.2, 0.3]
    assert found.holds(3 * 0.1), "0.30000000000000004 is the same value"


def test_probabilities_weigh_the_values() -> None:
    values = draw(0, 4000, values=["a", "b", "c"], probabilities=[1, 2, 1])
    assert [values.count(v) / 4000 for v in "abc"] == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_a_value_of_probability_zero_is_no_value() -> None:
    found = dimension(Parameter.model_validate({"values": ["a", "b"], "probabilities": [1, 0]}))
    assert found.size == 1
    assert found.at(0) == "a"


def test_values_written_twice_count_once() -> None:
    found = dimension(Parameter.model_validate({"values": [1, 1.0, True, 2]}))
    assert found.size == 3


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_at_runs_over_the_product_once(sizes: list[int]) -> None:
    space = Space.of(
        {str(i): Parameter.model_validate({"min": 0, "max": n - 1}) for i, n in enumerate(sizes)}
    )
    assert space.size == math.prod(sizes)
    points = {tuple(space.at(index).values()) for index in range(space.size)}
    assert len(points) == space.size


NESTED = {
    "z": {"values": [1, 2]},
    "p.q": {"values": ["flat"]},
    "p": {"parameters": {"q": {"min": 0, "max": 3}, "deep": {"parameters": {"x": {"value": 5}}}}},
}


def nested() -> Space:
    config = SweepConfig.model_validate({"method": "random", "parameters": NESTED})
    return Space.of(config.parameters)


def test_nested_parameters_are_dimensions_by_dotted_names() -> None:
    assert list(nested().dimensions) == ["p.deep.x", "p.q", "p.q'", "z"]
    assert nested().size == 8


def test_points_are_nested_as_the_file_is() -> None:
    space = nested()
    point = {"p": {"deep": {"x": 5}, "q": 2}, "p.q": "flat", "z": 1}
    assert space.point(space.flat(point)) == point
    assert space.flat(point) == {"p.deep.x": 5, "p.q": 2, "p.q'": "flat", "z": 1}
    assert [space.key(space.at(index)) for index in range(8)] == list(range(8))
    drawn = space.sample(np.random.default_rng(0))
    assert set(drawn) == {"p", "p.q", "z"}
    assert space.holds(drawn)


def test_a_point_that_lacks_a_parameter_lies_outside() -> None:
    space = nested()
    assert space.flat({"p": {"q": 7}, "other": 1}) == {"p.q": 7}
    assert space.key({"p": {"q": 1}, "p.q": "flat", "z": 1}) is None
    assert not space.holds({"p": 1, "p.q": "flat", "z": 1})


def test_points_of_an_endless_space_have_keys() -> None:
    space = Space.of(
        {
            "a": Parameter.model_validate({"min": 0.0, "max": 1.0}),
            "b": Parameter.model_validate({"values": [1, 2]}),
        }
    )
    assert space.size is None
    assert space.key({"a": 0.0, "b": 1.0, "_wandb": {}}) == space.key({"a": 0, "b": 1})
    assert space.key({"a": 0.5, "b": 1}) != space.key({"a": 0.25, "b": 1})
    assert space.key({"a": 1.5, "b": 1}) is None


@pytest.mark.parametrize(
    "parameter",
    [
        {"distribution": "log_uniform", "min": 0, "max": 1000},
        {"distribution": "log_uniform", "min": -1000, "max": 0},
        {"min": -1.7e308, "max": 1.7e308},
        {"min": 0, "max": 2**70},
        {"distribution": "int_uniform", "min": 1.2, "max": 1.8},
        {"distribution": "q_uniform", "min": 0, "max": 1e300, "q": 1e-300},
        {"values": [{1, 2}]},
        {"values": [1, 2], "probabilities": [0, 0]},
    ],
    ids=str,
)
def test_what_has_no_numbers_is_an_obstacle_and_no_exception(parameter: dict[str, Any]) -> None:
    config = SweepConfig.model_validate({"method": "random", "parameters": {"x": parameter}})
    assert [problem.value for problem in obstacles(config)] == ["parameters.x"]
    with pytest.raises(InputError, match=r"parameters\.x"):
        Space.of(config.parameters)
