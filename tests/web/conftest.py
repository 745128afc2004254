"""The pages of a backend with two users, one sweep and one run of another program."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from sweepcnn.scheduler import Scheduler
from sweepcnn.search.worker import SearchWorker
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.app import create_app
from sweepcnn.server.context import Backend
from sweepcnn.storage import agents, assignments, points, projects, run_files, runs, sweeps, users
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database
from sweepcnn.web import pages

SECRET = "s" * 64
KEY = "k" * 40
SCRIPT = "<script>alert(1)</script>"


class _InProcess(httpx.BaseTransport):
    """Calls an application without a socket, one event loop a request."""

    def __init__(self, app: Starlette) -> None:
        self._app = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def answer() -> httpx.Response:
            got = await self._app.handle_async_request(request)
            return httpx.Response(got.status_code, headers=got.headers, content=await got.aread())

        return asyncio.run(answer())


@dataclass(frozen=True)
class Site:
    """A backend's pages, and what is behind them."""

    client: httpx.Client
    database: Database
    blobs: BlobStore

    def log_in(self, key: str = KEY) -> None:
        """Log in as the owner of a key."""
        assert self.client.post("/login", data={"key": key}).status_code == 303

    def page(self, path: str, status: int = 200) -> str:
        """Give the text of a page."""
        answer = self.client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    def add_sweep(self, name: str, *, goal: str = "maximize", project: str = "digits") -> int:
        """Add a sweep for the metric score, with one agent, and give its row id."""
        config = json.dumps({"metric": {"name": "score", "goal": goal}})
        with self.database.write() as connection:
            found, _ = projects.get_or_create(connection, "local", project)
            sweep_id = sweeps.add(
                connection,
                project_id=found.id,
                user_id=1,
                name=name,
                config=config,
                method="bayes",
                state="RUNNING",
            )
            agents.add(connection, sweep_id=sweep_id, user_id=1, name="agent", host="here")
        return sweep_id

    def add_run(
        self,
        name: str,
        *,
        project: str = "digits",
        entity: str = "local",
        sweep: int | None = None,
        point: dict[str, Any] | None = None,
        **values: Any,
    ) -> int:
        """Add a run; a point makes it one that the sweep handed out."""
        for key in ("config", "summary"):
            if key in values:
                values[key] = json.dumps(values[key])
        with self.database.write() as connection:
            found, _ = projects.get_or_create(connection, entity, project)
            row = {"state": "finished", "sweep_id": sweep} | values
            run_id = runs.add(connection, project_id=found.id, user_id=1, name=name, **row)
            if point is not None:
                (agent,) = agents.of_sweep(connection, sweep or 0)
                point_id = points.add(
                    connection,
                    sweep_id=agent.sweep_id,
                    point=json.dumps(point),
                    key=name,
                    origin="bayes",
                )
                assignments.assign(connection, point_id, run_id, agent.id)
        return run_id

    def add_picture(self, run_id: int, name: str) -> bytes:
        """Give a run a picture and return its bytes."""
        buffer = io.BytesIO()
        Image.new("RGB", (4, 4), "red").save(buffer, "PNG")

        async def chunks() -> AsyncIterator[bytes]:
            yield buffer.getvalue()

        blob = asyncio.run(self.blobs.put(chunks(), limit=10_000))
        with self.database.write() as connection:
            run_files.put(connection, run_id, name, blob, "image/png")
        return buffer.getvalue()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    database = Database(f"sqlite:///{tmp_path / 'sweepcnn.db'}")
    with database.write() as connection:
        users.add(connection, "local", KEY, admin=False)
        users.add(connection, "other", "o" * 40, admin=False)
    worker = SearchWorker()
    backend = Backend(
        database=database,
        blobs=BlobStore(tmp_path / "blobs"),
        addresses=Addresses(SECRET),
        scheduler=Scheduler(database, worker),
        secret=SECRET,
    )

    def picture(sha256: str, mimetype: str, name: str) -> str:
        return backend.addresses.download("", sha256, mimetype, name)

    site = pages.routes(database, SECRET, picture)
    app = create_app(backend, pages=site, nowhere=pages.nowhere)
    with httpx.Client(transport=_InProcess(app), base_url="http://testserver") as client:
        yield Site(client, database, backend.blobs)
    worker.close()
    database.close()
