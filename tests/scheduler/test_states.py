"""What a user may make of a sweep, and from which states."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweepcnn.scheduler import StateError, change_state
from sweepcnn.scheduler.states import STATES
from sweepcnn.storage import projects, sweeps, users
from sweepcnn.storage.database import Database

WAYS = {
    "RUNNING": {"PENDING", "RUNNING", "PAUSED", "FINISHED", "CANCELED"},
    "PAUSED": {"PENDING", "RUNNING", "PAUSED"},
    "FINISHED": {"PENDING", "RUNNING", "PAUSED", "FINISHED"},
    "CANCELED": {"PENDING", "RUNNING", "PAUSED", "CANCELED"},
    "PENDING": set(),
}
_numbers = count(1)


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[sa.Connection]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.write() as connection:
        users.add(connection, "ann", "k", admin=False)
        yield connection
    database.close()


def sweep_in(connection: sa.Connection, state: str) -> sweeps.Sweep:
    project, _ = projects.get_or_create(connection, "ann", "p")
    of = {"project_id": project.id, "user_id": 1, "name": f"s{next(_numbers)}"}
    row = sweeps.add(connection, config="method: grid", method="grid", state=state, **of)
    return after(connection, row)


def after(connection: sa.Connection, row: int) -> sweeps.Sweep:
    found = sweeps.by_id(connection, row)
    assert found is not None
    return found


@pytest.mark.parametrize("wanted", STATES)
@pytest.mark.parametrize("state", STATES)
def test_a_sweep_gets_to_a_state_where_there_is_a_way(
    writing: sa.Connection, state: str, wanted: str
) -> None:
    sweep = sweep_in(writing, state)
    if state in WAYS[wanted]:
        change_state(writing, sweep, wanted.lower())
        assert after(writing, sweep.id).state == wanted
    else:
        with pytest.raises(StateError, match=f"that is {state} cannot be {wanted}; possible is"):
            change_state(writing, sweep, wanted)
        assert after(writing, sweep.id).state == state


def test_an_unknown_state_is_told_with_those_that_there_are(writing: sa.Connection) -> None:
    told = "sweep state 'SLEEPING' is unknown; use one of RUNNING, PAUSED, FINISHED, CANCELED"
    with pytest.raises(StateError, match=told):
        change_state(writing, sweep_in(writing, "RUNNING"), "sleeping")
