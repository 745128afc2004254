"""Answers agents: which run to start, which to stop, when to leave."""

import json
import logging
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from sweepcnn.config import SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.names import new_id, sweep_run_name
from sweepcnn.scheduler.states import ENDED
from sweepcnn.scheduler.trials import trials
from sweepcnn.search import Suggestion, Trial, point_key
from sweepcnn.search.worker import SearchWorker
from sweepcnn.storage import agents, points, runs, sweeps
from sweepcnn.storage.database import Database
from sweepcnn.storage.run_states import LIVE

_log = logging.getLogger(__name__)
_LOCK_TIMEOUT_S = 15.0


class Search(Protocol):
    """Where points come from."""

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        """Give the next point, or null when none is left; TimeoutError says to ask again."""

    def prepare(self) -> None:
        """Begin what a model-based search needs before its first point."""

    def close(self) -> None:
        """End what was begun."""


class UnknownAgentError(Exception):
    """The agent, or its sweep, was deleted or never was."""


@dataclass(frozen=True)
class Command:
    """What an agent is to do: start a run, stop one, or leave."""

    type: Literal["run", "stop", "exit"]
    run_id: str | None = None
    program: str | None = None
    point: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the command in the client's notation."""
        match self.type:
            case "exit":
                return {"type": "exit"}
            case "stop":
                return {"type": "stop", "run_id": self.run_id}
            case "run":
                args = {name: {"value": value} for name, value in (self.point or {}).items()}
                return {
                    "type": "run",
                    "run_id": self.run_id,
                    "program": self.program,
                    "args": args,
                }


class Scheduler:
    """Hands out the points of all sweeps. Thread-safe; all its state is in the database.

    Args:
        database: where sweeps, agents and runs are kept.
        search: may take its time, for no transaction is open while it thinks; null is our own,
            in a process of its own.
    """

    def __init__(self, database: Database, search: Search | None = None) -> None:
        self._database = database
        self._search: Search = search or SearchWorker()
        # One proposal at a time and sweep, so that each knows of the one before. The promise that
        # no point is handed out twice does not rest on this lock but on the database.
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def heartbeat(self, agent_id: int, alive: set[str]) -> list[Command]:
        """Answer an agent that names the runs it has alive.

        Function agents carry out the first command only: exit comes before stop, stop before run.

        Raises:
            UnknownAgentError: the agent or its sweep is gone.
        """
        with self._database.write() as connection:
            agent = agents.by_id(connection, agent_id)
            sweep = sweeps.by_id(connection, agent.sweep_id) if agent else None
            if agent is None or sweep is None:
                raise UnknownAgentError("Sweep was deleted or agent was not found.")
            now = time.time()
            agents.touch(connection, agent.id, now)
            sweeps.update(connection, sweep.id, heartbeat_at=now, updated_at=sweep.updated_at)
            own = self._end_lost_runs(connection, agent.id, alive)
            if sweep.state == "PENDING":
                sweeps.update(connection, sweep.id, state="RUNNING")
        if sweep.state == "CANCELED":
            return [Command("exit")]
        stops = [Command("stop", run.name) for run in own if run.stop_requested]
        if alive:  # one run at a time: the command-line agent would start a second one beside it
            return [command for command in stops if command.run_id in alive]
        if sweep.state == "FINISHED":
            return [Command("exit")]
        if sweep.state == "PAUSED":
            return []
        return self._next(sweep, agent)

    def expect_model(self) -> None:
        """Get ready for a sweep whose points come from a model."""
        self._search.prepare()

    def close(self) -> None:
        """End the search's process."""
        self._search.close()

    def end_silent_runs(self, before: float) -> None:
        """End runs that were last heard of before a time (seconds since the epoch)."""
        with self._database.write() as connection:
            silent = runs.silent_before(connection, before)
            runs.end_lost(connection, silent)

    def _end_lost_runs(
        self, connection: sa.Connection, agent_id: int, alive: set[str]
    ) -> list[runs.Run]:
        """Mark an agent's runs crashed that it no longer lists; give those that it does.

        A run that the agent was given with its last answer is listed by now, even if it is still
        starting; one that has ended well has said so before its process ended. (A run whose answer
        was lost on its way is marked, too; its point is not handed out again.)
        """
        own = runs.of_agent(connection, agent_id)
        lost = [run for run in own if run.state in LIVE and run.name not in alive]
        runs.end_lost(connection, lost)
        return [run for run in own if run.name in alive]

    def _next(self, sweep: sweeps.Sweep, agent: agents.Agent) -> list[Command]:
        """Hand out a point, or send the agent home when none is left."""
        try:
            config = sweep_files.read(sweep.config)
        except InputError as error:
            _log.warning("sweep %s cannot be searched: %s", sweep.name, error)
            return [Command("exit")]
        lock = self._locks[sweep.id]
        if not lock.acquire(timeout=_LOCK_TIMEOUT_S):
            return []  # the agent asks again in 5 s, and the thread is needed elsewhere
        try:
            while True:
                with self._database.read() as connection:
                    metric = config.metric.name if config.metric else None
                    so_far = trials(connection, sweep.id, metric)
                if config.run_cap is not None and len(so_far) >= config.run_cap:
                    suggestion = None
                else:
                    try:
                        suggestion = self._search.propose(config, so_far, _seed(config, sweep))
                    except TimeoutError:
                        _log.warning("sweep %s: no suggestion in time; asking again", sweep.name)
                        return []
                if suggestion is None:
                    self._finish_if_idle(sweep)
                    return [Command("exit")]
                commands = self._reserve(sweep, agent, config, suggestion, len(so_far) + 1)
                if commands is not None:
                    return commands
        finally:
            lock.release()

    def _reserve(
        self,
        sweep: sweeps.Sweep,
        agent: agents.Agent,
        config: SweepConfig,
        suggestion: Suggestion,
        number: int,
    ) -> list[Command] | None:
        """Turn a suggestion into a pending run, in one transaction.

        Nothing is commanded if the sweep was paused or ended meanwhile, or if the agent was given
        a run by another answer (a heartbeat that it repeated, having waited too long for this one);
        None says that the point was handed out meanwhile.
        """
        name = new_id()
        point = suggestion.point
        try:
            with self._database.write() as connection:
                current = sweeps.by_id(connection, sweep.id)
                if current is None or current.state in (*ENDED, "PAUSED"):
                    return []
                if any(run.state in LIVE for run in runs.of_agent(connection, agent.id)):
                    return []
                run_id = runs.add(
                    connection,
                    project_id=sweep.project_id,
                    user_id=agent.user_id,
                    name=name,
                    display_name=sweep_run_name(number),
                    sweep_id=sweep.id,
                    state="pending",
                    program=config.program,
                    config=json.dumps({key: {"value": value} for key, value in point.items()}),
                )
                point_id = points.add(
                    connection,
                    sweep_id=sweep.id,
                    point=json.dumps(point),
                    key=point_key(point),
                    origin=suggestion.origin,
                )
                points.assign(connection, point_id, run_id, agent.id)
        except sa.exc.IntegrityError:
            return None
        return [Command("run", name, config.program, point)]

    def _finish_if_idle(self, sweep: sweeps.Sweep) -> None:
        with self._database.write() as connection:
            current = sweeps.by_id(connection, sweep.id)
            if current is None or current.state != "RUNNING":
                return  # paused or ended by a user meanwhile
            if not runs.count_live(connection, sweep.id):
                sweeps.update(connection, sweep.id, state="FINISHED")


def _seed(config: SweepConfig, sweep: sweeps.Sweep) -> int:
    return config.seed if config.seed is not None else zlib.crc32(sweep.name.encode())
