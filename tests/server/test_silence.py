"""A server that watches: runs and sweeps of which nobody speaks any more."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from sweepcnn.scheduler import Scheduler
from sweepcnn.server import app
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.context import Backend
from sweepcnn.storage import agents, projects, runs, sweeps, users
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database
from tests.server.processes import wait_for

CONFIG = {"method": "grid", "parameters": {"x": {"value": 1}}}


def test_what_falls_silent_is_given_up_and_ended_without_anybody_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_SILENCE_CHECK_S", 0.05)
    monkeypatch.setattr(app, "CRASH_AFTER_S", 0.5)
    with closing(Database(f"sqlite:///{tmp_path / 'sweepcnn.db'}")) as database:
        scheduler = Scheduler(database)
        with database.write() as writing:
            users.add(writing, "ann", "k", admin=False)
            project, _ = projects.get_or_create(writing, "ann", "p")
            of = {"project_id": project.id, "user_id": 1}
            config = yaml.safe_dump(CONFIG)
            sweep = sweeps.add(writing, name="s", config=config, method="grid", **of)
            agent = agents.add(writing, sweep_id=sweep, user_id=1, name="a", host="h")
            runs.add(writing, name="by-hand", heartbeat_at=time.time(), **of)
        (command,) = scheduler.heartbeat(agent, set())
        with database.write() as writing:
            given = runs.get(writing, project.id, str(command.run_id))
            assert given is not None
            runs.update(writing, given.id, state="finished", heartbeat_at=time.time())

        def states() -> tuple[str, str]:
            with database.read() as reading:
                by_hand, found = (
                    runs.get(reading, project.id, "by-hand"),
                    sweeps.by_id(reading, sweep),
                )
            assert by_hand is not None
            assert found is not None
            return by_hand.state, found.state

        assert states() == ("running", "RUNNING")
        blobs = BlobStore(tmp_path / "blobs")
        backend = Backend(database, blobs, Addresses("secret"), scheduler, "secret")
        served = app.create_app(backend)

        async def watch() -> None:
            async with served.router.lifespan_context(served):
                await asyncio.to_thread(wait_for, lambda: states() == ("crashed", "FINISHED"))

        asyncio.run(watch())
