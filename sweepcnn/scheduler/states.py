"""The states of a sweep.

PENDING until the first agent comes, then RUNNING; RUNNING and PAUSED go to and fro. FINISHED hands
out nothing more and lets running runs end; CANCELED kills them, and their points are done with. A
user may resume from both: the sweep goes on with what was not settled, and with new points.
"""

import time

import sqlalchemy as sa

from sweepcnn.scheduler.settling import settle
from sweepcnn.storage import runs, sweeps

STATES = ("PENDING", "RUNNING", "PAUSED", "FINISHED", "CANCELED")
ENDED = ("FINISHED", "CANCELED")

# What a user may ask for, and from which states; what is so already may be asked for again,
# for a client repeats a request whose answer was lost. W&B's client refuses the same by itself.
_BY_HAND = {
    "RUNNING": STATES,
    "PAUSED": ("PENDING", "RUNNING", "PAUSED"),
    "FINISHED": ("PENDING", "RUNNING", "PAUSED", "FINISHED"),
    "CANCELED": ("PENDING", "RUNNING", "PAUSED", "CANCELED"),
}


class StateError(Exception):
    """There is no such state, or no way to it."""


def change_state(connection: sa.Connection, sweep: sweeps.Sweep, state: str) -> None:
    """Set a sweep's state at a user's word.

    Raises:
        StateError: there is no such state, or no way to it from the one that it is in.
    """
    state = state.upper()
    if state not in STATES:
        known = ", ".join(_BY_HAND)
        raise StateError(f"sweep state {state[:40]!r} is unknown; use one of {known}")
    if sweep.state not in _BY_HAND.get(state, ()):
        ways = "; ".join(f"to {to} from {', '.join(froms)}" for to, froms in _BY_HAND.items())
        raise StateError(f"a sweep that is {sweep.state} cannot be {state}; possible is {ways}")
    sweeps.update(connection, sweep.id, state=state)
    if state == "CANCELED":
        # The agents kill their runs, and a killed run sends nothing more.
        runs.kill(connection, sweep.id, time.time())
        settle(connection, sweep)


def finish(connection: sa.Connection, sweep: sweeps.Sweep) -> None:
    """End a running sweep of which nothing is left, unless one of its runs still goes on."""
    if sweep.state == "RUNNING" and not runs.count_live(connection, sweep.id):
        sweeps.update(connection, sweep.id, state="FINISHED")
