"""Points that were never handed out, and what is to be done once there are no more."""

import contextlib
import logging
import threading
import time
import zlib
from collections import defaultdict

import sqlalchemy as sa

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.commands import Command
from sweepcnn.scheduler.handing_out import hand_out_again, hand_out_new
from sweepcnn.scheduler.proposals import NotReadyError, Proposals
from sweepcnn.scheduler.questions import Question
from sweepcnn.scheduler.settling import settle
from sweepcnn.scheduler.states import ENDED, finish
from sweepcnn.scheduler.trials import trials
from sweepcnn.search import Suggestion
from sweepcnn.storage import assignments, points, sweeps
from sweepcnn.storage.agents import Agent
from sweepcnn.storage.database import Database
from sweepcnn.storage.sweeps import Sweep

_log = logging.getLogger(__name__)
_WAIT_S = 1.0
"""Seconds that a heartbeat waits for a point; the next one comes in 5 s."""
_MOST_TRIES = 20  # points in a row that others took first


class NewPoints:
    """Asks the search and reserves what it answers. Thread-safe.

    Args:
        database: where points are reserved; no transaction is open while the search thinks.
        proposals: the search.
    """

    def __init__(self, database: Database, proposals: Proposals) -> None:
        self._database = database
        self._proposals = proposals
        # One point at a time and sweep, so that each knows of the one before. Nobody thinks under
        # it. The promise that no point is handed out twice does not rest on it but on the database.
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        # Of sweeps whose search has no more: with how many points, by which sweep file.
        self._used_up: dict[int, tuple[int, str]] = {}

    def give(self, sweep: Sweep, agent: Agent, config: SweepConfig) -> list[Command]:
        """Give an idle agent a new point.

        Without one it is given a point that failed in a grid, or it waits for points that may still
        get lost, or it leaves. It also waits while the model thinks.
        """
        until = time.monotonic() + _WAIT_S
        for _ in range(_MOST_TRIES):
            if not self._proposals.wait(sweep.id, agent.id, until - time.monotonic()):
                return []
            # NotReadyError: it waits from now on; IntegrityError: the point was taken meanwhile
            with contextlib.suppress(NotReadyError, sa.exc.IntegrityError):
                return self._try(sweep, agent, config, until)
        _log.error("sweep %s: the search repeats points that were handed out", sweep.name)
        return []

    def prepare(self, sweep: Sweep, config: SweepConfig) -> None:
        """Begin to look for the next point, now that results have come."""
        with self._database.read() as connection:
            if _is_capped(connection, sweep, config):
                return
            question = _question(connection, sweep, config)
        self._proposals.prepare(question)

    def has_more(self, sweep: Sweep, config: SweepConfig) -> bool:
        """Tell whether a sweep has points that were not handed out, without asking a model."""
        with self._database.read() as connection:
            if _is_capped(connection, sweep, config):
                return False
            if not sweep_files.is_finite(config):
                return True
            question = _question(connection, sweep, config)
        return not self._proposals.is_used_up(question)

    def _try(self, sweep: Sweep, agent: Agent, config: SweepConfig, until: float) -> list[Command]:
        """Give a point that is ready now.

        Raises:
            NotReadyError: the model has not proposed one yet.
            sqlalchemy.exc.IntegrityError: it was handed out meanwhile.
        """
        lock = self._locks[sweep.id]
        if not lock.acquire(timeout=max(until - time.monotonic(), 0)):
            return []
        try:
            suggestion = self._ask(sweep, agent, config)
            with self._database.write() as connection:
                return _place(connection, sweep, agent, config, suggestion)
        finally:
            lock.release()

    def _ask(self, sweep: Sweep, agent: Agent, config: SweepConfig) -> Suggestion | None:
        with self._database.read() as connection:
            handed_out = (points.count(connection, sweep.id), sweep.config)
            is_used_up = self._used_up.get(sweep.id) == handed_out
            if is_used_up or _is_capped(connection, sweep, config):
                return None
            question = _question(connection, sweep, config)
        suggestion = self._proposals.take(question, agent.id)
        if suggestion is None:
            self._used_up[sweep.id] = handed_out
            if not handed_out[0]:
                why = "each builds no network or is that of a prior run"
                _log.warning("sweep %s has no point to hand out: %s", sweep.name, why)
        return suggestion


def _place(
    connection: sa.Connection,
    sweep: Sweep,
    agent: Agent,
    config: SweepConfig,
    suggestion: Suggestion | None,
) -> list[Command]:
    """Reserve a suggestion for an agent, unless the world changed while the search thought.

    Nothing is commanded if the sweep was paused, ended or changed meanwhile, or if the agent was
    given a run by another answer (a heartbeat that it repeated, having waited too long for this).
    """
    current = sweeps.by_id(connection, sweep.id)
    if current is None or current.state in (*ENDED, "PAUSED") or current.config != sweep.config:
        return []
    if assignments.held(connection, agent.id, set()):
        return []
    if suggestion is not None and not _is_capped(connection, sweep, config):
        return [hand_out_new(connection, sweep, agent, suggestion, config.program)]
    settle(connection, current)
    for state in (points.LOST, points.FAILED):
        again = hand_out_again(connection, sweep, agent, state, config.program)
        if again is not None:
            return [again]
    if points.count(connection, sweep.id, *points.OPEN):
        return []
    finish(connection, current)
    return [Command("exit")]


def _question(connection: sa.Connection, sweep: Sweep, config: SweepConfig) -> Question:
    seed = config.seed if config.seed is not None else zlib.crc32(sweep.name.encode())
    so_far = trials(connection, sweep.id, config)
    return Question(sweep.id, sweep.name, config, so_far, seed)


def _is_capped(connection: sa.Connection, sweep: Sweep, config: SweepConfig) -> bool:
    return config.run_cap is not None and points.count(connection, sweep.id) >= config.run_cap
