"""What must hold of a sweep, whatever agents, runs and users do; told of each step, it checks."""

import json
from dataclasses import dataclass
from typing import Any

from sweepcnn.storage.points import LOST, OUT, SETTLED
from sweepcnn.storage.runs import Run
from tests.scheduler.world import Seen

MOST_STARTED = 2
"""Runs of a point whose process spoke, before the point is given up."""
MOST_RUNS = 4
"""Runs of a point in all: the answer to an agent, or its process, may have been lost."""


@dataclass(frozen=True)
class Answer:
    """What an agent was answered: the runs it was ever given before, those that it named as alive,
    the commands, and the sweep before and after."""

    given: frozenset[str]
    alive: frozenset[str]
    commands: list[dict[str, Any]]
    before: Seen
    after: Seen


class Ledger:
    """Keeps which points are done with for ever.

    Args:
        method: of the sweep.
        limit: the points that the sweep has in all, by its space and its run_cap.
    """

    def __init__(self, method: str, limit: int) -> None:
        self._method, self._limit = method, limit
        self._done: dict[str, str] = {}
        """Why a point must not be handed out again."""

    def check(self, before: Seen, after: Seen) -> None:
        """Check what holds at all times, and note what has ended."""
        for name in before.runs.keys() - after.runs.keys():  # deleted, with what it settled
            self._done.pop(before.point_of[name], None)
        assert len(after.points) <= self._limit, "more points than run_cap or the space allows"
        assert set(after.points) == set(after.point_of.values()), "a point that no run has"
        for name, key in after.point_of.items():
            if reason := _end(after.runs[name]):
                self._done.setdefault(key, reason)
        for key, point in after.points.items():
            was = before.points.get(key)
            was_settled = was is not None and was.state == SETTLED
            if was_settled:
                assert point.state == SETTLED, f"{key} was settled for ever"
            elif point.state == SETTLED:
                assert self._is_over(before, key) or self._is_over(after, key), "given up early"

    def check_answer(self, answer: Answer) -> None:
        """Check what an agent was answered."""
        before, after = answer.before, answer.after
        commanded = {command.get("run_id") for command in answer.commands}
        for name, run in before.runs.items():
            if name not in answer.given | commanded:
                assert after.runs[name].state == run.state, "an agent spoke of another's run"
        if not answer.alive | commanded and after.state == "RUNNING":
            self._check_wait(after)
        for command in answer.commands:
            if command["type"] == "exit":
                self._check_exit(answer)
            elif command["type"] == "stop":
                assert command["run_id"] in answer.alive, "a stop of what the agent has not"
                assert after.runs[command["run_id"]].stop_requested, "a stop that nobody wanted"
            else:
                assert len(answer.commands) == 1, "function agents heed the first command alone"
                assert not answer.alive, "an agent has one run at a time"
                assert after.state == "RUNNING", f"handed out while {after.state}"
                self._check_given(command, answer)
        if before.state == "RUNNING" and after.state == "FINISHED":
            self.check_end(after)

    def _check_given(self, command: dict[str, Any], answer: Answer) -> None:
        name, before, after = command["run_id"], answer.before, answer.after
        key = after.point_of[name]
        assert key not in self._done, f"{key} was handed out again, though {self._done[key]}"
        assert after.live_at(key) == [name], "the point is out already"
        assert not self._failed(before, key), f"{key} failed, of which the search learns"
        config = after.runs[name].config
        assert command["args"].items() <= json.loads(config).items(), "arguments are the point's"
        if command["type"] == "resume":
            was = before.runs[name]
            is_again = was.state == "pending" and was.heartbeat_at is not None
            assert is_again or was.state in ("preempting", "preempted"), "nothing to resume"
            return
        assert command["type"] == "run"
        assert name not in before.runs, "a run that was there before is resumed, not run"
        if key not in before.points:
            assert not _waiting(after), "a new point came before one that was lost"
            return
        assert not _is_tried(before, key), f"{key} was tried too often"
        if any(run.state == "failed" for run in _runs_at(before, key)):
            assert len(before.points) == self._limit, "what failed has its second turn last"
            assert not _waiting(after), "what was lost comes before what failed"

    def _is_over(self, seen: Seen, key: str) -> bool:
        return key in self._done or self._failed(seen, key) or _is_tried(seen, key)

    def _failed(self, seen: Seen, key: str) -> bool:
        is_taught = self._method != "grid"
        return is_taught and any(run.state == "failed" for run in _runs_at(seen, key))

    def _check_wait(self, after: Seen) -> None:
        assert len(after.points) == self._limit, "an agent waits though there are new points"
        states = {point.state for point in after.points.values()}
        assert states <= {OUT, SETTLED}, "an agent waits though a point does"

    def _check_exit(self, answer: Answer) -> None:
        after = answer.after
        if after.state == "CANCELED":
            return
        assert not answer.alive, "an agent was sent home with a run alive"
        assert after.state != "PAUSED", "a paused sweep goes on later"
        if after.state == "RUNNING":
            self._check_used_up(after)

    def check_end(self, seen: Seen) -> None:
        """Check a sweep that has ended by itself."""
        assert seen.state == "FINISHED"
        self._check_used_up(seen)
        assert not [run.name for run in seen.runs.values() if seen.is_live(run.name)]

    def _check_used_up(self, seen: Seen) -> None:
        assert len(seen.points) == self._limit
        assert {point.state for point in seen.points.values()} == {SETTLED}


def _end(run: Run) -> str | None:
    """Tell why no run of the same point is handed out after this one, nor is it itself."""
    if run.state == "finished":
        return f"{run.name} finished"
    if run.stop_requested or run.state == "killed":
        return f"{run.name} was stopped by the server"
    return None


def _is_tried(seen: Seen, key: str) -> bool:
    runs = _runs_at(seen, key)
    started = [run for run in runs if run.heartbeat_at is not None]
    return len(started) >= MOST_STARTED or seen.points[key].attempts >= MOST_RUNS


def _waiting(seen: Seen) -> list[str]:
    return [point.key for point in seen.points.values() if point.state == LOST]


def _runs_at(seen: Seen, key: str) -> list[Run]:
    return [seen.runs[name] for name, at in seen.point_of.items() if at == key]
