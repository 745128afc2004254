"""A generator of load: URL KEY KIND CONNECTIONS REQUESTS; prints each request's seconds."""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from tests.benchmarks.keep_alive import KeepAlive

KINDS = ("heartbeat", "stream", "upsert")
_PROJECT = "load"
UPSERT = """mutation UpsertBucket ($name: String, $project: String, $entity: String,
    $groupName: String, $displayName: String, $config: JSONString, $host: String,
    $program: String, $jobType: String, $sweep: String, $tags: [String!]) {
    upsertBucket(input: {name: $name, groupName: $groupName, modelName: $project,
        entityName: $entity, displayName: $displayName, config: $config, host: $host,
        jobProgram: $program, jobType: $jobType, sweep: $sweep, tags: $tags}) {
      bucket { id name displayName description config sweepName
        project { id name entity { id name } } historyLineCount }
      inserted } }"""
SWEEP = """mutation UpsertSweep($config: String, $project: String, $entity: String) {
    upsertSweep(input: {config: $config, projectName: $project, entityName: $entity}) {
      sweep { name } } }"""
AGENT = """mutation CreateAgent($sweep: String!, $project: String!, $entity: String) {
    createAgent(input: {host: "load", projectName: $project, entityName: $entity, sweep: $sweep}) {
      agent { id } } }"""
HEARTBEAT = """mutation Heartbeat($id: ID!, $metrics: JSONString, $runState: JSONString) {
    agentHeartbeat(input: {id: $id, metrics: $metrics, runState: $runState}) {
      agent { id } commands } }"""
_ENTITY = "local"


class Setup:
    """What has to be there before the load begins, and the requests themselves."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=url, auth=("api", key), timeout=60, trust_env=False)
        self._post = KeepAlive(url, key).post
        self._sweep = ""

    def requests(self, kind: str) -> Iterator[bytes]:
        """Give one connection's requests, without end."""
        match kind:
            case "heartbeat":
                return self._heartbeats()
            case "stream":
                return self._stream()
            case "upsert":
                return self._upserts()
        raise ValueError(f"{kind!r} is none of {KINDS}")

    def _heartbeats(self) -> Iterator[bytes]:
        if not self._sweep:
            config = "method: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"
            data = self._ask(SWEEP, config=config)
            self._sweep = data["upsertSweep"]["sweep"]["name"]
        agent = self._ask(AGENT, sweep=self._sweep)["createAgent"]["agent"]["id"]
        (command,) = json.loads(self._beat(agent, {}))
        self._ask(UPSERT, **_run(command["run_id"], self._sweep))
        state = json.dumps({command["run_id"]: True})
        variables = {"id": agent, "metrics": "{}", "runState": state}
        request = self._graphql(HEARTBEAT, variables)
        while True:
            yield request

    def _beat(self, agent: str, state: dict[str, bool]) -> str:
        data = self._ask(HEARTBEAT, id=agent, metrics="{}", runState=json.dumps(state))
        return str(data["agentHeartbeat"]["commands"])

    def _stream(self) -> Iterator[bytes]:
        name = uuid.uuid4().hex[:8]
        self._ask(UPSERT, **_run(name))
        path = f"/files/{_ENTITY}/{_PROJECT}/{name}/file_stream"
        offset = 0
        while True:
            lines = [json.dumps(_metrics(step)) for step in range(offset, offset + 10)]
            files = {
                "wandb-history.jsonl": {"offset": offset, "content": lines},
                "wandb-summary.json": {"offset": 0, "content": lines[-1:]},
            }
            yield self._post(path, {"files": files})
            offset += 10

    def _upserts(self) -> Iterator[bytes]:
        while True:
            variables = _run(uuid.uuid4().hex[:8]) | {"project": _PROJECT, "entity": _ENTITY}
            yield self._graphql(UPSERT, variables)

    def _ask(self, query: str, **variables: Any) -> Any:
        known = {"project": _PROJECT, "entity": _ENTITY}
        body = {"query": query, "variables": known | variables, "operationName": ""}
        answer = self._http.post("/graphql", json=body).json()
        if answer.get("errors"):
            raise RuntimeError(answer["errors"])
        return answer["data"]

    def _graphql(self, query: str, variables: dict[str, Any]) -> bytes:
        body = {"query": query, "variables": variables, "operationName": ""}
        return self._post("/graphql", body)


def _run(name: str, sweep: str | None = None) -> dict[str, Any]:
    config = {f"key_{index}": {"value": index} for index in range(20)}
    given = {"name": name, "displayName": f"load-{name}", "config": json.dumps(config)}
    return given | {"host": "load", "program": "train.py", "sweep": sweep, "tags": []}


def _metrics(step: int) -> dict[str, float]:
    own = {"_step": step, "_runtime": step * 0.1, "_timestamp": 1.7e9 + step}
    return own | {f"metric_{index}": step * 0.001 + index for index in range(20)}


async def _connection(wire: KeepAlive, requests: Iterator[bytes], times: int) -> list[float]:
    """Send requests one after the other; gives the seconds from each to the end of its answer."""
    found = []
    for _ in range(times):
        request = next(requests)
        started = time.perf_counter()
        await wire.exchange(request)
        found.append(time.perf_counter() - started)
    wire.close()
    return found


async def _load(url: str, key: str, kind: str, connections: int, requests: int) -> dict[str, Any]:
    setup = Setup(url, key)
    sources = [setup.requests(kind) for _ in range(connections)]
    first = [next(source) for source in sources]  # what has to be made is made by now
    del first
    times = max(requests // connections, 1)
    started = time.perf_counter()
    found = await asyncio.gather(*(_connection(KeepAlive(url, key), s, times) for s in sources))
    wall = time.perf_counter() - started
    return {"wall_s": wall, "latencies_s": [each for one in found for each in one]}


if __name__ == "__main__":
    _url, _key, _kind, _connections, _requests = sys.argv[1:]
    print(json.dumps(asyncio.run(_load(_url, _key, _kind, int(_connections), int(_requests)))))
