"""What an agent's list of live runs says about the runs that it was given."""

import sqlalchemy as sa

from sweepcnn.config import SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.scheduler.commands import Command
from sweepcnn.storage import assignments, run_states, runs
from sweepcnn.storage.assignments import Held
from sweepcnn.storage.run_states import CRASHED, LIVE, PENDING, PREEMPTED

GRACE_S = 25.0
"""Seconds that the process of a command has to end by itself, once its stream said that it is to
stop: it asks every 15 s. Its agent would kill it, with what it has not sent."""
_OVER = (run_states.FINISHED, run_states.FAILED)


def call_roll(connection: sa.Connection, agent_id: int, alive: set[str]) -> list[Held]:
    """Take in which runs an agent has alive; give those of them that are its own.

    A run that the agent was given with its last answer is listed by now, even if it is still
    starting; one that has ended well has said so before its process ended. So a live run that is
    not listed is lost, be it that the answer was, and one that was given up for its silence lives.
    """
    held = assignments.held(connection, agent_id, alive)
    runs.end_lost(connection, [run for run in held if run.state in LIVE and run.name not in alive])
    listed = [run for run in held if run.name in alive]
    for run in listed:
        if run.state in (CRASHED, PREEMPTED) and run.exit_code is None:
            state = PENDING if run.heartbeat_at is None else run_states.heard(run.state)
            runs.update(connection, run.id, state=state)
    return listed


def stops(listed: list[Held], config: SweepConfig | InputError, now: float) -> list[Command]:
    """Tell an agent which of its live runs to stop, with every heartbeat until they are gone.

    Args:
        listed: its runs that are alive.
        config: of the sweep.
        now: seconds since the epoch.
    """
    is_function = isinstance(config, SweepConfig) and not (config.program or config.command)
    grace_s = 0.0 if is_function else GRACE_S  # a function heeds nothing but its agent
    return [
        Command("stop", run.name)
        for run in listed
        if run.stop_requested
        and run.state not in _OVER
        and now - (run.stop_requested_at or 0) >= grace_s
    ]
