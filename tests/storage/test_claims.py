"""One server at a time has a PostgreSQL database."""

import os
from contextlib import closing

import pytest

from sweepcnn.errors import InputError
from sweepcnn.storage.claims import Claim, ClaimedError
from sweepcnn.storage.database import Database
from tests.postgresql import PostgreSQL
from tests.server.processes import wait_for


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    return postgresql.new_database()


def is_claimed(url: str) -> bool:
    try:
        Claim(url, wait_s=0.2).release()
    except ClaimedError:
        return True
    return False


def test_a_claimed_database_is_refused_until_it_is_released(
    postgresql: PostgreSQL, url: str
) -> None:
    first = Claim(url)
    with pytest.raises(ClaimedError) as error:
        Claim(url, wait_s=0.01)
    assert error.value.holder.startswith(f"process {os.getpid()} on ")
    Claim(postgresql.new_database()).release()
    with closing(Database(url)) as database, database.write():
        pass
    first.release()
    Claim(url).release()


def test_a_claim_whose_connection_was_cut_is_made_again(postgresql: PostgreSQL, url: str) -> None:
    first = Claim(url, check_s=0.01)
    postgresql.cut_connections(url)
    wait_for(lambda: is_claimed(url))
    first.release()


def test_two_schemas_of_a_database_are_two_places(postgresql: PostgreSQL, url: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    for schema in ("one", "two"):
        postgresql.command(f"CREATE SCHEMA {schema}", database=name)
    places = [f"{url}&options=-c%20search_path%3D{schema}" for schema in ("one", "two")]
    claims = [Claim(place) for place in places]
    assert [is_claimed(place) for place in [*places, url]] == [True, True, False]
    for claim in claims:
        claim.release()


def test_a_database_that_cannot_be_used_is_told_without_its_password(
    postgresql: PostgreSQL,
) -> None:
    with pytest.raises(InputError) as error:
        Claim(postgresql.url("nowhere", password="secret"))
    assert "nowhere" in str(error.value)
    assert "secret" not in str(error.value)
