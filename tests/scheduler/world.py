"""A server without a socket: what agents, runs and users do to it, at a time that is told."""

import json
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from sweepcnn.scheduler import Scheduler
from sweepcnn.server import filestream
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.app import CRASH_AFTER_S
from sweepcnn.server.context import Backend, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql import execute
from sweepcnn.storage import points, runs, sweeps, users
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database
from sweepcnn.storage.points import Point
from sweepcnn.storage.runs import Run
from tests.scheduler.house import DirectSearch

ENTITY, PROJECT = "ann", "p"

_SWEEP = """mutation UpsertSweep($input: UpsertSweepInput!) {
    upsertSweep(input: $input) { sweep { id name } configValidationWarnings } }"""
_AGENT = """mutation CreateAgent($input: CreateAgentInput!) {
    createAgent(input: $input) { agent { id } } }"""
_HEARTBEAT = """mutation Heartbeat($id: ID!, $state: JSONString) {
    agentHeartbeat(input: {id: $id, metrics: "{}", runState: $state}) { commands } }"""
_BUCKET = """mutation UpsertBucket($input: UpsertBucketInput!) {
    upsertBucket(input: $input) { bucket { id } } }"""
_FIND = """query Run($p: String, $n: String!) {
    project(name: $p, entityName: "ann") { run(name: $n) { id } } }"""
_STOP = "mutation Stop($id: ID!) { stopRun(input: {id: $id}) { success } }"
_DELETE = "mutation Delete($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"


class RefusedError(Exception):
    """The server refused; the client gives up."""


@dataclass(frozen=True)
class Seen:
    """What the database holds of the sweep at one moment."""

    state: str
    points: dict[str, Point]
    runs: dict[str, Run]
    point_of: dict[str, str]

    def live_at(self, key: str) -> list[str]:
        """List the runs of a point that have not ended."""
        return [name for name, at in self.point_of.items() if at == key and self.is_live(name)]

    def is_live(self, name: str) -> bool:
        return self.runs[name].state in ("pending", "running", "preempting")


class World:
    """A sweep and its server.

    Args:
        url: of an empty database.
        folder: for blobs.
        config: the sweep.
    """

    def __init__(self, url: str, folder: Path, config: dict[str, Any]) -> None:
        self._url, self._folder = url, folder
        self._open()
        with self._backend.database.write() as writing:
            self._user_id = users.add(writing, ENTITY, "k" * 40, admin=False)
        given = {"config": yaml.safe_dump(config), "entityName": ENTITY, "projectName": PROJECT}
        answer = self._ask(_SWEEP, input=given)["upsertSweep"]
        assert answer["configValidationWarnings"] == []
        self._sweep_id, self.sweep = answer["sweep"]["id"], answer["sweep"]["name"]

    def _open(self) -> None:
        database = Database(self._url)
        scheduler = Scheduler(database, DirectSearch())
        blobs = BlobStore(self._folder)
        self._backend = Backend(database, blobs, Addresses("s"), scheduler, "s")
        self._started = time.time()

    def close(self) -> None:
        self._backend.scheduler.close()
        self._backend.database.close()

    def restart(self) -> None:
        """Start the server anew on the same data."""
        self.close()
        self._open()
        self.__dict__.pop("_user", None)

    def look(self) -> Seen:
        with self._backend.database.read() as reading:
            sweep = sweeps.get(reading, 1, self.sweep)
            assert sweep is not None
            by_run = points.by_run(reading, sweep.id)
            found = runs.of_sweep(reading, sweep.id)
            return Seen(
                sweep.state,
                {point.key: point for point in points.of_sweep(reading, sweep.id)},
                {run.name: run for run in found},
                {run.name: by_run[run.id].key for run in found if run.id in by_run},
            )

    # What agents do

    def agent(self) -> str:
        given = {"host": "h", "entityName": ENTITY, "projectName": PROJECT, "sweep": self.sweep}
        return str(self._ask(_AGENT, input=given)["createAgent"]["agent"]["id"])

    def beat(self, agent: str, alive: set[str]) -> list[dict[str, Any]]:
        state = json.dumps(dict.fromkeys(sorted(alive), True))
        answer = self._ask(_HEARTBEAT, id=agent, state=state)
        commands: list[dict[str, Any]] = json.loads(answer["agentHeartbeat"]["commands"])
        return commands

    def given(self, agent: str) -> str:
        """Give the run that an idle agent is handed."""
        (command,) = self.beat(agent, set())
        assert command["type"] == "run"
        return str(command["run_id"])

    # What a run's process does

    def start(self, run: str) -> None:
        """Start or resume a run, as `wandb.init(resume="allow")` in a sweep does."""
        given = {"name": run, "entityName": ENTITY, "modelName": PROJECT, "sweep": self.sweep}
        self._ask(_BUCKET, input=given | {"config": "{}", "displayName": run, "host": "h"})

    def stream(self, run: str, **body: Any) -> bool:
        """Send a request of a run's stream; tells whether the run is to stop."""
        try:
            answer = filestream.receive(self._backend, self._user, ENTITY, PROJECT, run, body)
        except ApiError as error:
            raise RefusedError(str(error)) from None
        return bool(answer["stopped"])

    # What users do

    def command(self, state: str) -> None:
        self._ask(_SWEEP, input={"id": self._sweep_id, "state": state})

    def stop(self, run: str) -> None:
        self._ask(_STOP, id=self._id_of(run))

    def delete(self, run: str) -> None:
        self._ask(_DELETE, id=self._id_of(run))

    # What the server does by itself

    def watch(self) -> None:
        """Give up who has been silent for too long, as the server does every now and then."""
        before = time.time() - CRASH_AFTER_S
        if before > self._started:
            self._backend.scheduler.end_silent_runs(before)
            self._backend.scheduler.finish_abandoned(before)

    @cached_property
    def _user(self) -> users.User:
        with self._backend.database.read() as reading:
            found = users.by_name(reading, ENTITY)
        assert found is not None
        return found

    def _id_of(self, run: str) -> str:
        return str(self._ask(_FIND, p=PROJECT, n=run)["project"]["run"]["id"])

    def _ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        with Request(self._backend, self._user, "http://h") as request:
            status, answer = execute(body, request)
        assert status < 500, answer
        if "errors" in answer:
            raise RefusedError(str(answer["errors"]))
        return answer["data"]
