"""Answers agents: which run to start, which to stop, when to leave."""

import logging
import time
from dataclasses import replace

import sqlalchemy as sa

from sweepcnn.config import SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.commands import Command
from sweepcnn.scheduler.handing_out import hand_out_again
from sweepcnn.scheduler.new_points import NewPoints
from sweepcnn.scheduler.proposals import Proposals, Search
from sweepcnn.scheduler.roll_call import call_roll, stops
from sweepcnn.scheduler.settling import settle
from sweepcnn.scheduler.states import finish
from sweepcnn.search.worker import SearchWorker
from sweepcnn.storage import agents, points, runs, sweeps
from sweepcnn.storage.agents import Agent
from sweepcnn.storage.assignments import Held
from sweepcnn.storage.database import Database
from sweepcnn.storage.sweeps import Sweep

_log = logging.getLogger(__name__)


class UnknownAgentError(Exception):
    """The agent, or its sweep, was deleted or never was."""


class Scheduler:
    """Hands out the points of all sweeps. Thread-safe.

    All that must not be lost is in the database.

    Args:
        database: where sweeps, agents and runs are kept.
        search: may take its time, for no request waits for it; null is our own, in a process of
            its own.
    """

    def __init__(self, database: Database, search: Search | None = None) -> None:
        self._database = database
        self._proposals = Proposals(search or SearchWorker())
        self._new_points = NewPoints(database, self._proposals)

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
            _, sweep = _find(connection, agent_id)
        sweep_files.readable(sweep.config)  # a new one is read here, and remembered: others wait
        with self._database.write() as connection:
            agent, sweep = _find(connection, agent_id)
            config = sweep_files.readable(sweep.config)
            sweep, listed = _take_in(connection, agent, sweep, alive)
            commands = _answer(connection, agent, sweep, config, listed, is_idle=not alive)
        if commands is not None:
            return commands
        if isinstance(config, InputError):
            return self._give_up(sweep, config)
        return self._new_points.give(sweep, agent, config)

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
        self._new_points.prepare(sweep, config)

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
                if max(sweep.heartbeat_at or 0, sweep.updated_at) < before
                and not points.count(connection, sweep.id, *points.OPEN)
            ]
        for sweep in found:
            try:
                self._finish_if_over(sweep)
            except Exception:  # noqa: BLE001 - of one sweep's search; the others go on
                _log.exception("sweep %s: nobody knows whether it has points left", sweep.name)

    def _finish_if_over(self, sweep: Sweep) -> None:
        config = sweep_files.readable(sweep.config)
        if isinstance(config, InputError):
            self._give_up(sweep, config)
        elif not self._new_points.has_more(sweep, config):
            with self._database.write() as connection:
                if sweeps.by_id(connection, sweep.id) == sweep:
                    finish(connection, sweep)

    def _give_up(self, sweep: Sweep, reason: InputError) -> list[Command]:
        """End a sweep that cannot be searched; a corrected one may be resumed."""
        _log.warning("sweep %s cannot be searched and has ended: %s", sweep.name, reason)
        with self._database.write() as connection:
            current = sweeps.by_id(connection, sweep.id)
            if current is not None and (current.config, current.state) == (sweep.config, "RUNNING"):
                sweeps.update(connection, sweep.id, state="FINISHED")
        return [Command("exit")]


def _find(connection: sa.Connection, agent_id: int) -> tuple[Agent, Sweep]:
    agent = agents.by_id(connection, agent_id)
    sweep = sweeps.by_id(connection, agent.sweep_id) if agent else None
    if agent is None or sweep is None:
        raise UnknownAgentError("Sweep was deleted or agent was not found.")
    return agent, sweep


def _take_in(
    connection: sa.Connection, agent: Agent, sweep: Sweep, alive: set[str]
) -> tuple[Sweep, list[Held]]:
    """Take in a heartbeat; gives the sweep as it is now, and the agent's runs that are alive."""
    now = time.time()
    agents.touch(connection, agent.id, now)
    if sweep.state == "PENDING":
        sweep = replace(sweep, state="RUNNING", updated_at=now)
    changed = {"heartbeat_at": now, "state": sweep.state, "updated_at": sweep.updated_at}
    sweeps.update(connection, sweep.id, **changed)
    listed = call_roll(connection, agent.id, alive)
    settle(connection, sweep)
    return sweep, listed


def _answer(
    connection: sa.Connection,
    agent: Agent,
    sweep: Sweep,
    config: SweepConfig | InputError,
    listed: list[Held],
    *,
    is_idle: bool,
) -> list[Command] | None:
    """Answer a heartbeat; null leaves that to the search."""
    if sweep.state == "CANCELED":
        return [Command("exit")]
    if not is_idle:  # one run at a time: the command-line agent would start a second one beside it
        return stops(listed, config, time.time())
    if sweep.state == "FINISHED":
        return [Command("exit")]
    if sweep.state == "PAUSED":
        return []
    if isinstance(config, InputError):
        return None
    again = hand_out_again(connection, sweep, agent, points.LOST, config.program)
    return [again] if again else None
