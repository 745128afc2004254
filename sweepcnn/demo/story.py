"""Runs the demo: every step by the commands that a user would type, in processes of their own."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepcnn.errors import Problem, WorkError
from sweepcnn.tracking.reading import BestRun, download_checkpoint, download_pictures, find_best

if TYPE_CHECKING:
    import wandb

RUNS = 8
_START_TIMEOUT_S = 60.0
_SWEEP_TIMEOUT_S = 120.0
_CANCEL_TIMEOUT_S = 30.0  # the agent asks every 5 s
_POLL_S = 1.0

Tell = Callable[[str], None]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Told:
    """How the demo ended."""

    best: BestRun
    page: str
    pictures: list[Path]


@contextmanager
def backend(folder: Path) -> Iterator[dict[str, str]]:
    """Run `sweepcnn server` on a free port; gives what it announces.

    Raises:
        WorkError: it does not come up.
    """
    command = [sys.executable, "-m", "sweepcnn", "server", "--port", "0", "--json"]
    command += ["--data-dir", str(folder / "server")]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        watchdog = threading.Timer(_START_TIMEOUT_S, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line:
            raise _failed("sweepcnn server", folder / "server.log")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait()


def environment(folder: Path, url: str, api_key: str) -> dict[str, str]:
    """Give an environment in which W&B's client knows our backend and nothing else.

    No WANDB_* variable of the caller is kept, and what the client writes stays in the folder:
    netrc, settings, cache and runs.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("WANDB_") and key != "SWEEPCNN_DATASET"
    }
    own_folders = ("CONFIG_DIR", "CACHE_DIR", "DATA_DIR", "ARTIFACT_DIR")
    return kept | {
        "WANDB_BASE_URL": url,
        "WANDB_API_KEY": api_key,
        "NETRC": str(folder / "netrc"),
        # The sweep's command is `sweepcnn`, also where its environment is not activated.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "WANDB_DIR": str(folder),
        **{f"WANDB_{name}": str(folder / "client") for name in own_folders},
    }


def tell(folder: Path, announced: Mapping[str, str], say: Tell, progress: Progress) -> Told:
    """Sweep the digits, find the best run and fetch its checkpoint and pictures.

    Replaces this process's environment, for it reads the results as a user would.

    Args:
        folder: for everything that is written.
        announced: what the backend announced.
        say: told each command before it runs.
        progress: told runs ended, runs in all, and the best value so far.

    Raises:
        WorkError: a step failed; names its log.
    """
    own = environment(folder, announced["url"], announced["api_key"])
    for key in os.environ.keys() - own.keys():
        del os.environ[key]
    os.environ.update(own)
    sweep_path = _create_sweep(folder, say)
    _run_agent(folder, sweep_path, say, progress)
    entity, project, sweep = sweep_path.split("/")
    say(f"sweepcnn best --project {project} --sweep {sweep} --download {folder / 'best'}")
    best = find_best(project, entity=entity, sweep=sweep, metric=None)
    if best.checkpoint:
        checkpoint = download_checkpoint(best.checkpoint, folder / "best")
        best = replace(best, checkpoint=str(checkpoint))
    pictures = download_pictures(f"{entity}/{project}/{best.run_id}", folder / "best")
    return Told(best, f"{announced['url']}/{entity}/{project}/sweeps/{sweep}", pictures)


def _create_sweep(folder: Path, say: Tell) -> str:
    """Create the sweep by `wandb sweep` and give its path, entity/project/id."""
    file = folder / "digits.yaml"
    file.write_text(resources.files(__package__).joinpath("digits.yaml").read_text("utf-8"))
    say(f"wandb sweep {file}")
    command = [sys.executable, "-m", "wandb", "sweep", str(file)]
    log = folder / "sweep.log"
    with log.open("w") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, timeout=_SWEEP_TIMEOUT_S, check=False
        )
    found = re.search(r"wandb agent (\S+/\S+/\w+)", log.read_text())
    if done.returncode or found is None:
        raise _failed("wandb sweep", log)
    return found[1]


def _run_agent(folder: Path, sweep_path: str, say: Tell, progress: Progress) -> None:
    """Run `wandb agent` until the sweep has ended, and tell how far it is."""
    import wandb

    say(f"wandb agent {sweep_path}")
    command = [sys.executable, "-m", "wandb", "agent", sweep_path]
    log = folder / "agent.log"
    with log.open("w") as output:
        # A session of its own: Ctrl-C reaches us alone, and we end it in good order.
        agent = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=folder, start_new_session=True
        )
    try:
        api = wandb.Api()
        while agent.poll() is None:
            _tell_progress(api, sweep_path, progress)
            time.sleep(_POLL_S)
        _tell_progress(api, sweep_path, progress)
    finally:
        if agent.poll() is None:
            _cancel(sweep_path, agent)
    states = [run.state for run in _runs(api, sweep_path)]
    if agent.returncode or states.count("finished") < RUNS:
        raise _failed(f"wandb agent (runs: {', '.join(states) or 'none'})", log)


def _cancel(sweep_path: str, agent: subprocess.Popen[bytes]) -> None:
    """End the sweep: its agent then ends its run and leaves; killed, it would leave the run."""
    command = [sys.executable, "-m", "wandb", "sweep", "--cancel", sweep_path]
    subprocess.run(command, capture_output=True, timeout=_SWEEP_TIMEOUT_S, check=False)
    try:
        agent.wait(_CANCEL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait()


def _tell_progress(api: "wandb.Api", sweep_path: str, progress: Progress) -> None:
    runs = _runs(api, sweep_path)
    values = [run.summary.get("best_val_accuracy") for run in runs]
    best = max((value for value in values if value is not None), default=None)
    ended = sum(run.state not in ("pending", "running") for run in runs)
    progress(ended, RUNS, "" if best is None else f"best validation accuracy {best:.4f}")


def _runs(api: "wandb.Api", sweep_path: str) -> list[Any]:
    project_path, _, sweep = sweep_path.rpartition("/")
    api.flush()  # it would give the runs of its first answer for ever
    return list(api.runs(project_path, {"sweep": sweep}))


def _failed(what: str, log: Path) -> WorkError:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    last = [line for line in lines if line.startswith("error:")][-1:] or lines[-3:]
    return WorkError(Problem(what, "failed: " + " | ".join(last), f"its whole output is in {log}"))
