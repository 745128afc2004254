"""Random points: drawn by their distributions, without repeats where points can run out."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, point_key, suggest
from sweepcnn.search.sampling import random_point
from sweepcnn.search.space import Space


def sweep(**parameters: Any) -> SweepConfig:
    return SweepConfig.model_validate({"method": "random", "parameters": parameters})


def run_all(config: SweepConfig, most: int, seed: int = 0) -> list[Suggestion]:
    """Hand out points until none is left."""
    found: list[Suggestion] = []
    trials: list[Trial] = []
    while len(found) < most and (suggestion := suggest(config, trials, seed)):
        found.append(suggestion)
        trials.append(Trial(suggestion.point, "running"))
    return found


finite = st.one_of(
    st.lists(st.integers(0, 3) | st.booleans() | st.none(), min_size=1, max_size=4).map(
        lambda values: {"values": values}
    ),
    st.integers(0, 3).map(lambda high: {"min": 0, "max": high}),
    st.sampled_from([{"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.5}, {"value": 1}]),
)
spaces = st.dictionaries(st.sampled_from("abcd"), finite, min_size=1, max_size=3).map(
    lambda flat: {**flat, "n": {"parameters": {"m": {"values": ["x", "y"]}}}}
)


@settings(max_examples=30)
@given(spaces, st.integers(0, 5))
def test_a_finite_space_is_used_up_without_repeats(space: dict[str, Any], seed: int) -> None:
    config = sweep(**space)
    size = Space.of(config.parameters).size
    assert size is not None
    keys = [point_key(suggestion.point) for suggestion in run_all(config, size + 1, seed)]
    assert len(keys) == len(set(keys)) == size


@given(st.integers(0, 30), st.integers(0, 5))
def test_however_numbers_are_written_the_answer_is_the_same(count: int, seed: int) -> None:
    config = sweep(a={"min": 0, "max": 5}, b={"values": [1, 2.5, 3.0, True]}, c={"values": [[1]]})
    trials = [Trial(s.point, "running") for s in run_all(config, min(count, 23), seed)]
    rewritten = [Trial(as_floats(trial.point), trial.state) for trial in trials]
    assert suggest(config, rewritten, seed) == suggest(config, trials, seed)


def as_floats(point: Mapping[str, Any]) -> dict[str, Any]:
    """Write a point's whole numbers with a point, and its parameters in another order."""
    names = reversed(list(point))
    return {n: float(point[n]) if type(point[n]) is int else point[n] for n in names}


def test_random_depends_on_the_seed_alone() -> None:
    config = sweep(a={"min": 0.0, "max": 1.0}, b={"values": [1, 2]})
    assert run_all(config, 10, seed=1) == run_all(config, 10, seed=1)
    assert run_all(config, 10, seed=1) != run_all(config, 10, seed=2)


def test_endless_spaces_are_drawn_from_independently() -> None:
    config = sweep(a={"min": 0.0, "max": 1.0}, n={"distribution": "normal"})
    drawn = [suggestion.point["a"] for suggestion in run_all(config, 200)]
    assert len(set(drawn)) == 200
    assert np.histogram(drawn, bins=4, range=(0, 1))[0] == pytest.approx([50] * 4, abs=20)


def test_probabilities_weigh_what_is_handed_out_first() -> None:
    config = sweep(a={"values": ["rare", "often"], "probabilities": [0.02, 0.98]})
    first = [run_all(config, 1, seed)[0].point["a"] for seed in range(200)]
    assert first.count("often") > 180
    assert [s.point["a"] for s in run_all(config, 9)].count("rare") == 1


def test_the_last_points_of_a_used_up_space_are_found() -> None:
    space = Space.of(sweep(a={"min": 1, "max": 150}, b={"min": 1, "max": 150}).parameters)
    left = {3, 777, 22_499}
    taken: set[Any] = set(range(22_500)) - left
    found = set()
    for seed in range(60):
        suggestion = random_point(
            space,
            taken,
            lambda point: space.key(point) not in taken,
            np.random.default_rng(seed),
            "random",
        )
        assert suggestion is not None
        found.add(space.key(suggestion.point))
    assert found == left


def test_unused_points_are_equally_likely_at_the_end() -> None:
    space = Space.of(sweep(a={"min": 1, "max": 10_000}).parameters)
    left = [5, 6, 7, 9_999]
    taken: set[Any] = set(range(10_000)) - set(left)
    counts = dict.fromkeys(left, 0)
    for seed in range(400):
        found = random_point(
            space,
            taken,
            lambda point: point["a"] - 1 in left,
            np.random.default_rng(seed),
            "random",
        )
        assert found is not None
        counts[found.point["a"] - 1] += 1
    assert min(counts.values()) > 60


def test_a_huge_space_is_not_listed() -> None:
    config = sweep(**{name: {"min": 0, "max": 10**9} for name in "abcdef"})
    assert len({point_key(s.point) for s in run_all(config, 30)}) == 30


def taken_or_infeasible(space: Space, taken: set[Any], good: set[int]) -> Any:
    return lambda point: space.key(point) not in taken and point["a"] in good


def test_only_points_that_build_a_network_are_handed_out_and_the_end_is_exact() -> None:
    space = Space.of(sweep(a={"min": 0, "max": 999}).parameters)
    good, taken, found = {1, 500, 999}, set[Any](), []
    for number in itertools.count():
        is_free = taken_or_infeasible(space, taken, good)
        suggestion = random_point(space, taken, is_free, np.random.default_rng(number), "random")
        if suggestion is None:
            break
        found.append(suggestion.point["a"])
        taken.add(space.key(suggestion.point))
    assert sorted(found) == sorted(good)


@pytest.mark.parametrize(
    "parameter",
    [{"min": 0, "max": 10**12}, {"min": 0.0, "max": 1.0}],
    ids=["finite", "endless"],
)
def test_a_space_without_a_network_is_told_by_its_runs(parameter: dict[str, Any]) -> None:
    space = Space.of(sweep(a=parameter).parameters)
    found = random_point(space, set(), lambda _: False, np.random.default_rng(0), "random")
    assert found is not None
    assert space.holds(found.point)
    assert found.origin == "random: none of 5000 builds a network"


def test_points_outside_the_space_do_not_count() -> None:
    config = sweep(a={"values": [1, 2]}, p={"parameters": {"q": {"value": 0}}})
    outside: list[dict[str, Any]] = [
        {"a": 3, "p": {"q": 0}},
        {"a": 1},
        {"a": math.nan, "p": 1},
        {"b": {}},
    ]
    trials = [Trial(point, "failed") for point in outside]
    for number in range(2):
        suggestion = suggest(config, trials, 0)
        assert suggestion is not None, number
        trials.append(Trial(suggestion.point, "running"))
    assert suggest(config, trials, 0) is None
