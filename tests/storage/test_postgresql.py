"""What only PostgreSQL can do to us: connections that end, and writers that vanish."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa

from sweepcnn.storage import projects
from sweepcnn.storage.database import Database
from tests.postgresql import PostgreSQL


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    return postgresql.new_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(Database(url)) as found:
        yield found


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return [project.name for project in projects.of_entity(connection, "ann")]


def test_a_restart_of_the_database_costs_no_later_transaction(
    postgresql: PostgreSQL, database: Database, url: str
) -> None:
    for name in ("p", "q"):
        assert name not in names(database)
        postgresql.cut_connections(url)
        with database.write() as connection:
            projects.get_or_create(connection, "ann", name)
    assert names(database) == ["q", "p"]


def test_a_lost_connection_costs_the_transaction_that_was_open(
    postgresql: PostgreSQL, database: Database, url: str
) -> None:
    def write() -> None:
        with database.write() as connection:
            projects.get_or_create(connection, "ann", "p")
            postgresql.cut_connections(url)
            projects.get_or_create(connection, "ann", "q")

    with pytest.raises(sa.exc.OperationalError):
        write()
    assert names(database) == []


def test_a_writer_whose_connection_is_cut_lets_the_next_one_in(
    postgresql: PostgreSQL, database: Database, url: str
) -> None:
    def wait_for_turn() -> None:
        with closing(Database(url)) as other, other.write() as connection:
            projects.get_or_create(connection, "ann", "p")

    def vanish() -> None:
        with database.write() as connection:
            waiting.start()
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            postgresql.command("SELECT pg_terminate_backend(%s)", pid)

    waiting = threading.Thread(target=wait_for_turn)
    with pytest.raises(sa.exc.OperationalError):
        vanish()
    waiting.join(60)
    assert names(database) == ["p"]


def test_the_tables_of_a_shared_database_may_stand_in_a_schema(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    name = str(sa.make_url(url).database)
    role = postgresql.new_guarded_role("secret")
    postgresql.command(f"CREATE SCHEMA {role} AUTHORIZATION {role}", database=name)
    with closing(Database(postgresql.url(name, user=role, password="secret"))) as database:
        with database.write() as connection:
            projects.get_or_create(connection, "ann", "p")
        assert names(database) == ["p"]
