"""An empty database for each test, on SQLite and on PostgreSQL in turn."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweepcnn.storage import urls
from sweepcnn.storage.database import Database
from sweepcnn.storage.tables import metadata
from tests.conftest import DATABASES

NewUrl = Callable[[], str]


@pytest.fixture(scope="session", params=DATABASES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def bare_url(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewUrl:
    """Give a function that makes a database without tables."""
    if kind == "postgresql":
        new: NewUrl = request.getfixturevalue("postgresql").new_database
        return new
    return lambda: f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'test.db'}"


@pytest.fixture(scope="session")
def new_url(kind: str, bare_url: NewUrl, request: pytest.FixtureRequest) -> NewUrl:
    """Give a function that makes a database with empty tables, by copying one."""
    template = bare_url()
    Database(template).close()
    name = str(sa.make_url(template).database)

    def copied() -> str:
        if kind == "postgresql":
            return str(request.getfixturevalue("postgresql").new_database(template=name))
        url = bare_url()
        shutil.copyfile(name, Path(str(sa.make_url(url).database)))
        return url

    return copied


@pytest.fixture(scope="session")
def _emptied(kind: str, new_url: NewUrl) -> NewUrl:
    """Give a function that makes a database with empty tables out of what a test left."""
    if kind == "sqlite":
        return new_url
    url = new_url()
    engine = sa.create_engine(urls.read(url), poolclass=sa.NullPool)
    tables = ", ".join(metadata.tables)

    def empty() -> str:  # a PostgreSQL database is a thousand files, too many for each test
        with engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
        return url

    return empty


@pytest.fixture
def url(_emptied: NewUrl) -> str:
    """Give the URL of a database with empty tables."""
    return _emptied()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(Database(url)) as found:
        yield found


@pytest.fixture(scope="module")
def kept_database(new_url: NewUrl) -> Iterator[Database]:
    """Give one for all examples of a property, each of which makes rows of its own."""
    with closing(Database(new_url())) as found:
        yield found


@pytest.fixture
def writing(database: Database) -> Iterator[sa.Connection]:
    with database.write() as connection:
        yield connection
