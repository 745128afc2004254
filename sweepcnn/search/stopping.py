"""Early stopping: which runs are asked to end before their last epoch, and why.

A run is at iteration n when it has logged the sweep's metric n times as a finite number, which is
once an epoch. Rungs are the iterations at which runs are compared; all values are in the metric's
own sign, whatever the goal.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, TypeVar

from sweepcnn.config import EarlyTerminate

Goal = Literal["minimize", "maximize"]
K = TypeVar("K", bound=Hashable)
_MOST_RUNGS = 100  # as in W&B's engine: it tells where the rungs end for an eta close to 1


@dataclass(frozen=True)
class Course:
    """How a run has done so far.

    `best` is its best value, `rungs` has the values at the rungs that it reached; only a run that
    may be stopped `is_running`.
    """

    best: float
    rungs: Mapping[int, float]
    is_running: bool


@dataclass(frozen=True)
class Stop:
    """The verdict that a run is to end: its value, and what it needed at a rung to go on."""

    rung: int
    value: float
    cut: float

    @property
    def reason(self) -> str:
        """Tell people why, with as many digits as it takes to see it, but four at least."""
        texts = ((f"{self.value:.{n}g}", f"{self.cut:.{n}g}") for n in range(4, 18))
        value, cut = next((pair for pair in texts if pair[0] != pair[1]), (self.value, self.cut))
        return f"stopped at iteration {self.rung}: {value}, the rung's cut is {cut}"


def rungs(rule: EarlyTerminate) -> Iterator[int]:
    """Give the iterations at which runs are compared, in ascending order; some may be equal.

    They are min_iter * eta^k, or max_iter / eta^k for k from 1 to s, cut to whole numbers, as W&B's
    engine computes them; max_iter decides where both are given.
    """
    if rule.max_iter is not None and rule.s is not None:
        yield from reversed(list(map(int, _below(rule.max_iter, rule.eta, int(rule.s)))))
    elif rule.min_iter is not None:
        rung: float = rule.min_iter
        for _ in range(_MOST_RUNGS):
            yield int(rung)
            rung *= rule.eta


def _below(rung: float, eta: float, most: int) -> Iterator[float]:
    for _ in range(most):
        rung /= eta
        if rung < 1:
            return
        yield rung


@dataclass(frozen=True)
class Seen:
    """How often a run has logged the metric as a finite number, and its best value."""

    iterations: int = 0
    best: float | None = None

    def after(self, goal: Goal, values: Sequence[float]) -> "Seen":
        """Go on by the values of further iterations."""
        known = [] if self.best is None else [self.best]
        choose = max if goal == "maximize" else min
        best = choose([*known, *values], default=None)
        return Seen(self.iterations + len(values), best)

    def rungs(self, rule: EarlyTerminate, values: Sequence[float]) -> dict[int, float]:
        """Give the rungs that the values of further iterations reach, with the values there."""
        now = self.iterations + len(values)
        passed = dict.fromkeys(takewhile(lambda rung: rung <= now, rungs(rule)))
        return {r: values[r - self.iterations - 1] for r in passed if r > self.iterations}


def judge(
    rule: EarlyTerminate,
    goal: Goal,
    courses: Mapping[K, Course],
    arrived: K,
    at: Iterable[int],
) -> dict[K, Stop]:
    """Say which runs are to end, now that one has reached rungs.

    Args:
        rule: the sweep's rule.
        goal: the sense of the metric.
        courses: all runs of the sweep that have logged the metric, those that ended among them.
        arrived: which of them has reached rungs.
        at: the rungs that it reached, in ascending order.
    """
    if rule.type == "hyperband":
        return hyperband(rule, goal, courses)
    stop = asha(rule, goal, courses, arrived, at) if courses[arrived].is_running else None
    return {} if stop is None else {arrived: stop}


def hyperband(rule: EarlyTerminate, goal: Goal, courses: Mapping[K, Course]) -> dict[K, Stop]:
    """Judge all running runs, each at the last rung that it reached, as W&B's engine does.

    Of n values at a rung, the sorted values' number int(n / eta), counted from 0, is the cut. A run
    goes on if it is as good: `strict` compares the run's value at the rung, otherwise its best. So
    the first at a rung goes on, and may be stopped there later, when others have done better.

    Source: `hyperband_stop_runs` of W&B's package `sweeps` 0.3.0; the rule is that of one bracket
    of successive halving in Li et al., "Hyperband", JMLR 18 (2018).
    """
    cuts: dict[int, float] = {}
    stops = {}
    for run, course in courses.items():
        if not course.is_running or not course.rungs:
            continue
        rung = max(course.rungs)
        if rung not in cuts:
            values = _best_first(goal, (c.rungs[rung] for c in courses.values() if rung in c.rungs))
            cuts[rung] = values[int(1 / rule.eta * len(values))]
        value = course.rungs[rung] if rule.strict else course.best
        if _is_worse(goal, value, cuts[rung]):
            stops[run] = Stop(rung, value, cuts[rung])
    return stops


def asha(
    rule: EarlyTerminate,
    goal: Goal,
    courses: Mapping[K, Course],
    arrived: K,
    at: Iterable[int],
) -> Stop | None:
    """Judge a run once, at each rung that it reaches, against those that reached it before.

    The run goes on if it is among the best int(n / eta) of the n runs at the rung, itself counted;
    a tie is enough. The first ones, less than eta, all go on: no whole run is 1/eta of them, and to
    stop a run for being second of two would leave the choice to chance.

    Source: the stopping form of asynchronous successive halving: Li et al., "A System for Massively
    Parallel Hyperparameter Tuning", MLSys 2020 (arXiv:1810.05934); that few runs all go on is the
    rule of Syne Tune (Salinas et al., AutoML-Conf 2022).
    """
    for rung in at:
        value = courses[arrived].rungs[rung]
        values = _best_first(goal, (c.rungs[rung] for c in courses.values() if rung in c.rungs))
        places = int(len(values) / rule.eta)
        if places and _is_worse(goal, value, values[places - 1]):
            return Stop(rung, value, values[places - 1])
    return None


def _best_first(goal: Goal, values: Iterable[float]) -> list[float]:
    return sorted(values, reverse=goal == "maximize")


def _is_worse(goal: Goal, value: float, cut: float) -> bool:
    return value < cut if goal == "maximize" else value > cut
