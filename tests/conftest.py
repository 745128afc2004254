"""No test sees the settings, the cache or the data of who runs it; databases to test on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgresql import PostgreSQL, running_postgresql

DATABASES = ("sqlite", "postgresql")

settings.register_profile("patient", deadline=None)  # no test passes or fails by its speed
settings.load_profile("patient")

# A shell's background job ignores it, and so would all processes that the tests start; W&B's client
# ends a run by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "run the tests of the server on this one alone; default: on SQLite, and some on both"
    parser.addoption("--database", choices=DATABASES, help=text)


def choose_databases(metafunc: pytest.Metafunc, fixture: str) -> None:
    """Choose the databases of a test that uses a fixture, whose parameter is their kind.

    That is SQLite, both where the test is marked `each_database`, or the one asked for.
    """
    if fixture in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("each_database")
        chosen = metafunc.config.getoption("database")
        kinds = [chosen] if chosen else DATABASES if marked else DATABASES[:1]
        metafunc.parametrize(fixture, kinds, indirect=True, scope="session")


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("WANDB_", "SWEEPCNN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SWEEPCNN_CACHE_DIR", str(tmp_path / "own-cache"))
    monkeypatch.setenv("SWEEPCNN_DATA_DIR", str(tmp_path / "own-data"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Give a private server; tests that ask for it are left out where there is none to start."""
    with running_postgresql() as server:
        yield server
