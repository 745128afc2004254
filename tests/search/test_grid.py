"""A grid: its order, its end, and what W&B's engine makes of the same file."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, point_key, suggest
from sweepcnn.search.grid import next_of_grid
from sweepcnn.search.space import Space
from tests.oracle import ask


def grid(order: str = "sorted", **parameters: Any) -> SweepConfig:
    return SweepConfig.model_validate({"method": "grid", "order": order, "parameters": parameters})


def run_all(config: SweepConfig, trials: list[Trial] | None = None) -> list[Suggestion]:
    """Hand out points until none is left."""
    found: list[Suggestion] = []
    trials = list(trials or [])
    while suggestion := suggest(config, trials, 3):
        found.append(suggestion)
        # as storage gives it back
        trials.append(Trial(json.loads(json.dumps(suggestion.point)), "running"))
    return found


def points(found: list[Suggestion]) -> list[Mapping[str, Any]]:
    return [suggestion.point for suggestion in found]


def text(point: Mapping[str, Any]) -> str:
    """Tell 1 from 1.0, too."""
    return json.dumps(point, sort_keys=True)


def key(found: Suggestion) -> str:
    return point_key(found.point)


FILES: dict[str, dict[str, Any]] = {
    "values": {"b": {"values": [1, 2]}, "a": {"values": ["x", "y", "z"]}},
    "small numbers": {"a": {"values": [1e-4, 1e-5, 0.1, 1e-300, 1e20, 0.30000000000000004]}},
    "constants": {"b": {"value": 7}, "a": {"values": [1, 2]}, "c": {"value": None}},
    "ranges": {"n": {"min": -1, "max": 2}, "a": {"values": [True, 1, 0, False]}},
    "kinds of value": {"a": {"values": [None, 1.5, "text", [1, 2], {"k": 1}, [], {}]}},
    "values twice": {"a": {"values": [1, 1.0, 2, 1]}, "b": {"values": ["x", "x"]}},
    "steps": {
        "q": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.25},
        "r": {"distribution": "q_uniform", "min": 3, "max": 10, "q": 3},
        "s": {"distribution": "q_uniform", "min": 0.5, "max": 3},
    },
    "nested": {
        "z": {"values": [1, 2]},
        "model": {
            "parameters": {
                "width": {"min": 1, "max": 2},
                "head": {"parameters": {"kind": {"values": ["a", "b"]}, "bias": {"value": 0.5}}},
                "alpha": {"value": [1]},
            }
        },
        "Upper": {"values": [3]},
    },
    "names with dots": {
        "p.q": {"values": [1, 2]},
        "p": {"parameters": {"q": {"values": [3, 4]}, "a.b": {"value": 5}}},
    },
}

THEIRS = """
    from sweeps import SweepRun, next_run
    found = {}
    for name, parameters in question.items():
        config, runs = {"method": "grid", "parameters": parameters}, []
        while (run := next_run(config, runs)) is not None:
            runs.append(run)
        found[name] = [{k: v["value"] for k, v in run.config.items()} for run in runs]
    return found
"""


@pytest.fixture(scope="module")
def theirs() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = ask(THEIRS, FILES)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_grid_hands_out_what_w_and_b_does_in_its_order(
    name: str, theirs: dict[str, list[dict[str, Any]]]
) -> None:
    found = points(run_all(grid(**FILES[name])))
    assert [text(point) for point in found] == [text(point) for point in theirs[name]]


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_is_exactly_its_product(order: str, sizes: list[int]) -> None:
    names = "abcd"[: len(sizes)]
    config = grid(
        order, **{n: {"min": 0, "max": size - 1} for n, size in zip(names, sizes, strict=True)}
    )
    found = [tuple(point.values()) for point in points(run_all(config))]
    product = list(itertools.product(*(range(size) for size in sizes)))
    assert (found if order == "sorted" else sorted(found)) == product


def test_a_shuffled_grid_depends_on_the_seed() -> None:
    config = grid("shuffled", a={"min": 1, "max": 100})
    first = [suggest(config, [], seed) for seed in range(20)]
    assert len({key(found) for found in first if found}) > 10
    assert suggest(config, [], 5) == suggest(config, [], 5)


def test_a_grid_says_where_it_is() -> None:
    found = run_all(grid(a={"values": [1, 2]}, b={"min": 1, "max": 2}))
    assert [suggestion.origin for suggestion in found] == [f"grid: {i} of 4" for i in (1, 2, 3, 4)]
    (shuffled, *_) = run_all(grid("shuffled", a={"values": [1, 2]}))
    assert shuffled.origin == "grid, shuffled: 1 of 2"


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_a_grid_leaves_out_points_that_still_run_or_failed(order: str) -> None:
    config = grid(order, a={"values": [1, 2, 3]})
    trials = [Trial({"a": 3}, "failed"), Trial({"a": 1.0}, "running")]
    assert points(run_all(config, trials)) == [{"a": 2}]


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@given(data=st.data())
def test_what_a_grid_skipped_comes_when_it_starts_again(order: str, data: st.DataObject) -> None:
    """A run that was deleted frees its point."""
    config = grid(order, a={"min": 0, "max": 4}, b={"values": ["x", "y"]})
    everything = points(run_all(config))
    kept = data.draw(st.lists(st.sampled_from(everything), unique_by=point_key))
    left = [point_key(p) for p in points(run_all(config, [Trial(p, "finished") for p in kept]))]
    assert sorted(left) == sorted({*map(point_key, everything)} - {*map(point_key, kept)})


def test_keys_that_are_not_searched_do_not_make_a_point_another() -> None:
    config = grid(a={"values": [1]}, p={"parameters": {"q": {"value": 2}}}, d={"value": {"k": 1}})
    point = {
        "a": 1,
        "wandb_version": 5,
        "p": {"q": 2, "_wandb": {}},
        "d": {"k": 1.0, "_wandb": {"t": 1}},
    }
    assert suggest(config, [Trial(point, "finished", 1.0)], 0) is None


def test_points_outside_the_grid_are_survived() -> None:
    config = grid(a={"values": [1, 2]}, p={"parameters": {"q": {"min": 0, "max": 1}}})
    foreign: list[dict[str, Any]] = [
        {},
        {"a": 3, "p": {"q": 0}},
        {"a": True, "p": {"q": 0}},
        {"a": 1},
        {"a": 1, "p": 5},
        {"a": 1, "p": {"q": None}},
        {"a": 1, "p": {"q": 10**400}},
        {"a": [1], "p": {"q": float("nan")}},
    ]
    trials = [Trial(point, "finished", 1.0) for point in foreign]
    assert len(run_all(config, trials)) == 4


def test_points_that_build_no_network_are_left_out_and_the_end_is_exact() -> None:
    space = Space.of(grid(a={"min": 0, "max": 9}).parameters, grid=True)
    trials: list[Trial] = []
    while found := next_of_grid(
        space, trials, {space.key(t.point) for t in trials}, lambda point: point["a"] % 3 == 0
    ):
        trials.append(Trial(found.point, "running"))
    assert [trial.point["a"] for trial in trials] == [0, 3, 6, 9]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_numbers_are_known_again_after_storage_as_json(values: list[float]) -> None:
    found = run_all(grid(a={"values": values}))
    assert len(found) == len(set(values))


def test_a_large_grid_without_a_network_is_answered_after_many_points() -> None:
    space = Space.of(grid(a={"min": 0, "max": 10**12}).parameters, grid=True)
    judged: list[Mapping[str, Any]] = []

    def is_feasible(point: Mapping[str, Any]) -> bool:
        judged.append(point)
        return False

    found = next_of_grid(space, [], set(), is_feasible)
    assert found is not None
    assert found.point == {"a": 5_000}
    assert len(judged) == 5_000
    assert found.origin == ("grid: 5001 of 1000000000001, none of 5000 before it builds a network")


def test_a_large_grid_is_not_listed() -> None:
    parameters = {name: {"min": 0, "max": 10**6} for name in "abcdefgh"}
    for order in ("sorted", "shuffled"):
        trials: list[Trial] = []
        for _ in range(3):
            found = suggest(grid(order, **parameters), trials, 1)
            assert found is not None
            trials.append(Trial(found.point, "running"))
        assert len({point_key(trial.point) for trial in trials}) == 3
