"""How long it takes to read runs back: lists, samples, pages of a scan, the console."""

import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from sweepcnn.server import history_lines
from sweepcnn.storage import projects, runs, streams, users
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend, running_backend
from tests.benchmarks.measurement import Report, Settings, Spread, cpu_s

_NOTES = (
    "{runs} runs of {steps} steps and {metrics} metrics, the database {size_mb:.0f} MB. list: a "
    "page of 50 runs with configuration, summary and historyKeys, as the public API asks for. "
    "ordered: the first 50 by a metric of the summary, where a filter keeps half. sampled: two "
    "metrics of each of 50 runs, 500 samples, in one request. page: 1,000 steps of one run's "
    "scan_history with all metrics. steps: 100 steps out of the middle of a long run of {long} "
    "steps. console: the last 1,000 of {long} lines. cpu_ms: of the server, a request."
)
_LIST = """query Runs($filters: JSONString, $order: String) { project(name: "read") {
    runCount(filters: $filters) runs(filters: $filters, order: $order, first: 50) { edges { node {
    id name displayName state tags config summaryMetrics systemMetrics historyLineCount historyKeys
    sweepName createdAt heartbeatAt user { name username } } cursor }
    pageInfo { endCursor hasNextPage } } } }"""
_SAMPLED = """query Sampled($filters: JSONString, $specs: [JSONString!]!) { project(name: "read") {
    runs(filters: $filters, first: 50) { edges { node { name sampledHistory(specs: $specs) } } } } }
"""
_PAGE = """query Page($name: String!, $low: Int64, $high: Int64) { project(name: "read") {
    run(name: $name) { history(minStep: $low, maxStep: $high, samples: 1000) } } }"""
_CONSOLE = """query Console { project(name: "read") { run(name: "long") {
    logLines(last: 1000) { edges { node { number timestamp level label line } } } } } }"""


def run(settings: Settings) -> Report:
    """Fill a server's database, then ask each question in turn."""
    sizes = (20, 50, 5, 500) if settings.smoke else (1000, 1000, 20, 200_000)
    urls: dict[str, str | None] = {"sqlite": None}
    if settings.database_url:
        urls |= {"postgresql": settings.database_url}
    found: dict[str, list[float]] = defaultdict(list)
    size_mb = 0.0
    for database, url in urls.items():
        with (
            tempfile.TemporaryDirectory() as name,
            running_backend(Path(name, "data"), database_url=url) as backend,
        ):
            _fill(backend, *sizes)
            size_mb = size_mb or _size_mb(Path(name))
            questions = _questions(sizes[3])
            for repetition in range(settings.repetitions + 1):  # the first is to warm up
                for what in questions if repetition % 2 else reversed(questions):
                    for unit, value in _ask(backend, *questions[what]):
                        if repetition:
                            found[f"{database}_{what}_{unit}"].append(value)
    told = dict(zip(("runs", "steps", "metrics", "long"), sizes, strict=True))
    figures = {name: Spread.of(values) for name, values in found.items()}
    return Report(figures, notes=_NOTES.format(size_mb=size_mb, **told))


def _questions(long: int) -> dict[str, tuple[str, dict[str, Any]]]:
    half = json.dumps({"config.lr": {"$lt": 0.5}})
    spec = json.dumps({"keys": ["_step", "m0", "m1"], "samples": 500})
    scan = {"name": "r7", "low": 0, "high": 1000}
    return {
        "list": (_LIST, {"order": "-created_at"}),
        "ordered": (_LIST, {"filters": half, "order": "-summary_metrics.m0"}),
        "sampled": (_SAMPLED, {"filters": '{"name": {"$ne": "long"}}', "specs": [spec]}),
        "page": (_PAGE, scan),
        "steps": (_PAGE, {"name": "long", "low": long // 2, "high": long // 2 + 100}),
        "console": (_CONSOLE, {}),
    }


def _fill(backend: RunningBackend, count: int, steps: int, metrics: int, long: int) -> None:
    """Write runs as the server does, without the wire between."""
    database = Database(backend.database_url)
    with database.write() as writing:
        user = users.by_name(writing, "local")
        assert user is not None
        project, _ = projects.get_or_create(writing, user.name, "read")
    names = [f"r{number}" for number in range(count)]
    for number, name in enumerate(names):
        config = json.dumps({"lr": {"value": number / count}, "_wandb": {"value": {"t": {}}}})
        lines = _history(number, steps, metrics)
        with database.write() as writing:
            row = runs.add(
                writing, project_id=project.id, user_id=user.id, name=name, config=config
            )
            history_lines.write(writing, row, 0, lines)
            runs.update(writing, row, summary=lines[-1], state="finished")
    with database.write() as writing:
        row = runs.add(writing, project_id=project.id, user_id=user.id, name="long")
        for start in range(0, long, 1000):
            rows = range(start, min(start + 1000, long))
            history_lines.write(writing, row, start, [f'{{"_step": {n}, "m0": {n}}}' for n in rows])
            text = [f'{{"ts": "2026-01-01T00:00:00", "content": "line {n}"}}' for n in rows]
            streams.write(writing, row, streams.CONSOLE, start, text)
    database.close()


def _history(number: int, steps: int, metrics: int) -> list[str]:
    return [
        json.dumps(
            {"_step": step, "_timestamp": 1.7e9 + step, "_runtime": step}
            | {f"m{m}": math.sin(number + step * (m + 1)) for m in range(metrics)}
        )
        for step in range(steps)
    ]


def _ask(
    backend: RunningBackend, query: str, variables: dict[str, Any]
) -> Iterator[tuple[str, float]]:
    """Ask once; gives figures by unit."""
    before = cpu_s(backend.process.pid)
    with httpx.Client(auth=("api", backend.api_key), timeout=300, trust_env=False) as http:
        begun = time.perf_counter()
        answer = http.post(f"{backend.url}/graphql", json={"query": query, "variables": variables})
        wall = time.perf_counter() - begun
    data = answer.json()
    if "errors" in data:
        raise RuntimeError(f"the server refused: {data['errors']}")
    spent = cpu_s(backend.process.pid) - before
    yield "ms", 1000 * wall
    yield "cpu_ms", 1000 * spent
    yield "kb", len(answer.content) / 1000


def _size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
