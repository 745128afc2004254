"""A database that cannot be used is told in one line, which holds no password."""

import sys
from contextlib import closing

import pytest

from sweepcnn.errors import SweepcnnError
from sweepcnn.storage.database import Database
from tests.postgresql import PostgreSQL

SECRET = "hunter2"


def refused(url: str) -> str:
    """Give the line that tells why a database is not opened."""
    with pytest.raises(SweepcnnError) as caught:
        Database(url)
    text = str(caught.value)
    assert SECRET not in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"postgresql:/ann:{SECRET}@host/name", "cannot be read"),
        (f"postgresql://ann:{SECRET}@host:port/name", "cannot be read"),
        (f"mysql://ann:{SECRET}@host/name", "'mysql' is neither sqlite nor postgresql"),
        ("sqlite:////no/such/folder/x.db", "unable to open database file"),
        (f"postgresql://ann:{SECRET}@127.0.0.1:1/name", "Connection refused"),
        (f"postgresql://ann:{SECRET}@no-such-host.invalid/name", "no-such-host.invalid"),
    ],
)
def test_a_database_that_is_not_there_is_told(url: str, told: str) -> None:
    assert told in refused(url)


def test_a_wrong_password_is_told_and_not_shown(postgresql: PostgreSQL) -> None:
    role = postgresql.new_guarded_role("right")
    url = postgresql.url("postgres", user=role, password=SECRET)
    assert "password authentication failed" in refused(url)


def test_a_database_of_another_name_is_told(postgresql: PostgreSQL) -> None:
    assert '"nowhere" does not exist' in refused(postgresql.url("nowhere"))


def test_a_role_that_may_not_make_tables_is_told(postgresql: PostgreSQL) -> None:
    role = postgresql.new_guarded_role(SECRET)
    url = postgresql.url("postgres", user=role, password=SECRET)
    assert "permission denied for schema public" in refused(url)


def test_a_missing_driver_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    text = refused(f"postgresql://ann:{SECRET}@127.0.0.1/name")
    assert "pip install 'sweepcnn[postgresql]'" in text


def test_an_encoding_that_lacks_characters_is_told(postgresql: PostgreSQL) -> None:
    other = "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C' ENCODING 'SQL_ASCII'"
    postgresql.command(f"CREATE DATABASE ascii {other}")
    text = refused(postgresql.url("ascii"))
    assert "SQL_ASCII: must be UTF8; make it by `createdb" in text


def test_a_url_may_say_the_wait_for_a_connection(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    with closing(Database(f"{url}&connect_timeout=3")):
        pass
