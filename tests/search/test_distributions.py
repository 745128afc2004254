"""W&B's distributions: its quantiles, its defaults and what it infers, asked of its engine."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepcnn.config import Parameter
from sweepcnn.search.dimensions import Choice, Quantised, Real
from sweepcnn.search.distributions import LEAST, Beta, LogNormal, LogUniform, Normal, Uniform
from sweepcnn.search.space import dimension
from tests.oracle import ask

QUANTILES = [0.001, 0.013, *(i / 37 for i in range(1, 37)), 0.987, 0.999]
"""None lies on the border between two values of any parameter below, where W&B itself is at odds
with itself: such a quantile is the lower value's of a choice and the upper one's with weights."""

NORMALS: list[dict[str, Any]] = [{}, {"mu": 2}, {"sigma": 0.3}, {"mu": -1.5, "sigma": 2.5}]
BETAS: list[dict[str, Any]] = [{}, {"a": 2}, {"b": 0.5}, {"a": 2, "b": 5}, {"a": 0.4, "b": 0.7}]
PARAMETERS: list[dict[str, Any]] = [
    {"value": 3},
    {"value": None},
    {"value": [1, {"a": 2.5}]},
    {"distribution": "constant", "value": "x"},
    {"values": [1, "two", None, 3.5, True]},
    {"distribution": "categorical", "values": ["only"]},
    {"values": ["a", "b", "c"], "probabilities": [0.2, 0.5, 0.3]},
    {"distribution": "categorical_w_probabilities", "values": [1, 2], "probabilities": [0.9, 0.1]},
    {"values": [1, 2, 3], "probabilities": [0.5, 0, 0.5]},
    {"min": 1, "max": 3},
    {"min": -7, "max": 2**40},
    {"distribution": "int_uniform", "min": 0, "max": 1},
    {"min": 0.0, "max": 1.0},
    {"min": 0, "max": 0.7},
    {"min": -3.5, "max": 10},
    {"distribution": "uniform", "min": 1, "max": 3},
    *(
        {"distribution": "q_uniform", "min": low, "max": high, **q}
        for low, high in ((0, 10), (0.0, 1.0), (-5, 2.5), (3, 97))
        for q in ({}, {"q": 1}, {"q": 2}, {"q": 0.25}, {"q": 0.1}, {"q": 3.0})
    ),
    *(
        {"distribution": f"{kind}log_uniform", "min": low, "max": high}
        for kind in ("", "inv_")
        for low, high in ((-9.21, 0), (-2, 2.5), (0, 1), (1, 50.0))
    ),
    *(
        {"distribution": f"{kind}log_uniform_values", "min": low, "max": high}
        for kind in ("", "inv_")
        for low, high in ((1e-5, 1e-1), (1, 2), (0.5, 4096), (1e-12, 1e12))
    ),
    *(
        {"distribution": "q_log_uniform", "min": low, "max": high, **q}
        for low, high in ((0, 3), (-2, 2.5), (2.1, 9))
        for q in ({}, {"q": 1}, {"q": 5}, {"q": 0.05})
    ),
    *(
        {"distribution": "q_log_uniform_values", "min": low, "max": high, **q}
        for low, high in ((16, 512), (1e-3, 9.5))
        for q in ({}, {"q": 1}, {"q": 16}, {"q": 0.125})
    ),
    *({"distribution": kind, **shape} for kind in ("normal", "log_normal") for shape in NORMALS),
    *(
        {"distribution": kind, **shape, **q}
        for kind in ("q_normal", "q_log_normal")
        for shape in NORMALS
        for q in ({}, {"q": 1}, {"q": 2}, {"q": 0.1})
    ),
    *({"distribution": "beta", **shape} for shape in BETAS),
    *(
        {"distribution": "q_beta", **shape, **q}
        for shape in BETAS
        for q in ({}, {"q": 1}, {"q": 0.1}, {"q": 0.02})
    ),
]

THEIRS = """
    import numpy as np
    from sweeps.params import HyperParameter
    found = []
    for config in question["parameters"]:
        parameter = HyperParameter("x", config)
        values = [parameter.ppf(np.float64(u)) for u in question["quantiles"]]
        values = [v.item() if hasattr(v, "item") else v for v in values]
        kinds = sorted({type(v).__name__ for v in values})
        found.append({"kind": parameter.config["distribution"], "values": values, "types": kinds})
    return found
"""


@pytest.fixture(scope="module")
def theirs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(THEIRS, {"parameters": PARAMETERS, "quantiles": QUANTILES})
    return found


def named(parameter: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in parameter.items())


@pytest.mark.parametrize("number", range(len(PARAMETERS)), ids=map(named, PARAMETERS))
def test_a_parameter_has_the_quantiles_that_w_and_b_gives_it(
    number: int, theirs: list[dict[str, Any]]
) -> None:
    parameter = Parameter.model_validate(PARAMETERS[number])
    found = dimension(parameter)
    values = [found.value_at(u) for u in QUANTILES]
    if all(isinstance(value, float) for value in values):
        assert values == pytest.approx(theirs[number]["values"], rel=1e-9, abs=1e-12)
    else:
        assert values == theirs[number]["values"]
    assert sorted({type(value).__name__ for value in values}) == theirs[number]["types"]
    assert all(found.holds(value) for value in values)


@pytest.mark.parametrize("number", range(len(PARAMETERS)), ids=map(named, PARAMETERS))
def test_a_distribution_is_inferred_as_w_and_b_infers_it(
    number: int, theirs: list[dict[str, Any]]
) -> None:
    assert Parameter.model_validate(PARAMETERS[number]).kind == theirs[number]["kind"]


CONTINUOUS = [
    Uniform(-2.0, 5.0),
    LogUniform(1e-6, 1e3),
    Normal(3.0, 0.5),
    LogNormal(-1.0, 2.0),
    Beta(2.0, 5.0),
    Beta(0.5, 0.5),
]


@pytest.mark.parametrize("distribution", CONTINUOUS, ids=str)
@given(u=st.floats(0.0001, 0.9999))
def test_a_quantile_is_found_again(distribution: Any, u: float) -> None:
    found = Real(distribution)
    assert found.coordinate(found.value_at(u)) == pytest.approx(u, rel=1e-6, abs=1e-9)
    assert found.holds(found.value_at(u))


@pytest.mark.parametrize("distribution", CONTINUOUS, ids=str)
def test_the_ends_of_a_distribution_are_its_least_and_its_greatest_value(distribution: Any) -> None:
    assert distribution.ppf(0.0) == pytest.approx(distribution.low, abs=1e-12)
    assert distribution.ppf(1.0) == pytest.approx(distribution.high)
    assert distribution.low < distribution.ppf(0.5) < distribution.high


def test_a_normal_distribution_ends_where_random_floats_do() -> None:
    found = Normal(0.0, 1.0)
    assert found.high == -found.low == pytest.approx(8.2095, abs=1e-4)
    assert LEAST == 2.0**-53


@pytest.mark.parametrize(
    "parameter",
    [p for p in PARAMETERS if p.get("distribution", "").startswith("q_")],
    ids=named,
)
@settings(max_examples=20)
@given(u=st.floats(0.01, 0.99))
def test_the_coordinate_of_a_quantised_value_lies_in_its_share(
    parameter: dict[str, Any], u: float
) -> None:
    found = dimension(Parameter.model_validate(parameter))
    assert isinstance(found, Quantised)
    value = found.value_at(u)
    assert found.value_at(found.coordinate(value)) == pytest.approx(value)


def test_a_quantised_normal_has_an_end_of_values_and_is_listed() -> None:
    found = dimension(Parameter.model_validate({"distribution": "q_normal", "q": 1}))
    assert found.size == 17
    assert [found.at(index) for index in range(17)] == list(range(-8, 9))


def test_a_step_that_floats_do_not_tell_apart_has_no_end_of_values() -> None:
    found = dimension(Parameter.model_validate({"distribution": "q_log_normal", "sigma": 10}))
    assert found.size is None
    assert math.isfinite(found.value_at(1 - LEAST))


def test_values_that_are_written_twice_are_drawn_twice_as_often() -> None:
    found = dimension(Parameter.model_validate({"values": [1, 2, 1.0]}))
    assert isinstance(found, Choice)
    assert found.values == (1, 2)
    assert [found.value_at(u) for u in (0.1, 0.6, 0.7, 0.9)] == [1, 1, 2, 2]
