"""Logging through the real client: to our backend, in turn with `WANDB_MODE=offline`."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.backend import RunningBackend, client_environment, running_backend
from tests.benchmarks.measurement import Report, Settings, Spread, alternate, cpu_s

_RUNS, _STEPS = 20, 500
_TIMEOUT_S = 600.0
_NOTES = (
    "One process logs {runs} runs x {steps} steps x 5 metrics, one run after the other. wall_s: "
    "from the first init to the last finish. client_cpu_s: the process and wandb-core. The ratio "
    "is the offline client's CPU seconds over those of the online client and the server together; "
    "wall_ratio is offline over online."
)


@dataclass(frozen=True)
class _Cost:
    wall_s: float
    client_cpu_s: float
    server_cpu_s: float = 0.0

    @property
    def cpu_s(self) -> float:
        return self.client_cpu_s + self.server_cpu_s


def run(settings: Settings) -> Report:
    """Measure both sides against one server, each time in a project of its own."""
    runs, steps = (2, 5) if settings.smoke else (_RUNS, _STEPS)
    with tempfile.TemporaryDirectory() as name, running_backend(Path(name, "data")) as backend:
        folders = (Path(name, f"client-{number}") for number in count())

        def online() -> _Cost:
            return _log(backend, next(folders), runs, steps, "online")

        def offline() -> _Cost:
            return _log(backend, next(folders), runs, steps, "offline")

        ours, reference = alternate([online, offline], settings.repetitions)
    pairs = list(zip(ours, reference, strict=True))
    figures = {
        "wall_ratio": Spread.of([other.wall_s / own.wall_s for own, other in pairs]),
        "online_wall_s": Spread.of([cost.wall_s for cost in ours]),
        "offline_wall_s": Spread.of([cost.wall_s for cost in reference]),
        "online_client_cpu_s": Spread.of([cost.client_cpu_s for cost in ours]),
        "offline_client_cpu_s": Spread.of([cost.client_cpu_s for cost in reference]),
        "server_cpu_s": Spread.of([cost.server_cpu_s for cost in ours]),
    }
    ratio = Spread.of([other.cpu_s / own.cpu_s for own, other in pairs])
    return Report(figures, ratio, _NOTES.format(runs=runs, steps=steps))


def _log(backend: RunningBackend, folder: Path, runs: int, steps: int, mode: str) -> _Cost:
    """Run one client; its files lie in a folder, whose name is that of its project."""
    folder.mkdir()
    before = cpu_s(backend.process.pid)
    words = ["-m", "tests.benchmarks.ingest_client", folder.name, str(runs), str(steps)]
    done = subprocess.run(
        [sys.executable, *words],
        env=client_environment(backend, folder) | {"WANDB_MODE": mode},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the client failed: {done.stderr}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    spent = cpu_s(backend.process.pid) - before if mode == "online" else 0.0
    return _Cost(told["wall_s"], told["cpu_s"], spent)
