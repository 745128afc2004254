"""Line-addressed streams: a line may be written again, and the last writing counts."""

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.storage import projects, runs, streams, users
from sweepcnn.storage.database import Database

# NUL is another matter: PostgreSQL cannot hold it.
lines_of_text = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))
writes = st.lists(st.tuples(st.integers(0, 12), lines_of_text), max_size=8)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path_factory.mktemp('storage') / 'test.db'}")
    with found.write() as connection:
        users.add(connection, "ann", "k" * 40, admin=False)
        projects.get_or_create(connection, "ann", "p")
    yield found
    found.close()


def new_run(connection: sa.Connection) -> int:
    return runs.add(connection, project_id=1, user_id=1, name=f"r{time.monotonic_ns()}")


@given(writes, st.booleans())
def test_lines_read_back_as_last_written_and_resent_ones_change_nothing(
    database: Database, parts: list[tuple[int, list[str]]], resend: bool
) -> None:
    expected: dict[int, str] = {}
    with database.write() as connection:
        run = new_run(connection)
        for offset, lines in parts:
            for _ in range(1 + resend):
                streams.write(connection, run, streams.HISTORY, offset, lines)
            expected |= {offset + index: line for index, line in enumerate(lines)}
        in_order = [expected[line] for line in sorted(expected)]
        assert streams.read(connection, run, streams.HISTORY) == in_order
        assert streams.count(connection, run, streams.HISTORY) == max(expected, default=-1) + 1
        assert streams.last(connection, run, streams.HISTORY) == (
            in_order[-1] if in_order else None
        )
        assert streams.read(connection, run, streams.CONSOLE) == []


def test_a_nul_becomes_the_character_for_what_cannot_be_shown(database: Database) -> None:
    with database.write() as connection:
        run = new_run(connection)
        streams.write(connection, run, streams.CONSOLE, 0, ["a\0b"])
        assert streams.read(connection, run, streams.CONSOLE) == ["a\ufffdb"]


def test_streams_of_two_runs_are_apart(database: Database) -> None:
    with database.write() as connection:
        one, other = new_run(connection), new_run(connection)
        streams.write(connection, one, streams.EVENTS, 0, ["a"])
        streams.write(connection, other, streams.EVENTS, 0, ["b"])
        assert streams.read(connection, one, streams.EVENTS) == ["a"]
