"""Which runs are stopped early: as W&B's engine says, and by asynchronous successive halving."""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.config import EarlyTerminate
from sweepcnn.search.stopping import Course, Goal, Seen, Stop, asha, hyperband, judge, rungs
from tests.oracle import ask


def rule(**given: Any) -> EarlyTerminate:
    return EarlyTerminate.model_validate({"type": "hyperband"} | given)


def course(
    of: EarlyTerminate, goal: Goal, history: Sequence[Any], *, is_running: bool = True
) -> Course | None:
    """Give the course of a history that has invalid values, too."""
    numbers = (int, float)
    valid = [v for v in history if type(v) in numbers and math.isfinite(v)]
    best = Seen().after(goal, valid).best
    return None if best is None else Course(best, Seen().rungs(of, valid), is_running)


def courses(
    of: EarlyTerminate, *histories: Sequence[float], goal: Goal = "minimize"
) -> dict[int, Course]:
    found = {n: course(of, goal, history) for n, history in enumerate(histories)}
    return {n: one for n, one in found.items() if one}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"min_iter": 3}, [3, 9, 27, 81]),
        ({"min_iter": 2, "eta": 1.5}, [2, 3, 4, 6]),
        ({"min_iter": 1, "eta": 1.2}, [1, 1, 1, 1, 2, 2, 2, 3]),
        ({"max_iter": 27, "s": 2}, [3, 9]),
        ({"max_iter": 27, "s": 9}, [1, 3, 9]),
        ({"max_iter": 100, "s": 3}, [3, 11, 33]),
        ({"max_iter": 5, "eta": 2, "s": 2}, [1, 2]),
        ({"max_iter": 2, "s": 2}, []),
        ({"max_iter": 9, "s": 1, "min_iter": 2}, [3]),
    ],
)
def test_rungs_are_whole_powers_of_eta_from_either_end(
    given: Mapping[str, Any], expected: list[int]
) -> None:
    found = rungs(rule(**given))
    assert list(islice(found, len(expected))) == expected
    assert "max_iter" not in given or list(found) == []


def test_rungs_end_where_those_of_the_engine_do() -> None:
    found = list(rungs(rule(min_iter=1, eta=1.01)))
    assert (len(found), found[-1]) == (100, 2)


def random_case(seed: int) -> dict[str, Any]:
    """Make a rule, a goal and histories of runs that are in all states, with gaps and NaN."""
    chance = random.Random(seed)
    eta = chance.choice([None, 2, 3, 4, 1.5, 2.5, 1.1, 10])
    ends = {"max_iter": chance.randint(2, 60), "s": chance.randint(1, 6)}
    by_end = chance.random() < 0.5 and ends["max_iter"] >= (eta or 3)
    settings: dict[str, Any] = ends if by_end else {"min_iter": chance.randint(1, 9)}
    settings |= {} if eta is None else {"eta": eta}
    settings |= chance.choice([{}, {"strict": True}, {"strict": False}])
    values = (
        [0.1, 0.25, 0.5, 0.75] if chance.random() < 0.3 else None
    )  # few, so that there are ties
    runs = []
    for _ in range(chance.randint(1, 12)):
        level, length = chance.random(), chance.choice([0, 1, 3, 9, chance.randint(0, 40)])
        history = [
            chance.choice([None, math.nan, math.inf, True, "0.5", -math.inf])
            if chance.random() < 0.1
            else chance.choice(values)
            if values
            else level + chance.gauss(0, 0.3) / (n + 1)
            for n in range(length)
        ]
        states = ["running", "running", "finished", "crashed", "killed", "failed", "preempting"]
        runs.append({"state": chance.choice(states), "history": history})
    goal = chance.choice(["minimize", "maximize"])
    return {"settings": settings, "goal": goal, "runs": runs}


def test_the_same_runs_are_stopped_as_by_the_engine() -> None:
    cases = [random_case(seed) for seed in range(3000)]
    body = """
        from sweeps import SweepRun, stop_runs
        found = []
        for case in question:
            config = {"method": "random", "parameters": {"x": {"values": [1]}},
                      "metric": {"name": "m", "goal": case["goal"]},
                      "early_terminate": {"type": "hyperband", **case["settings"]}}
            runs = [SweepRun(name=str(n), state=run["state"],
                             history=[{"m": v, "other": 1} for v in run["history"]])
                    for n, run in enumerate(case["runs"])]
            found.append(sorted(int(run.name) for run in stop_runs(config, runs)))
        return found
    """
    theirs = ask(body, cases)
    ours = []
    for case in cases:
        of = rule(**case["settings"])
        seen = {
            n: course(of, case["goal"], run["history"], is_running=run["state"] == "running")
            for n, run in enumerate(case["runs"])
        }
        known = {n: one for n, one in seen.items() if one}
        ours.append(sorted(hyperband(of, case["goal"], known)))
    assert ours == theirs
    assert sum(map(len, theirs)) > 500
    assert sum(not stopped for stopped in theirs) > 300


def test_a_later_result_stops_an_earlier_run() -> None:
    of = rule(min_iter=1)
    first = courses(of, [0.5])
    assert judge(of, "maximize", first, 0, [1]) == {}
    both = courses(of, [0.5], [0.6], [0.7], [0.8], goal="maximize")
    assert judge(of, "maximize", both, 3, [1]) == {0: Stop(1, 0.5, 0.7), 1: Stop(1, 0.6, 0.7)}


def test_strict_looks_at_the_rung_and_lax_at_the_best_so_far() -> None:
    history = [0.9, 0.2, 0.9]
    better = [0.5, 0.5, 0.5]
    for strict, stopped in ((True, {0}), (False, set())):
        of = rule(min_iter=3, strict=strict)
        assert set(hyperband(of, "minimize", courses(of, history, *[better] * 3))) == stopped


def test_the_reason_has_the_metrics_own_sign_and_four_digits() -> None:
    assert Stop(9, 0.31, 0.42).reason == "stopped at iteration 9: 0.31, the rung's cut is 0.42"
    of = rule(min_iter=1)
    accuracies = courses(of, [0.123456], [0.5], [0.6], goal="maximize")
    (stop,) = hyperband(of, "maximize", accuracies).values()
    assert stop.reason == "stopped at iteration 1: 0.1235, the rung's cut is 0.5"


def test_the_reason_has_the_digits_that_tell_the_two_apart() -> None:
    reason = Stop(1, 0.123456, 0.123459).reason
    assert reason == "stopped at iteration 1: 0.123456, the rung's cut is 0.123459"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([2, 3, 4.5]))
def test_asha_lets_the_best_share_of_those_that_came_go_on(values: list[float], eta: float) -> None:
    of = rule(type="asha", min_iter=1, eta=eta)
    for goal in ("minimize", "maximize"):
        for n in range(1, len(values) + 1):
            come = courses(of, *([value] for value in values[:n]), goal=goal)
            stop = asha(of, goal, come, n - 1, [1])
            sign = -1 if goal == "maximize" else 1
            ahead = sum(sign * value < sign * values[n - 1] for value in values[:n])
            assert (stop is None) == (n < eta or ahead < int(n / eta))


def test_asha_judges_no_run_but_the_one_that_came() -> None:
    of = rule(type="asha", min_iter=1)
    come = courses(of, [0.9], [0.8], [0.7], [0.6], goal="minimize")
    assert judge(of, "minimize", come, 3, [1]) == {}
    assert judge(of, "minimize", come, 0, [1]) == {0: Stop(1, 0.9, 0.6)}


def test_asha_tells_the_first_rung_that_a_run_falls_short_of() -> None:
    of = rule(type="asha", min_iter=1)
    come = courses(of, *[[0.1] * 3] * 3, [0.2, 0.1, 0.3])
    assert judge(of, "minimize", come, 3, [1, 3]) == {3: Stop(1, 0.2, 0.1)}


def test_a_run_that_has_ended_is_not_stopped_and_counts() -> None:
    for kind in ("hyperband", "asha"):
        of = rule(type=kind, min_iter=1)
        ended = course(of, "minimize", [0.9], is_running=False)
        assert ended is not None
        come = courses(of, *[[0.1]] * 3) | {9: ended}
        assert judge(of, "minimize", come, 9, [1]) == {}


def test_a_run_goes_on_from_where_it_was_seen_last() -> None:
    of = rule(min_iter=1)
    seen = Seen().after("maximize", [0.1, 0.4])
    assert seen == Seen(2, 0.4)
    assert seen.rungs(of, [0.3, 0.2]) == {3: 0.3}
    assert seen.after("maximize", [0.3, 0.2]) == Seen(4, 0.4)
    assert seen.after("maximize", []) == seen
    assert Seen().after("minimize", []) == Seen(0, None)
