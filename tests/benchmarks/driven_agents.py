"""Agents of a sweep without W&B's client: what `wandb agent` and its runs say to the server.

A run answers as the client does while the server is down: it sends again what was not answered. A
heartbeat that is not answered is not repeated; the next one is.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.keep_alive import KeepAlive
from tests.benchmarks.load import AGENT, HEARTBEAT, SWEEP, UPSERT

ENTITY, PROJECT = "local", "agents"
_GIVE_UP_S = 60.0
_RETRY_S = 0.1


@dataclass(frozen=True)
class Load:
    """What a fleet of agents does.

    Args:
        agents: how many there are.
        gone: how many of them vanish in the middle of a run, at two fifths of all runs.
        runs: how many end, all in all.
        epochs: of a run, each of which is one request of the file stream.
        epoch_s: the seconds of an epoch.
        beat_s: the seconds between the heartbeats of an agent; W&B's are 5 s.
    """

    agents: int
    gone: int
    runs: int
    epochs: int = 5
    epoch_s: float = 1.0
    beat_s: float = 0.5


@dataclass
class Seen:
    """What the agents have seen."""

    sweep: str = ""
    busy_s: list[float] = field(default_factory=list)
    """How long heartbeats took of agents with a run."""
    asking_s: list[float] = field(default_factory=list)
    """How long heartbeats took of agents without one, which ask for a point."""
    idle_s: list[float] = field(default_factory=list)
    """How long agents were without a run, heartbeats and the time between them counted in."""
    completed: dict[str, Any] = field(default_factory=dict)
    """The points of the runs whose end the server has acknowledged, by the run's name."""
    abandoned: list[str] = field(default_factory=list)
    """The runs that vanished with their agents."""
    unanswered: int = 0
    """The heartbeats that the server did not answer."""


class Fleet:
    """Agents that work on one sweep, until they are told to leave.

    Args:
        url: where the server is, or will be again.
        key: the API key.
        load: what to do.
        config: the sweep file.
        at_half: called once half of the runs have ended.
    """

    def __init__(
        self,
        url: str,
        key: str,
        load: Load,
        config: Mapping[str, Any],
        at_half: Callable[[], Awaitable[None]],
    ) -> None:
        self.url, self.key, self.load = url, key, load
        self.seen = Seen()
        self._config = config
        self._at_half = at_half
        self._half: asyncio.Task[None] | None = None
        self._still_to_go = load.gone

    async def work(self, timeout_s: float) -> Seen:
        """Make the sweep and work until it has no more for anybody.

        Raises:
            TimeoutError: it still has, after so long.
        """
        wire = KeepAlive(self.url, self.key)
        told = await self.ask(wire, SWEEP, config=json.dumps(self._config))
        wire.close()
        self.seen.sweep = told["upsertSweep"]["sweep"]["name"]
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(_Agent(self).live() for _ in range(self.load.agents)))
            if self._half is not None:
                await self._half
        return self.seen

    async def ask(self, wire: KeepAlive, query: str, **variables: Any) -> Any:
        """Give the data of an operation, whatever time it takes the server to be there."""
        known = {"project": PROJECT, "entity": ENTITY}
        body = {"query": query, "variables": known | variables, "operationName": ""}
        return (await self.send(wire, "/graphql", body))["data"]

    async def send(self, wire: KeepAlive, path: str, body: Any) -> Any:
        """Send until there is an answer."""
        request, until = wire.post(path, body), time.monotonic() + _GIVE_UP_S
        while True:
            try:
                return json.loads(await wire.exchange(request))
            except OSError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_RETRY_S)

    def has_to_go(self) -> bool:
        """Choose an agent that vanishes, if another one shall now."""
        if not self._still_to_go or len(self.seen.completed) < self.load.runs * 2 // 5:
            return False
        self._still_to_go -= 1
        return True

    def completed(self, run: str, point: Any) -> None:
        """Note that a run has ended."""
        self.seen.completed[run] = point
        if self._half is None and len(self.seen.completed) >= self.load.runs // 2:
            self._half = asyncio.create_task(_awaited(self._at_half()))


class _Agent:
    """An agent with at most one run."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._id = ""
        self._wire = KeepAlive(fleet.url, fleet.key)
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._idle_since = 0.0
        self._has_gone = False

    async def live(self) -> None:
        try:
            told = await self._fleet.ask(self._wire, AGENT, sweep=self._fleet.seen.sweep)
            self._id = told["createAgent"]["agent"]["id"]
            self._idle_since = time.perf_counter()
            while not self._has_gone:
                for command in await self._beat():
                    if command["type"] == "exit":
                        return
                    self._obey(command)
                await asyncio.sleep(self._fleet.load.beat_s)
                await self._look_after_runs()
        finally:
            for run in self._runs.values():
                run.cancel()
            self._wire.close()

    async def _beat(self) -> list[dict[str, Any]]:
        state = json.dumps(dict.fromkeys(self._runs, True))
        variables = {"id": self._id, "metrics": "{}", "runState": state}
        request = self._wire.post("/graphql", {"query": HEARTBEAT, "variables": variables})
        seen, began = self._fleet.seen, time.perf_counter()
        try:
            answer = json.loads(await self._wire.exchange(request))
        except OSError:
            seen.unanswered += 1
            return []
        taken = time.perf_counter() - began
        (seen.busy_s if self._runs else seen.asking_s).append(taken)
        commands: list[dict[str, Any]] = json.loads(answer["data"]["agentHeartbeat"]["commands"])
        return commands

    def _obey(self, command: dict[str, Any]) -> None:
        run = command["run_id"]
        if command["type"] == "stop":  # a killed process says nothing more
            if run in self._runs:
                self._runs.pop(run).cancel()
            return
        if self._runs:
            raise RuntimeError(f"a second run beside {[*self._runs]}: {command}")
        self._fleet.seen.idle_s.append(time.perf_counter() - self._idle_since)
        point = {key: item["value"] for key, item in command["args"].items()}
        self._runs[run] = asyncio.create_task(_awaited(self._run(run, point)))

    async def _look_after_runs(self) -> None:
        for run, task in list(self._runs.items()):
            if task.done():
                await task  # its failure is ours
                del self._runs[run]
                self._idle_since = time.perf_counter()

    async def _run(self, name: str, point: Mapping[str, Any]) -> None:
        fleet, wire = self._fleet, KeepAlive(self._fleet.url, self._fleet.key)
        config = json.dumps({key: {"value": value} for key, value in point.items()})
        named = {"name": name, "config": config, "sweep": fleet.seen.sweep, "host": "load"}
        try:
            await fleet.ask(wire, UPSERT, **named)
            path = f"/files/{ENTITY}/{PROJECT}/{name}/file_stream"
            for epoch in range(fleet.load.epochs):
                await asyncio.sleep(fleet.load.epoch_s)
                if epoch == fleet.load.epochs // 2 and fleet.has_to_go():
                    fleet.seen.abandoned.append(name)
                    self._has_gone = True
                    return
                await fleet.send(wire, path, _epoch(point, epoch))
            await fleet.send(wire, path, {"complete": True, "exitcode": 0})
        finally:
            wire.close()
        fleet.completed(name, point)


def loss(point: Mapping[str, Any], epoch: int) -> float:
    """Give what a run of a point has come to: a bowl, and a learning curve that falls to it."""
    numbers = [v for v in point.values() if isinstance(v, int | float) and not isinstance(v, bool)]
    depth = sum((math.tanh(number) - 0.3) ** 2 for number in numbers)
    return (
        depth + sum(len(str(v)) % 3 for v in point.values() if isinstance(v, str)) + 1 / (epoch + 1)
    )


def _epoch(point: Mapping[str, Any], epoch: int) -> dict[str, Any]:
    line = json.dumps({"_step": epoch, "epoch": epoch + 1, "loss": loss(point, epoch)})
    return {
        "files": {
            "wandb-history.jsonl": {"offset": epoch, "content": [line]},
            "wandb-summary.json": {"offset": 0, "content": [line]},
        }
    }


async def _awaited(work: Awaitable[None]) -> None:
    await work
