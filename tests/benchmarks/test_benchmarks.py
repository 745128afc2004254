"""The benchmarks work; how fast anything is, no test says."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.measurement import Mean, Spread, alternate


def report(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_reports_figures_with_their_spread_and_the_machine(name: str) -> None:
    found = report(name, "--smoke", "--json", "--repetitions", "1")
    assert found["benchmark"] == name
    assert found["machine"]["cores"] >= 1
    assert found["figures"]
    for figure in found["figures"].values():
        if "mean" in figure:
            assert figure["error"] is None, "of one repetition there is none"
        else:
            assert figure["low"] <= figure["median"] <= figure["high"]
        assert figure["n"] == 1
    assert ("ratio" in found) == (name == "ingest")


def test_the_sides_take_turns_at_going_first() -> None:
    calls: list[str] = []

    def side(name: str) -> int:
        calls.append(name)
        return len(calls)

    ours, others = alternate([lambda: side("a"), lambda: side("b")], 3)
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert (ours, others) == ([3, 6, 7], [4, 5, 8])


def test_a_spread_is_the_median_between_its_quartiles() -> None:
    assert Spread.of([5.0, 1.0, 2.0, 4.0, 3.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 1)


def test_a_mean_has_its_standard_error() -> None:
    assert Mean.of([1.0, 3.0]) == Mean(2.0, 1.0, 2)
    assert Mean.of([7.0]) == Mean(7.0, None, 1)
