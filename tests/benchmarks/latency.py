"""How long the three frequent requests take, at 1, 16 and 64 connections that never pause."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tests.backend import RunningBackend, running_backend
from tests.benchmarks.load import KINDS
from tests.benchmarks.measurement import Report, Settings, Spread, cpu_s

_CONNECTIONS = (1, 16, 64)
_REQUESTS = 640
_TIMEOUT_S = 600.0
_NOTES = (
    "{requests} requests a measurement over keep-alive connections, each of which sends its next "
    "request when it has the answer to the last; the generator is a process of its own on the "
    "same machine, so at 16 and 64 connections the server is saturated. heartbeat: an agent that "
    "names its running run. stream: 10 lines of history with 20 metrics. upsert: a new run with a "
    "configuration of 20 keys. cpu_ms: of the server, a request."
)


def run(settings: Settings) -> Report:
    """Measure every request at every number of connections, one server a database."""
    requests = 64 if settings.smoke else _REQUESTS
    urls: dict[str, str | None] = {"sqlite": None}
    if settings.database_url:
        urls |= {"postgresql": settings.database_url}
    found: dict[str, list[float]] = defaultdict(list)
    for database, url in urls.items():
        with (
            tempfile.TemporaryDirectory() as name,
            running_backend(Path(name, "data"), database_url=url) as backend,
        ):
            cells = list(product(KINDS, _CONNECTIONS))
            for kind, connections in cells:  # to warm up
                _measure(backend, kind, connections, connections)
            for repetition in range(settings.repetitions):
                for kind, connections in cells if repetition % 2 == 0 else reversed(cells):
                    cell = f"{database}_{kind}_{connections}"
                    for what, value in _measure(backend, kind, connections, requests):
                        found[f"{cell}_{what}"].append(value)
    figures = {name: Spread.of(values) for name, values in found.items()}
    return Report(figures, notes=_NOTES.format(requests=requests))


def _measure(
    backend: RunningBackend, kind: str, connections: int, requests: int
) -> Iterator[tuple[str, float]]:
    """Run the generator once; gives figures by name and unit."""
    words = ["-m", "tests.benchmarks.load", backend.url, backend.api_key, kind]
    before = cpu_s(backend.process.pid)
    done = subprocess.run(
        [sys.executable, *words, str(connections), str(requests)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the generator failed: {done.stderr}")
    told = json.loads(done.stdout)
    seconds = sorted(told["latencies_s"])
    yield "median_ms", 1000 * statistics.median(seconds)
    yield "p99_ms", 1000 * seconds[min(len(seconds) - 1, int(0.99 * len(seconds)))]
    yield "per_s", len(seconds) / told["wall_s"]
    yield "cpu_ms", 1000 * (cpu_s(backend.process.pid) - before) / len(seconds)
