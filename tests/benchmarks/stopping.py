"""Early stopping: epochs saved and best value kept on recorded curves, and what a decision costs.

60 recorded runs of 27 epochs (see curves/record.py) are replayed as 4 agents would run them, in an
order and at speeds that are drawn anew for each repetition. A run that is asked to stop ends with
the epoch that it has logged.
"""

import json
import random
import statistics
import time
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
import yaml

from sweepcnn.config import EarlyTerminate
from sweepcnn.scheduler import reports
from sweepcnn.search.stopping import Course, Seen, judge
from sweepcnn.storage import projects, runs, streams, sweeps, users
from sweepcnn.storage.database import Database
from tests.benchmarks.measurement import Report, Settings, Spread

_CURVES = Path(__file__).with_name("curves") / "digits.json"
_AGENTS = 4
_KINDS: dict[str, dict[str, Any]] = {
    "hyperband_strict": {"type": "hyperband", "strict": True},
    "hyperband_lax": {"type": "hyperband", "strict": False},
    "asha": {"type": "asha"},
}
_RULES = {
    f"{name}_min_iter_{first}": EarlyTerminate.model_validate(kind | {"min_iter": first, "eta": 3})
    for name, kind in _KINDS.items()
    for first in (1, 3)
}


def run(settings: Settings) -> Report:
    """Replay all rules in so many orders, and measure arrivals."""
    curves = [run["accuracy"] for run in json.loads(_CURVES.read_text("utf-8"))["runs"]]
    curves = curves[:12] if settings.smoke else curves
    figures = {}
    for name, rule in _RULES.items():
        found = [_replay(curves, rule, seed) for seed in range(settings.repetitions)]
        saved = [100 * (1 - epochs / sum(map(len, curves))) for epochs, _ in found]
        best = max(map(max, curves))
        figures[f"{name}_saved_percent"] = Spread.of(saved)
        figures[f"{name}_best_kept_percent"] = Spread.of([100 * kept / best for _, kept in found])
    size = (20, 10) if settings.smoke else (500, 100)
    costs = [_arrivals(*size) for _ in range(min(settings.repetitions, 5))]
    for index, name in enumerate(("arrival_cpu_ms", "arrival_at_rung_cpu_ms")):
        figures[name] = Spread.of([1000 * cost[index] for cost in costs])
    notes = f"{len(curves)} runs, {_AGENTS} agents; n orders; arrivals: {size[0]} x {size[1]} lines"
    return Report(figures, notes=notes)


def _replay(curves: list[list[float]], rule: EarlyTerminate, seed: int) -> tuple[int, float]:
    """Give how many epochs are trained, and the best accuracy among them."""
    chance = random.Random(seed)
    order = chance.sample(range(len(curves)), len(curves))
    speed = [chance.uniform(0.5, 2) for _ in curves]
    seen: dict[int, Seen] = {}
    rungs: dict[int, dict[int, float]] = {}
    ended: set[int] = set()
    agents: list[tuple[float, int]] = []

    def begin(now: float) -> None:
        if order:
            number = order.pop()
            heappush(agents, (now + speed[number], number))

    for _ in range(_AGENTS):
        begin(0.0)
    while agents:
        now, number = heappop(agents)
        before = seen.get(number, Seen())
        logged = [curves[number][before.iterations]]
        seen[number] = before.after("maximize", logged)
        passed = before.rungs(rule, logged)
        rungs.setdefault(number, {}).update(passed)
        gone = set()
        if seen[number].iterations == len(curves[number]):
            gone.add(number)
            ended.add(number)
        if passed:
            gone |= set(judge(rule, "maximize", _courses(seen, rungs, ended), number, passed))
        if number not in gone:
            heappush(agents, (now + speed[number], number))
        ended |= gone
        agents = [entry for entry in agents if entry[1] not in gone]
        heapify(agents)
        for _ in gone:
            begin(now)
    return sum(one.iterations for one in seen.values()), _best(seen.values())


def _courses(
    seen: dict[int, Seen], rungs: dict[int, dict[int, float]], ended: set[int]
) -> dict[int, Course]:
    return {
        number: Course(one.best, rungs[number], number not in ended)
        for number, one in seen.items()
        if one.best is not None
    }


def _best(seen: Iterable[Seen]) -> float:
    return max(one.best for one in seen if one.best is not None)


def _arrivals(count: int, epochs: int) -> tuple[float, float]:
    """Give the CPU seconds of a line's arrival in a sweep of so many runs, and of one at a rung.

    Half of the runs are running, all but the measured one have all their epochs behind them; what
    storing the line itself takes is left out.
    """
    config = {
        "method": "random",
        "parameters": {"x": {"values": [1]}},
        "metric": {"name": "accuracy", "goal": "maximize"},
        "early_terminate": {"type": "hyperband", "min_iter": 1, "strict": False},
    }
    chance = random.Random(0)
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/arrivals.db")
        with database.write() as writing:
            users.add(writing, "ann", "k", admin=False)
            project, _ = projects.get_or_create(writing, "ann", "p")
            of = {"project_id": project.id, "user_id": 1}
            text = yaml.safe_dump(config)
            sweep = sweeps.add(writing, name="s", config=text, method="random", **of)
            for number in range(count - 1):
                state = "running" if number % 2 else "finished"
                made = runs.add(writing, name=f"r{number}", sweep_id=sweep, state=state, **of)
                _log(writing, made, 0, [chance.random() for _ in range(epochs)])
            measured = runs.add(writing, name="measured", sweep_id=sweep, **of)
        usual: list[float] = []
        at_rungs: list[float] = []
        rungs = {3**power for power in range(10)}
        for epoch in range(epochs):
            with database.write() as writing:
                taken = _log(writing, measured, epoch, [2.0])
            (at_rungs if epoch + 1 in rungs else usual).append(taken)
        database.close()
    return statistics.median(usual), statistics.median(at_rungs)


def _log(writing: sa.Connection, run_id: int, first: int, values: list[float]) -> float:
    """Store lines as they come, and give the CPU seconds that their consequences took."""
    lines = [json.dumps({"_step": first + n, "accuracy": v}) for n, v in enumerate(values)]
    streams.write(writing, run_id, streams.HISTORY, first, lines)
    run = runs.by_id(writing, run_id)
    assert run is not None
    started = time.process_time()
    reports.history_came(writing, run, first=first, end=first + len(lines), anew=False)
    return time.process_time() - started
