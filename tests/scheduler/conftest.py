"""A backend without a wire for each test, on SQLite, and on PostgreSQL where it is marked."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweepcnn.storage import urls
from sweepcnn.storage.database import Database
from sweepcnn.storage.tables import metadata
from tests.conftest import choose_databases
from tests.scheduler.house import Clock, House

NewUrl = Callable[[], str]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose_databases(metafunc, "new_url")


@pytest.fixture(scope="session")
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Give a function that gives a database with empty tables; one at a time is in use."""

    def bare() -> str:
        if request.param == "postgresql":
            return str(request.getfixturevalue("postgresql").new_database())
        return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'test.db'}"

    template = bare()
    Database(template).close()
    if request.param == "postgresql":  # each would be a thousand files
        return lambda: _emptied(template)
    name = str(sa.make_url(template).database)

    def copied() -> str:
        url = bare()
        shutil.copyfile(name, Path(str(sa.make_url(url).database)))
        return url

    return copied


def _emptied(url: str) -> str:
    """Empty all tables, which nobody uses any more."""
    engine = sa.create_engine(urls.read(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
    return url


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


@pytest.fixture
def house(new_url: NewUrl, clock: Clock) -> Iterator[House]:
    with closing(Database(new_url())) as database:
        house = House(database, clock)
        yield house
        house.scheduler.close()
