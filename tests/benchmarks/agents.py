"""A sweep with many agents, some of which vanish, on a server that is killed in the middle.

It ends with all points settled, none of them twice, or the benchmark fails.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sweepcnn.storage import points, projects, runs, sweeps
from sweepcnn.storage.database import Database
from sweepcnn.storage.run_states import LIVE
from tests.benchmarks.driven_agents import ENTITY, PROJECT, Fleet, Load, Seen
from tests.benchmarks.measurement import Report, Settings, Spread, cpu_s
from tests.server.processes import Running, free_port, server_process

SMOKE = Load(agents=4, gone=1, runs=12, epochs=3, epoch_s=0.1, beat_s=0.2)
FULL = Load(agents=50, gone=10, runs=500)
_EIGHT = Load(agents=8, gone=0, runs=120, epoch_s=0.5, beat_s=0.5)
_TIMEOUT_S = 1800.0
_SILENCE_S = 5.0
_IMPATIENT = f"""
from sweepcnn.server import app
app.CRASH_AFTER_S, app._SILENCE_CHECK_S = {_SILENCE_S}, 0.5
"""
_MIXED: dict[str, Any] = {
    **{f"rate_{n}": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1} for n in "ab"},
    **{f"share_{n}": {"min": 0.0, "max": 1.0} for n in "abcd"},
    **{f"count_{n}": {"min": 1, "max": 512} for n in "ab"},
    **{f"kind_{n}": {"values": ["relu", "gelu", "silu", "mish"]} for n in "abcd"},
}
_NOTES = (
    "{load.agents} agents x {load.runs} runs of {load.epochs} epochs of {load.epoch_s:g} s, a "
    "heartbeat each {load.beat_s:g} s (W&B's are 5 s apart), {load.gone} agents gone for good in "
    "the middle of a run (silence is noticed after {silence:g} s), one SIGKILL of the server; 12 "
    "mixed parameters. busy: heartbeats of agents with a run; asking: of those that wait for a "
    "point, 1 s at most. idle: from one run to the next. *_8: 8 agents, none of which vanishes, "
    "a server that lives."
)


def run(settings: Settings) -> Report:
    """Let the agents work on a random and on a bayes sweep; checks all that is promised."""
    urls: dict[str, str | None] = {"sqlite": None}
    if settings.database_url:
        urls |= {"postgresql": settings.database_url}
    load = SMOKE if settings.smoke else FULL
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(settings.repetitions):
        for database, url in urls.items():
            for method in ("random", "bayes"):
                cell = f"{database}_{method}"
                for name, value in story(load, method, database_url=url):
                    found[f"{cell}_{name}"].append(value)
                if not settings.smoke:
                    for name, value in story(_EIGHT, method, database_url=url, is_killed=False):
                        found[f"{cell}_8_{name}"].append(value)
    figures = {name: Spread.of(values) for name, values in found.items()}
    return Report(figures, notes=_NOTES.format(load=load, silence=_SILENCE_S))


class Server:
    """A server that can be killed, and comes back where it was."""

    def __init__(self, folder: Path, database_url: str | None) -> None:
        self.cpu_s = 0.0
        self.starts = 0
        self._folder = folder
        self._words = ["--port", str(free_port())]
        if database_url:
            self._words += ["--database-url", database_url]
        self._stack = ExitStack()
        self.running = self._start()

    @property
    def database_url(self) -> str:
        return (self._words[3:] or [f"sqlite:///{self._folder / 'data' / 'sweepcnn.db'}"])[0]

    def _start(self) -> Running:
        self.starts += 1
        log = self._folder / f"server-{self.starts}.log"
        data = self._folder / "data"
        process = server_process(data, *self._words, settings=_IMPATIENT, log_file=log)
        return self._stack.enter_context(process)

    def kill(self) -> None:
        """End it by SIGKILL and start it again."""
        self.end()
        self.running = self._start()

    def end(self) -> None:
        """End it by SIGKILL."""
        self.cpu_s += cpu_s(self.running.process.pid)
        self.running.process.kill()
        self._stack.close()


def story(
    load: Load, method: str, *, database_url: str | None = None, is_killed: bool = True
) -> Iterator[tuple[str, float]]:
    """Let a fleet work on one sweep, check what is left of it, and give figures."""
    config = {
        "method": method,
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": _MIXED,
        "run_cap": load.runs,
        "program": "train.py",
        "seed": 1,
    }
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name), database_url)

        async def at_half() -> None:
            if is_killed:
                await asyncio.to_thread(server.kill)

        try:
            fleet = Fleet(server.running.url, server.running.api_key, load, config, at_half)
            began = time.perf_counter()
            seen = asyncio.run(fleet.work(_TIMEOUT_S))
            yield "total_s", time.perf_counter() - began
            with server.running.wire().http as http:
                told = http.post("/graphql", json=_question(seen.sweep)).json()["data"]
            _check_wire(load, seen, told["project"]["sweep"])
            origins = _check_database(load, seen, server.database_url)
        finally:
            server.end()
        yield "server_cpu_s", server.cpu_s
        yield from _times(seen)
        yield "random_points", origins["random"]
        yield "model_points", load.runs - origins["random"]


def _question(sweep: str) -> dict[str, Any]:
    query = """query Sweep($entity: String!, $project: String!, $sweep: String!) {
        project(name: $project, entityName: $entity) { sweep(sweepName: $sweep) {
            state runCount runs { edges { node { name state config historyLineCount } } } } } }"""
    return {"query": query, "variables": {"entity": ENTITY, "project": PROJECT, "sweep": sweep}}


def _check_wire(load: Load, seen: Seen, sweep: Any) -> None:
    """Check what people are told at the end."""
    assert sweep["state"] == "FINISHED"
    nodes = {edge["node"]["name"]: edge["node"] for edge in sweep["runs"]["edges"]}
    assert len(nodes) == sweep["runCount"]
    states = Counter(node["state"] for node in nodes.values())
    assert states.keys() <= {"finished", "crashed"}, states
    assert states["finished"] == len(seen.completed)
    assert len(seen.abandoned) == load.gone
    assert all(nodes[name]["state"] == "crashed" for name in seen.abandoned)
    for name, point in seen.completed.items():
        config = {key: item["value"] for key, item in json.loads(nodes[name]["config"]).items()}
        assert nodes[name]["state"] == "finished"
        assert {key: config[key] for key in point} == point
        assert nodes[name]["historyLineCount"] == load.epochs
    distinct = {json.dumps(point, sort_keys=True) for point in seen.completed.values()}
    assert len(distinct) == len(seen.completed), "a point was run twice to its end"


def _check_database(load: Load, seen: Seen, url: str) -> Counter[str]:
    """Check that every point has come to its end; gives how the search came to them."""
    database = Database(url)
    try:
        with database.read() as reading:
            project = projects.get(reading, ENTITY, PROJECT)
            assert project is not None
            sweep = sweeps.get(reading, project.id, seen.sweep)
            assert sweep is not None
            found = points.of_sweep(reading, sweep.id)
            live = [run.name for run in runs.of_sweep(reading, sweep.id) if run.state in LIVE]
    finally:
        database.close()
    assert live == []
    assert len(found) == len({point.key for point in found}) == load.runs
    assert {point.state for point in found} == {points.SETTLED}
    assert len(seen.completed) == load.runs
    return Counter(point.origin.partition(":")[0] for point in found)


def _times(seen: Seen) -> Iterator[tuple[str, float]]:
    for name, values in (("busy", seen.busy_s), ("asking", seen.asking_s), ("idle", seen.idle_s)):
        ordered = sorted(values)
        for share in (50, 99):
            value = ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
            yield f"{name}_p{share}_ms", 1000 * value
    yield "heartbeats", len(seen.busy_s) + len(seen.asking_s)
    yield "unanswered_heartbeats", seen.unanswered
