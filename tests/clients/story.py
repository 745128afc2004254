"""What a user does with one version of the client, all at once, and what it gives back."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.backend import RunningBackend, client_environment
from tests.server.client import Client

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Story:
    """What came of it."""

    project: str
    """Of the sweep; the other programs' projects are named after it."""
    read: dict[str, Any]
    """What the public API gave of the sweep and its best run."""
    functions: str
    """The sweep whose runs are calls."""
    resumed: dict[str, Any]
    """Where parts of a run began and ended, and what was refused."""
    commanded: dict[str, Any]
    """A sweep with a prior run, and its states after each of several commands."""
    stopped: str
    """What ended a run that asked the server to be stopped."""


def tell(python: Path, project: str, backend: RunningBackend, folder: Path) -> Story:
    """Run a sweep, a sweep of calls, a run in parts and one without a server; read them back."""
    env = client_environment(backend, folder)
    env["PATH"] = os.pathsep.join([str(python.parent), env["PATH"]])  # for `wandb agent`
    env.pop("PYTHONPATH", None)
    client = Client(env, folder, str(python))
    for program in PROGRAMS.glob("*.py"):
        shutil.copy(program, folder)
    aside = {
        name: client.start(f"{name}.py", f"{project}-{name}")
        for name in ("functions", "resuming", "offline", "commanding", "stopping")
    }
    sweep = client.sweep(_sweep_file(folder, project))
    client.start("-m", "wandb", "agent", sweep).ended()
    for process in aside.values():
        process.ended()
    client.start("-m", "wandb", "sync", _told(folder, "offline")).ended()
    client.start("reading.py", sweep).ended()
    names = ("reading", "functions", "resuming", "commanding", "stopping")
    return Story(project, *(_told(folder, name) for name in names))


def _sweep_file(folder: Path, project: str) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(f"""
        project: {project}
        program: train.py
        method: grid
        metric: {{name: best.loss, goal: minimize}}
        parameters: {{x: {{values: [1, 2, 3]}}}}
    """)
    return file


def _told(folder: Path, program: str) -> Any:
    return json.loads((folder / f"{program}.json").read_text())
