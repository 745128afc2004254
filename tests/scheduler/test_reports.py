"""Histories that arrive line by line: the same runs are stopped as by W&B's engine."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweepcnn.scheduler import reports
from sweepcnn.storage import progress, projects, runs, streams, sweeps, users
from sweepcnn.storage.database import Database
from sweepcnn.storage.progress import Progress
from tests.oracle import ask


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'test.db'}")


class Story:
    """A sweep to whose runs lines come, by the storage alone."""

    def __init__(self, database: Database, number: int, config: dict[str, Any]) -> None:
        self.database = database
        with database.write() as writing:
            if users.by_name(writing, "ann") is None:
                users.add(writing, "ann", "k", admin=False)
            self.project, _ = projects.get_or_create(writing, "ann", "p")
            of = {"project_id": self.project.id, "user_id": 1, "name": f"s{number}"}
            text = yaml.safe_dump(config)
            self.sweep = sweeps.add(writing, config=text, method="random", **of)

    def add(self, name: str) -> int:
        with self.database.write() as writing:
            of = {"project_id": self.project.id, "user_id": 1, "sweep_id": self.sweep}
            return runs.add(writing, name=name, **of)

    def log(self, run_id: int, first: int, *rows: dict[str, Any]) -> None:
        with self.database.write() as writing:
            lines = [json.dumps(row) for row in rows]
            streams.write(writing, run_id, streams.HISTORY, first, lines)
            run = runs.by_id(writing, run_id)
            assert run is not None
            end = first + len(lines)
            reports.history_came(writing, run, first=first, end=end, anew=False)

    def reconfigured(self, config: dict[str, Any]) -> dict[int, Progress]:
        """Change the sweep's file; gives what is known of its runs then."""
        with self.database.write() as writing:
            before = sweeps.by_id(writing, self.sweep)
            assert before is not None
            sweeps.update(writing, self.sweep, config=yaml.safe_dump(config))
            reports.config_changed(writing, before)
            return {one.run_id: one for one in progress.of_sweep(writing, self.sweep)}

    def stopped(self) -> list[int]:
        with self.database.read() as reading:
            found = runs.of_sweep(reading, self.sweep)
        return [n for n, run in enumerate(found) if run.stop_requested]


def config(goal: str, **rule: Any) -> dict[str, Any]:
    return {
        "method": "random",
        "parameters": {"x": {"values": [1]}},
        "metric": {"name": "m", "goal": goal},
        "early_terminate": {"type": "hyperband"} | rule,
    }


RULES: list[dict[str, Any]] = [
    {"min_iter": 1},
    {"min_iter": 2, "eta": 2, "strict": False},
    {"max_iter": 18, "s": 2},
    {"max_iter": 20, "s": 4, "eta": 1.7, "strict": False},
]


def test_the_same_runs_are_stopped_in_the_same_order_as_by_the_engine(database: Database) -> None:
    cases = []
    ours = []
    for number in range(12):
        chance = random.Random(number)
        given = config(["minimize", "maximize"][number % 2], **RULES[number % len(RULES)])
        story = Story(database, number, given)
        levels = [chance.random() for _ in range(6)]
        ids = [story.add(f"{number}-{n}") for n in range(len(levels))]
        histories: list[list[Any]] = [[] for _ in levels]
        snapshots, stopped = [], []
        while living := [
            n for n, h in enumerate(histories) if len(h) < 20 and n not in story.stopped()
        ]:
            n = chance.choice(living)
            rows = [
                chance.choice([{}, {"m": float("nan")}])
                if chance.random() < 0.1
                else {"m": levels[n] + chance.gauss(0, 0.2)}
                for _ in range(chance.randint(1, 3))
            ]
            story.log(ids[n], len(histories[n]), *rows)
            histories[n] += rows
            snapshots.append([list(history) for history in histories])
            stopped.append(story.stopped())
        cases.append({"config": given, "snapshots": snapshots})
        ours.append(stopped)
    body = """
        from sweeps import SweepRun, stop_runs
        found = []
        for case in question:
            stopped, steps = set(), []
            for histories in case["snapshots"]:
                runs = [SweepRun(name=str(n), state="running", history=history)
                        for n, history in enumerate(histories)]
                stopped |= {int(run.name) for run in stop_runs(case["config"], runs)}
                steps.append(sorted(stopped))
            found.append(steps)
        return found
    """
    assert ours == ask(body, cases)
    assert sum(len(case[-1]) for case in ours) > 20


def test_what_was_logged_before_anyone_counted_counts(database: Database) -> None:
    story = Story(database, 0, config("minimize", min_iter=1))
    run = story.add("r")
    with database.write() as writing:
        streams.write(writing, run, streams.HISTORY, 0, ['{"m": 1}', '{"m": 2}'])
    story.log(run, 2, {"m": 3})
    with database.read() as reading:
        assert progress.get(reading, run) == (3, 1.0)


def test_a_sweep_that_changes_its_metric_counts_again(database: Database) -> None:
    story = Story(database, 0, config("minimize", min_iter=1))
    run, silent = story.add("r"), story.add("silent")
    story.log(run, 0, {"m": 1, "n": 5}, {"m": 2, "n": 7})
    other = config("maximize", min_iter=2) | {"metric": {"name": "n", "goal": "maximize"}}
    found = story.reconfigured(other)
    assert (found[run].iterations, found[run].best, found[run].rungs) == (2, 7.0, {2: 7.0})
    assert (found[silent].iterations, found[silent].best) == (0, None)
    assert story.reconfigured(other | {"name": "another name"}) == found
    assert story.reconfigured({"method": "random"}) == {}


def test_a_rule_that_cannot_be_read_stops_nobody(database: Database) -> None:
    story = Story(database, 0, config("minimize", min_iter=-3))
    for n in range(3):
        story.log(story.add(f"r{n}"), 0, {"m": n})
    assert story.stopped() == []
    with database.read() as reading:
        assert [one.best for one in progress.of_sweep(reading, story.sweep)] == [0, 1, 2]
