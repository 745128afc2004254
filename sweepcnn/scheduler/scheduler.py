"""Answers agents: which run to start, which to stop, when to leave."""

import contextlib
import logging
import threading
import time
import zlib
from collections import defaultdict

import sqlalchemy as sa

from sweepcnn.config import SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.commands import Command
from sweepcnn.scheduler.handing_out import hand_out_again, hand_out_new
from sweepcnn.scheduler.proposals import NotReadyError, Proposals, Search
from sweepcnn.scheduler.questions import Question
from sweepcnn.scheduler.roll_call import call_roll, stops
from sweepcnn.scheduler.settling import settle
from sweepcnn.scheduler.states import ENDED, finish
from sweepcnn.scheduler.trials import trials
from sweepcnn.search import Suggestion
from sweepcnn.search.worker import SearchWorker
from sweepcnn.storage import agents, assignments, points, runs, sweeps
from sweepcnn.storage.agents import Agent
from sweepcnn.storage.database import Database
from sweepcnn.storage.sweeps import Sweep

_log = logging.getLogger(__name__)
_WAIT_S = 1.0  # for a point; then the agent is told to ask again, which it does after 5 s
_MOST_TRIES = 20  # points in a row that others took first


class UnknownAgentError(Exception):
    """The agent, or its sweep, was deleted or never was."""


class Scheduler:
    """Hands out the points of all sweeps. Thread-safe; all its state is in the database.

    Args:
        database: where sweeps, agents and runs are kept.
        search: may take its time, for no request waits for it; null is our own, in a process of
            its own.
    """

    def __init__(self, database: Database, search: Search | None = None) -> None:
        self._database = database
        self._proposals = Proposals(search or SearchWorker())
        # One point at a time and sweep, so that each knows of the one before. Nobody thinks under
        # it. The promise that no point is handed out twice does not rest on it but on the database.
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        # Of sweeps whose search has no more: with how many points, by which sweep file.
        self._used_up: dict[int, tuple[int, str]] = {}

    def heartbeat(self, agent_id: int, alive: set[str]) -> list[Command]:
        """Answer an agent that names the runs it has alive.

        Function agents carry out the first command only: exit comes before stop, stop before run.
        An idle agent is given a point that was lost, a new one, or one that failed in a grid, in
        this order. It waits while others' points may still get lost, and leaves once all are
        settled.

        Raises:
            UnknownAgentError: the agent or its sweep is gone.
        """
        with self._database.read() as connection:
            agent, sweep = _find(connection, agent_id)
        config = sweep_files.readable(sweep.config)
        with self._database.write() as connection:
            agent, sweep = _find(connection, agent_id)
            commands = self._answer(connection, agent, sweep, config, alive)
        if commands is not None:
            return commands
        if isinstance(config, InputError):
            return self._give_up(sweep, config)
        return self._new_point(sweep, agent, config)

    def expect_model(self) -> None:
        """Get ready for a sweep whose points come from a model."""
        self._proposals.expect_model()

    def run_ended(self, sweep_id: int) -> None:
        """Begin to look for the next point of a sweep whose run has ended, before it is asked for.

        Does nothing where points need no model.
        """
        with self._database.read() as connection:
            sweep = sweeps.by_id(connection, sweep_id)
        if sweep is None or sweep.state != "RUNNING" or sweep.method != "bayes":
            return
        config = sweep_files.readable(sweep.config)
        if isinstance(config, InputError):
            return
        with self._database.write() as connection:
            settle(connection, sweep)
            if _is_capped(connection, sweep, config):
                return
        with self._database.read() as connection:
            question = _question(connection, sweep, config)
        self._proposals.prepare(question)

    def close(self) -> None:
        """End the search's process."""
        self._proposals.close()

    def end_silent_runs(self, before: float) -> None:
        """End runs that nobody spoke for since a time (seconds since the epoch).

        Their points, and those of other runs that ended without an agent, are brought up to date.
        """
        with self._database.write() as connection:
            runs.end_lost(connection, runs.silent_before(connection, before))
        with self._database.read() as connection:
            unsettled = points.open_sweeps(connection)
        for sweep_id in unsettled:
            with self._database.write() as connection:
                sweep = sweeps.by_id(connection, sweep_id)
                if sweep is not None:
                    settle(connection, sweep)

    def finish_abandoned(self, before: float) -> None:
        """End the sweeps that have nothing left and whose agents fell silent before they heard so.

        Args:
            before: seconds since the epoch; whoever was heard of or changed since is left alone.
        """
        with self._database.read() as connection:
            found = [
                sweep
                for sweep in sweeps.in_state(connection, "RUNNING")
                if max(sweep.heartbeat_at or sweep.updated_at, sweep.updated_at) < before
                and not points.count(connection, sweep.id, *points.OPEN)
            ]
        for sweep in found:
            config = sweep_files.readable(sweep.config)
            if isinstance(config, InputError):
                self._give_up(sweep, config)
            elif self._has_no_more(sweep, config):
                with self._database.write() as connection:
                    current = sweeps.by_id(connection, sweep.id)
                    if current == sweep and not points.count(connection, sweep.id, *points.OPEN):
                        finish(connection, sweep)

    def _has_no_more(self, sweep: Sweep, config: SweepConfig) -> bool:
        with self._database.read() as connection:
            if _is_capped(connection, sweep, config):
                return True
        if not sweep_files.is_finite(config):
            return False
        with self._database.read() as connection:
            question = _question(connection, sweep, config)
        return self._proposals.is_used_up(question)

    def _answer(
        self,
        connection: sa.Connection,
        agent: Agent,
        sweep: Sweep,
        config: SweepConfig | InputError,
        alive: set[str],
    ) -> list[Command] | None:
        """Take in a heartbeat and answer it; null leaves that to the search."""
        now = time.time()
        agents.touch(connection, agent.id, now)
        state = "RUNNING" if sweep.state == "PENDING" else sweep.state
        kept = {"updated_at": sweep.updated_at} if state == sweep.state else {}
        sweeps.update(connection, sweep.id, heartbeat_at=now, state=state, **kept)
        listed = call_roll(connection, agent.id, alive)
        settle(connection, sweep)
        if state == "CANCELED":
            return [Command("exit")]
        if alive:  # one run at a time: the command-line agent would start a second one beside it
            return stops(listed, config, now)
        if state == "FINISHED":
            return [Command("exit")]
        if state == "PAUSED":
            return []
        if isinstance(config, InputError):
            return None
        again = hand_out_again(connection, sweep, agent, points.LOST, config.program)
        return [again] if again else None

    def _give_up(self, sweep: Sweep, reason: InputError) -> list[Command]:
        """End a sweep that cannot be searched; a corrected one may be resumed."""
        _log.warning("sweep %s cannot be searched and has ended: %s", sweep.name, reason)
        with self._database.write() as connection:
            current = sweeps.by_id(connection, sweep.id)
            if current is not None and (current.config, current.state) == (sweep.config, "RUNNING"):
                sweeps.update(connection, sweep.id, state="FINISHED")
        return [Command("exit")]

    def _new_point(self, sweep: Sweep, agent: Agent, config: SweepConfig) -> list[Command]:
        """Hand out what the search proposes, or what is to be done once it has no more."""
        until = time.monotonic() + _WAIT_S
        for _ in range(_MOST_TRIES):
            if not self._proposals.wait(sweep.id, agent.id, until - time.monotonic()):
                return []
            # NotReadyError: it waits from now on; IntegrityError: the point was taken meanwhile
            with contextlib.suppress(NotReadyError, sa.exc.IntegrityError):
                return self._try_new_point(sweep, agent, config, until)
        _log.error("sweep %s: the search repeats points that were handed out", sweep.name)
        return []

    def _try_new_point(
        self, sweep: Sweep, agent: Agent, config: SweepConfig, until: float
    ) -> list[Command]:
        """Hand out a point that is ready now.

        Raises:
            NotReadyError: the model has not proposed one yet.
            sqlalchemy.exc.IntegrityError: it was handed out meanwhile.
        """
        lock = self._locks[sweep.id]
        if not lock.acquire(timeout=max(until - time.monotonic(), 0)):
            return []
        try:
            suggestion = self._suggestion(sweep, agent, config)
            with self._database.write() as connection:
                return self._place(connection, sweep, agent, config, suggestion)
        finally:
            lock.release()

    def _suggestion(self, sweep: Sweep, agent: Agent, config: SweepConfig) -> Suggestion | None:
        with self._database.read() as connection:
            handed_out = (points.count(connection, sweep.id), sweep.config)
            used_up = self._used_up.get(sweep.id) == handed_out
            if used_up or _is_capped(connection, sweep, config):
                return None
            question = _question(connection, sweep, config)
        suggestion = self._proposals.take(question, agent.id)
        if suggestion is None:
            self._used_up[sweep.id] = handed_out
        return suggestion

    def _place(
        self,
        connection: sa.Connection,
        sweep: Sweep,
        agent: Agent,
        config: SweepConfig,
        suggestion: Suggestion | None,
    ) -> list[Command]:
        """Reserve the suggestion for the agent, unless the world changed while the search thought.

        Nothing is commanded if the sweep was paused or ended meanwhile, or if the agent was given
        a run by another answer (a heartbeat that it repeated, having waited too long for this one).
        """
        current = sweeps.by_id(connection, sweep.id)
        if current is None or current.state in (*ENDED, "PAUSED"):
            return []
        if assignments.held(connection, agent.id, set()):
            return []
        settle(connection, current)
        if suggestion is not None and not _is_capped(connection, sweep, config):
            return [hand_out_new(connection, sweep, agent, suggestion, config.program)]
        for state in (points.LOST, points.FAILED):
            again = hand_out_again(connection, sweep, agent, state, config.program)
            if again is not None:
                return [again]
        if points.count(connection, sweep.id, *points.OPEN):
            return []
        finish(connection, current)
        return [Command("exit")]


def _find(connection: sa.Connection, agent_id: int) -> tuple[Agent, Sweep]:
    agent = agents.by_id(connection, agent_id)
    sweep = sweeps.by_id(connection, agent.sweep_id) if agent else None
    if agent is None or sweep is None:
        raise UnknownAgentError("Sweep was deleted or agent was not found.")
    return agent, sweep


def _is_capped(connection: sa.Connection, sweep: Sweep, config: SweepConfig) -> bool:
    return config.run_cap is not None and points.count(connection, sweep.id) >= config.run_cap


def _question(connection: sa.Connection, sweep: Sweep, config: SweepConfig) -> Question:
    so_far = trials(connection, sweep.id, config)
    return Question(sweep.id, sweep.name, config, so_far, _seed(config, sweep))


def _seed(config: SweepConfig, sweep: Sweep) -> int:
    return config.seed if config.seed is not None else zlib.crc32(sweep.name.encode())
