"""What is counted, for Prometheus: counts and durations only, nothing of anybody's work.

Every label has a bounded number of values: routes are templates, and operations and methods are
those of lists; all others are `other`.
"""

import re
import time
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sweepcnn.scheduler.states import STATES
from sweepcnn.storage import counts
from sweepcnn.storage.agents import ALIVE_S
from sweepcnn.storage.database import Database
from sweepcnn.storage.run_states import LIVE

_METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "PATCH")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Blanks, but no ends of lines before the word: many of those would be tried again from each.
_NAME = re.compile(r"^[ \t]*(?:query|mutation)\s+([A-Za-z_]\w{0,63})", re.MULTILINE)
_UPLOADS, _DOWNLOADS = ("/uploads/",), ("/blobs/", "/artifactsV2/")


class Metrics:
    """The counters of one server, in a registry of their own.

    Args:
        database: what states are counted in, whenever somebody asks.
    """

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Now(database))
        ProcessCollector(registry=self._registry)
        self._requests = self._counter(
            "sweepcnn_http_requests", "Requests answered.", "method", "route", "status"
        )
        self._seconds = Histogram(
            "sweepcnn_http_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._operations = self._counter(
            "sweepcnn_graphql_operations", "GraphQL operations executed.", "operation"
        )
        self._stream_lines = self._counter(
            "sweepcnn_stream_lines", "Lines of history, system metrics and console taken in."
        )
        self._stream_bytes = self._counter(
            "sweepcnn_stream_bytes", "Bytes of streams taken in, as they came."
        )
        self._blob_bytes = self._counter(
            "sweepcnn_blob_bytes", "Bytes of files taken in and given out.", "direction"
        )

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self._registry)

    def request(
        self, method: str, route: str, status: int, seconds: float, received: int, sent: int
    ) -> None:
        """Count an answered request; `received` and `sent` are the bytes of its bodies."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if route.startswith(_UPLOADS):
            self._blob_bytes.labels("in").inc(received)
        elif route.startswith(_DOWNLOADS):
            self._blob_bytes.labels("out").inc(sent)
        elif route.endswith("/file_stream"):
            self._stream_bytes.inc(received)

    def operation(self, name: str | None) -> None:
        """Count an operation by its name, if it is one of the client's."""
        self._operations.labels(name if name in known_operations() else "other").inc()

    def stream_lines(self, number: int) -> None:
        """Count lines of streams that were stored."""
        self._stream_lines.inc(number)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Give all of it in the form that a scraper accepts, and the form's content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Now(Collector):
    """What is the case at the moment, read when it is asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._started = time.time()

    def collect(self) -> Iterator[Metric]:
        with self._database.read() as reading:
            of_runs = dict.fromkeys(LIVE, 0) | counts.runs_by_state(reading)
            of_sweeps = dict.fromkeys(STATES, 0) | counts.sweeps_by_state(reading)
            agents = counts.agents_since(reading, time.time() - ALIVE_S)
        for name, found in (("runs", of_runs), ("sweeps", of_sweeps)):
            family = GaugeMetricFamily(f"sweepcnn_{name}", f"{name} by state", labels=["state"])
            for state, count in found.items():
                family.add_metric([state], count)
            yield family
        yield GaugeMetricFamily("sweepcnn_agents_alive", "Agents heard of lately.", agents)
        uptime = time.time() - self._started
        yield GaugeMetricFamily("sweepcnn_uptime_seconds", "Time since the start.", uptime)
        info = GaugeMetricFamily("sweepcnn_info", "The version that runs.", labels=["version"])
        info.add_metric([metadata.version("sweepcnn")], 1)
        yield info


def operation_name(body: object) -> str | None:
    """Give the name of the operation that a GraphQL request asks for; null where it has none."""
    given = body if isinstance(body, dict) else {}
    name, query = given.get("operationName"), given.get("query")
    if isinstance(name, str) and name:
        return name[:64]
    found = _NAME.search(query[:100_000]) if isinstance(query, str) else None
    return found[1] if found else None


@cache
def known_operations() -> frozenset[str]:
    """Give the names of the operations that W&B's clients send."""
    text = resources.files(__package__).joinpath("operations.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
