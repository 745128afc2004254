"""The states of a sweep.

PENDING until the first agent comes, then RUNNING; RUNNING and PAUSED go to and fro. FINISHED hands
out nothing more and lets running runs end; CANCELED ends them too. A user may resume from both.
"""

import sqlalchemy as sa

from sweepcnn.storage import runs, sweeps

STATES = ("PENDING", "RUNNING", "PAUSED", "FINISHED", "CANCELED")
ENDED = ("FINISHED", "CANCELED")


class StateError(Exception):
    """The state is unknown."""


def change_state(connection: sa.Connection, sweep: sweeps.Sweep, state: str) -> None:
    """Set a sweep's state at a user's word.

    Raises:
        StateError: there is no such state.
    """
    state = state.upper()
    if state not in STATES:
        raise StateError(f"sweep state {state} is unknown; use one of {', '.join(STATES)}")
    sweeps.update(connection, sweep.id, state=state)
    if state == "CANCELED":
        # The agents kill their runs, and a killed run sends nothing more.
        live = [run.id for run in runs.of_sweep(connection, sweep.id)]
        runs.end(connection, live, "killed")
