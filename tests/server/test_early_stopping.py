"""Early stopping on the wire: what counts, who is told to stop, and what a run is afterwards."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sweepcnn.storage import progress, projects, runs
from sweepcnn.storage.database import Database
from sweepcnn.storage.progress import Progress
from sweepcnn.storage.runs import Run
from tests.backend import RunningBackend
from tests.server.conftest import ENTITY, Wire
from tests.server.sweep_wire import read, upsert
from tests.server.test_run_lives import PROCESS, REWIND, stop

pytestmark = pytest.mark.each_database

METRIC = {"metric": {"name": "score", "goal": "maximize"}}
RANDOM: dict[str, Any] = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}
HYPERBAND = {"early_terminate": {"type": "hyperband", "min_iter": 1}}


class Scene:
    """A sweep, the runs that log to it, and what is stored of them."""

    def __init__(self, wire: Wire, database: Database) -> None:
        self.wire, self._database = wire, database
        self.sweep = ""

    def create(self, *parts: dict[str, Any]) -> None:
        document = RANDOM | METRIC
        for part in parts:
            document |= part
        self.sweep = upsert(self.wire, document)["sweep"]["name"]

    def run(self, name: str, *scores: Any, config: dict[str, Any] | None = None) -> bool:
        """Start a run that logs scores; gives whether it is told to stop."""
        given = json.dumps({key: {"value": value} for key, value in (config or {}).items()})
        self.wire.start_run(name, sweep=self.sweep, **PROCESS | {"config": given})
        return self.log(name, *({"score": score} for score in scores))

    def log(self, name: str, *rows: dict[str, Any], offset: int = 0, **more: Any) -> bool:
        lines = [json.dumps({"_step": offset + n} | row) for n, row in enumerate(rows)]
        files = {"wandb-history.jsonl": {"offset": offset, "content": lines}}
        summary = more.pop("summary", None)
        if summary is not None:
            files["wandb-summary.json"] = {"offset": 0, "content": [json.dumps(summary)]}
        answer = self.wire.stream(name, {"files": files} | more)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["stopped"])

    def end(self, name: str, code: int, **summary: Any) -> str:
        """End a run and give its state."""
        self.log(name, offset=99, complete=True, exitcode=code, summary=summary)
        return self.stored(name).state

    def stored(self, name: str) -> Run:
        with self._database.read() as reading:
            project = projects.get(reading, ENTITY, self.wire.project)
            found = runs.get(reading, project.id, name) if project else None
        assert found is not None
        return found

    def reason(self, name: str) -> str | None:
        run = self.stored(name)
        assert run.stop_requested or (run.stop_reason, run.stop_requested_at) == (None, None)
        return run.stop_reason

    def seen(self, name: str) -> Progress:
        run = self.stored(name)
        assert run.sweep_id is not None
        with self._database.read() as reading:
            found = progress.of_sweep(reading, run.sweep_id)
        return next(one for one in found if one.run_id == run.id)

    def counted(self, name: str) -> tuple[int, float | None]:
        seen = self.seen(name)
        return seen.iterations, seen.best

    def state(self) -> str:
        return str(read(self.wire, self.sweep, "state")["state"])


@pytest.fixture
def scene(wire: Wire, server: RunningBackend) -> Iterator[Scene]:
    database = Database(server.database_url)
    yield Scene(wire, database)
    database.close()


def with_poor_run(scene: Scene, **more: Any) -> str:
    """Make a sweep in which a run is asked to stop by what others have logged."""
    scene.create(HYPERBAND, more)
    assert not scene.run("poor", 0.1)
    for number in range(2):
        assert not scene.run(f"good{number}", 0.8)
    assert scene.reason("poor") == "stopped at iteration 1: 0.1, the rung's cut is 0.8"
    return "poor"


def test_a_run_is_told_with_the_answer_to_what_shows_it_poor(scene: Scene) -> None:
    scene.create(HYPERBAND)
    for number in range(2):
        assert not scene.run(f"good{number}", 0.8)
    assert scene.run("poor", 0.3)
    assert scene.reason("poor") == "stopped at iteration 1: 0.3, the rung's cut is 0.8"
    assert [scene.reason(name) for name in ("good0", "good1")] == [None, None]


def test_a_later_result_stops_an_earlier_run(scene: Scene) -> None:
    before = scene.wire.start_run()
    poor = with_poor_run(scene)
    assert scene.log(poor, {"score": 0.2}, offset=1)
    run = scene.stored(poor)
    assert run.state == "running"
    assert run.stop_requested_at is not None
    assert scene.stored(before).created_at < run.stop_requested_at < run.created_at + 60


def test_an_asynchronous_rung_judges_only_who_comes_to_it(scene: Scene) -> None:
    scene.create({"early_terminate": {"type": "asha", "min_iter": 1}})
    told = [scene.run(f"r{n}", score) for n, score in enumerate([0.1, 0.2, 0.3, 0.2, 0.4])]
    assert told == [False, False, False, True, False]
    assert scene.reason("r3") == "stopped at iteration 1: 0.2, the rung's cut is 0.3"


def test_lines_that_are_sent_twice_count_once(scene: Scene) -> None:
    scene.create(HYPERBAND)
    scene.run("r", 0.1, 0.5)
    rows: list[dict[str, Any]] = [{"score": 0.1}, {"score": 0.5}, {"score": 0.4}]
    for _ in range(2):
        scene.log("r", *rows)
        scene.log("r", *rows[1:], offset=1)
        scene.log("r", *rows[:2])
    seen = scene.seen("r")
    assert (seen.iterations, seen.best, seen.rungs) == (3, 0.5, {1: 0.1, 3: 0.4})


def test_lines_in_no_order_that_are_sent_twice_count_once(scene: Scene) -> None:
    scene.create(HYPERBAND)
    scene.run("r")
    values = {7: 0.1, 3: 0.5, 5: 0.4}
    lines = [json.dumps({"_step": step, "score": score}) for step, score in values.items()]
    scene.wire.log("r", *lines)
    scene.wire.log("r", *lines[1:], json.dumps({"_step": 1, "score": 0.2}), offset=1)
    scene.wire.log("r", *lines[:2])
    assert (scene.counted("r"), scene.seen("r").rungs) == ((4, 0.5), {1: 0.1, 3: 0.4})


def test_only_finite_numbers_are_iterations(scene: Scene) -> None:
    scene.create(HYPERBAND)
    scene.run("r", float("nan"), None, "0.9", True, 0.2, float("inf"), 10**400)
    scene.log("r", {"loss": 1}, {"score": 1}, offset=7)
    assert (scene.counted("r"), scene.seen("r").rungs) == ((2, 1.0), {1: 0.2})
    scene.wire.log("r", "no JSON", "[]", offset=9)
    assert scene.counted("r") == (2, 1.0)


def test_a_sweep_that_stops_nothing_early_keeps_the_best(scene: Scene) -> None:
    scene.create({"metric": {"name": "val.acc", "goal": "minimize"}})
    scene.run("r")
    scene.log("r", {"val": {"acc": 0.5}}, {"val": {"acc": 0.25}}, {"val.acc": 0.75})
    assert (scene.counted("r"), scene.seen("r").rungs) == ((3, 0.25), {})


def test_a_run_that_begins_anew_or_is_rewound_is_counted_anew(scene: Scene) -> None:
    scene.create(HYPERBAND)
    scene.run("r", 0.9, 0.8, 0.7, 0.6)
    scene.run("r", 0.1, 0.2)
    assert (scene.counted("r"), scene.seen("r").rungs) == ((2, 0.2), {1: 0.1})
    scene.log("r", {"score": 0.3}, offset=2)
    assert (scene.counted("r"), scene.seen("r").rungs) == ((3, 0.3), {1: 0.1, 3: 0.3})
    scene.wire.ask(REWIND, name="r", project=scene.wire.project, value=0)
    scene.log("r", {"score": 0.05}, offset=1)
    assert (scene.counted("r"), scene.seen("r").rungs) == ((2, 0.1), {1: 0.1})


def test_lines_of_several_writers_all_count(scene: Scene) -> None:
    scene.create(HYPERBAND)
    scene.run("r")
    for writer, score in (("a", 0.1), ("b", 0.2), ("a", 0.1), ("b", 0.2)):
        part = {"offset": 0, "content": [json.dumps({"score": score})]}
        answer = scene.wire.http.post(
            f"/files/{ENTITY}/{scene.wire.project}/r/file_stream",
            json={"files": {"wandb-history.jsonl": part}},
            headers={"X-WANDB-USE-ASYNC-FILESTREAM": "true", "X-WANDB-ASYNC-CLIENT-ID": writer},
        )
        assert answer.status_code == 200, answer.text
    assert scene.counted("r") == (2, 0.2)


def test_a_run_that_ends_with_its_last_epoch_is_not_stopped(scene: Scene) -> None:
    scene.create(HYPERBAND)
    for number in range(2):
        scene.run(f"good{number}", 0.8)
    scene.run("r")
    assert not scene.log("r", {"score": 0.1}, complete=True, exitcode=0)
    assert (scene.stored("r").state, scene.reason("r")) == ("finished", None)


@pytest.mark.parametrize(
    ("code", "summary", "state"),
    [
        (0, {}, "finished"),
        (0, {"status": "ok"}, "finished"),
        (0, {"status": "stopped"}, "killed"),
        (255, {}, "killed"),
        (1, {}, "killed"),
    ],
    ids=str,
)
def test_a_run_that_comes_to_its_end_all_the_same_is_finished(
    scene: Scene, code: int, summary: dict[str, Any], state: str
) -> None:
    poor = with_poor_run(scene)
    assert scene.end(poor, code, **summary) == state
    assert (scene.reason(poor) is None) == (state == "finished")


def test_a_users_stop_is_not_early_stopping(scene: Scene) -> None:
    poor = with_poor_run(scene)
    since = scene.stored(poor).stop_requested_at
    stop(scene.wire, poor)
    run = scene.stored(poor)
    assert (run.stop_requested, run.stop_reason, run.stop_requested_at) == (True, None, since)
    assert scene.end(poor, 0) == "killed"
    stop(scene.wire, "good0")
    assert scene.stored("good0").stop_requested_at is not None
    assert scene.end("good0", 0) == "killed"


def test_who_is_asked_to_stop_is_judged_no_more(scene: Scene) -> None:
    poor = with_poor_run(scene)
    stop(scene.wire, "good0")
    before = [scene.stored(name) for name in (poor, "good0")]
    for name in (poor, "good0"):
        scene.log(name, {"score": 0.1}, {"score": 0.1}, offset=1)
    for number in range(2, 5):
        scene.run(f"good{number}", 0.9, 0.9, 0.9)
    after = [scene.stored(name) for name in (poor, "good0")]
    for asked, still in zip(before, after, strict=True):
        assert (still.stop_reason, still.stop_requested_at) == (
            asked.stop_reason,
            asked.stop_requested_at,
        )
    assert after[1].stop_reason is None


def test_the_end_of_a_cancelled_sweep_is_no_end_of_its_runs(scene: Scene) -> None:
    poor = with_poor_run(scene)
    sweep = read(scene.wire, scene.sweep, "id")["id"]
    upsert(scene.wire, id=sweep, state="CANCELED")
    assert scene.end(poor, 0) == "killed"


def test_who_resumes_a_stopped_run_is_not_stopped_at_once(scene: Scene) -> None:
    poor = with_poor_run(scene)
    scene.end(poor, 255)
    assert not scene.run(poor)
    assert scene.reason(poor) is None


def test_a_run_of_ours_that_has_all_its_epochs_is_not_asked_to_stop(scene: Scene) -> None:
    scene.create(HYPERBAND, {"command": ["sweepcnn", "train", "${args_no_hyphens}"]})
    for name, epochs in (("short", 1), ("long", 2)):
        scene.run(name, 0.1, config={"epochs": epochs})
    for number in range(2):
        scene.run(f"good{number}", 0.8)
    assert scene.reason("short") is None
    assert scene.reason("long") == "stopped at iteration 1: 0.1, the rung's cut is 0.8"


def test_runs_of_another_program_are_judged_whatever_their_epochs_are(scene: Scene) -> None:
    scene.create(HYPERBAND)
    scene.run("r", 0.1, config={"epochs": 1})
    for number in range(2):
        scene.run(f"good{number}", 0.8)
    assert scene.reason("r") is not None


@pytest.mark.parametrize(
    ("goal", "target", "scores", "state"),
    [
        ("maximize", 0.9, [0.5, 0.89], "PENDING"),
        ("maximize", 0.9, [0.5, 0.9], "FINISHED"),
        ("minimize", 0.1, [0.5, 0.05, 0.2], "FINISHED"),
        ("minimize", 0.1, [0.5, 0.2], "PENDING"),
        ("maximize", None, [1.0], "PENDING"),
    ],
    ids=str,
)
def test_a_sweep_ends_when_a_run_reaches_its_target(
    scene: Scene, goal: str, target: float | None, scores: Sequence[float], state: str
) -> None:
    aim = {"name": "score", "goal": goal} | ({} if target is None else {"target": target})
    scene.create({"metric": aim})
    assert not scene.run("r", *scores)
    assert (scene.state(), scene.stored("r").state) == (state, "running")


def test_a_cancelled_sweep_that_reaches_its_target_stays_cancelled(scene: Scene) -> None:
    scene.create({"metric": METRIC["metric"] | {"target": 0.5}})
    scene.run("r", 0.1)
    upsert(scene.wire, id=read(scene.wire, scene.sweep, "id")["id"], state="CANCELED")
    scene.log("r", {"score": 0.7}, offset=1)
    assert (scene.state(), scene.counted("r")) == ("CANCELED", (2, 0.7))


def test_a_sweep_that_is_resumed_beyond_its_target_goes_on(scene: Scene) -> None:
    scene.create({"metric": METRIC["metric"] | {"target": 0.5}})
    scene.run("r", 0.6)
    assert scene.state() == "FINISHED"
    upsert(scene.wire, id=read(scene.wire, scene.sweep, "id")["id"], state="RUNNING")
    scene.log("r", {"score": 0.7}, offset=1)
    assert scene.state() == "RUNNING"
    scene.run("s", 0.5)
    assert scene.state() == "FINISHED"
