"""A real backend process for tests, and an environment in which wandb knows nothing else."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class RunningBackend:
    """A server that listens."""

    url: str
    api_key: str
    data_dir: Path
    database_url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@contextmanager
def running_backend(
    data_dir: Path, *, port: int = 0, database_url: str | None = None
) -> Iterator[RunningBackend]:
    """Run `sweepcnn server` until the block ends, by default on SQLite in its data folder."""
    command = [sys.executable, "-m", "sweepcnn", "server", "--json", "--port", str(port)]
    if database_url:
        command += ["--database-url", database_url]
    process = subprocess.Popen(
        [*command, "--data-dir", str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        watchdog = threading.Timer(_START_TIMEOUT_S, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        assert line, "the server ended before it was ready"
        announced = json.loads(line)
        database_url = database_url or f"sqlite:///{data_dir / 'sweepcnn.db'}"
        url, key = announced["url"], announced["api_key"]
        yield RunningBackend(url, key, data_dir, database_url, process)
    finally:
        process.terminate()
        process.communicate()


def client_environment(backend: RunningBackend, folder: Path) -> dict[str, str]:
    """Give the environment of a user of this backend whose files all lie in a folder."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("WANDB_", "SWEEPCNN_"))
    }
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    own = ("DIR", "CONFIG_DIR", "CACHE_DIR", "DATA_DIR", "ARTIFACT_DIR")
    return kept | {
        "HOME": str(home),
        "NETRC": str(home / "netrc"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "WANDB_BASE_URL": backend.url,
        "WANDB_API_KEY": backend.api_key,
        **{f"WANDB_{name}": str(folder) for name in own},
        "SWEEPCNN_CACHE_DIR": str(folder / "cache"),
    }
