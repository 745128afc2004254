"""Environments of older clients, and one of W&B's search engine.

`python -m tests.clients.installations FOLDER` makes them.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

INSTALLED = "installed"
"""Stands for the client beside which the tests run."""
OLDER = ("0.28", "0.22", "0.19")
"""Of each the newest patch is tried."""
VERSIONS = (INSTALLED, *OLDER)
ENGINE = "sweeps"
"""W&B's search engine, which needs another NumPy than we do."""

_FOLDER = os.environ.get("SWEEPCNN_TEST_CLIENTS")  # read here: tests see no such settings


def python(version: str) -> Path | None:
    """Give the interpreter beside a version of the client, if it is on this machine."""
    if version == INSTALLED:
        return Path(sys.executable)
    found = Path(_FOLDER, version, "bin", "python") if _FOLDER else None
    return found if found and found.exists() else None


def install(folder: Path) -> None:
    """Make an environment for each of them, with nothing else in it."""
    wanted = {version: f"wandb=={version}.*" for version in OLDER} | {ENGINE: "sweeps==0.3.0"}
    for name, requirement in wanted.items():
        venv.create(folder / name, with_pip=True)
        python = folder / name / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
