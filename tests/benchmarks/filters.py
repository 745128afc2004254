"""How long a project's runs take to be filtered, ordered and counted, and to be kept findable."""

import json
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from sweepcnn.storage import projects, runs, streams, sweeps, users
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend, running_backend
from tests.benchmarks.measurement import Report, Settings, Spread, cpu_s

_NOTES = (
    "{runs} runs with 20 config keys, 40 summary keys and {steps} steps each; {requests} requests "
    "a measurement, one after another. ms: median until the answer is here; cpu_ms: of the server, "
    "a request. page: the first 50 by a metric, of those that a config value and the state keep, "
    "with their count. best: Sweep.best_run. update: of a summary of which every value changed, "
    "or none, in the database alone."
)
_PAGE = """query Runs($p: String!, $first: Int, $order: String, $filters: JSONString) {
    project(name: $p) { runCount(filters: $filters)
        runs(filters: $filters, first: $first, order: $order) {
            edges { cursor node { id tags name displayName sweepName state group jobType commit
                readOnly createdAt heartbeatAt description notes user { name username } } }
            pageInfo { endCursor hasNextPage } } } }"""
_COUNT = """query Count($p: String!, $filters: JSONString) {
    project(name: $p) { runCount(filters: $filters) } }"""
_KEPT = {"$and": [{"config.c0.value": {"$gt": 0.2}}, {"state": "finished"}]}
_BY_METRIC = "-summary_metrics.m0"

_REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "page": (_PAGE, {"filters": _KEPT, "order": _BY_METRIC, "first": 50}),
    "best": (_PAGE, {"filters": {"sweep": "swept001"}, "order": _BY_METRIC, "first": 1}),
    "count": (_COUNT, {"filters": _KEPT}),
    "regex": (_COUNT, {"filters": {"display_name": {"$regex": "^r[0-4].*7$"}}}),
}


def run(settings: Settings) -> Report:
    """Measure each request and each update, one server a database."""
    number, steps, requests = (20, 10, 2) if settings.smoke else (1_000, 1_000, 20)
    urls: dict[str, str | None] = {"sqlite": None}
    if settings.database_url:
        urls |= {"postgresql": settings.database_url}
    found: dict[str, list[float]] = defaultdict(list)
    for kind, url in urls.items():
        with (
            tempfile.TemporaryDirectory() as name,
            running_backend(Path(name, "data"), database_url=url) as backend,
        ):
            database = Database(backend.database_url)
            project = _fill(database, number, steps)
            for repetition in range(settings.repetitions + 1):  # the first is to warm up
                for figure, value in _measure(backend, database, project, requests):
                    if repetition:
                        found[f"{kind}.{figure}"].append(value)
            database.close()
    notes = _NOTES.format(runs=number, steps=steps, requests=requests)
    return Report({name: Spread.of(values) for name, values in found.items()}, notes=notes)


def _fill(database: Database, number: int, steps: int) -> projects.Project:
    """Make a project of runs, half of them of a sweep."""
    chance = random.Random(0)
    lines = [json.dumps({"_step": step, "m0": step / steps}) for step in range(steps)]
    with database.write() as writing:
        user = users.by_name(writing, "local")
        assert user is not None
        project, _ = projects.get_or_create(writing, "local", f"filters{time.time_ns()}")
        of = {"project_id": project.id, "user_id": user.id}
        sweep = sweeps.add(writing, **of, name="swept001", config="", method="random")
    for index in range(number):
        with database.write() as writing:
            run_id = runs.add(
                writing,
                **of,
                name=f"r{index}",
                sweep_id=sweep if index % 2 else None,
                state="finished" if index % 3 else "running",
                config=json.dumps({f"c{key}": {"value": chance.random()} for key in range(20)}),
                summary=_summary(chance.random()),
            )
            streams.write(writing, run_id, streams.HISTORY, 0, lines)
    return project


def _summary(value: float) -> str:
    return json.dumps({f"m{key}": value + key for key in range(40)})


def _measure(
    backend: RunningBackend, database: Database, project: projects.Project, requests: int
) -> Iterator[tuple[str, float]]:
    with httpx.Client(auth=("api", backend.api_key), timeout=60, trust_env=False) as http:
        for name, (query, given) in _REQUESTS.items():
            variables = given | {"p": project.name, "filters": json.dumps(given["filters"])}
            before, seconds = cpu_s(backend.process.pid), []
            for _ in range(requests):
                began = time.perf_counter()
                body = {"query": query, "variables": variables}
                answer = http.post(f"{backend.url}/graphql", json=body).raise_for_status().json()
                seconds.append(time.perf_counter() - began)
                assert "errors" not in answer, answer
            yield f"{name}.ms", 1000 * statistics.median(seconds)
            yield f"{name}.cpu_ms", 1000 * (cpu_s(backend.process.pid) - before) / requests
    with database.write() as writing:
        updated = runs.get(writing, project.id, "r0")
        assert updated is not None
        for name, changes in (("update_of_all", True), ("update_of_none", False)):
            values = [float(number if changes else -1) for number in range(requests)]
            yield f"{name}.ms", 1000 * statistics.median(_updates(writing, updated.id, values))


def _updates(writing: sa.Connection, run_id: int, values: list[float]) -> list[float]:
    """Give the seconds that a summary's update takes for each of these."""
    runs.update(writing, run_id, summary=_summary(-1.0))
    found = []
    for value in values:
        began = time.perf_counter()
        runs.update(writing, run_id, summary=_summary(value))
        found.append(time.perf_counter() - began)
    return found
