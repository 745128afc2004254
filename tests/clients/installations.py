"""Environments of older clients; `python -m tests.clients.installations FOLDER` makes them."""

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

_FOLDER = os.environ.get("SWEEPCNN_TEST_CLIENTS")  # read here: tests see no such settings


def python(version: str) -> Path | None:
    """Give the interpreter beside a version of the client, if it is on this machine."""
    if version == INSTALLED:
        return Path(sys.executable)
    found = Path(_FOLDER, version, "bin", "python") if _FOLDER else None
    return found if found and found.exists() else None


def install(folder: Path) -> None:
    """Make an environment a version, with the client alone."""
    for version in OLDER:
        venv.create(folder / version, with_pip=True)
        python = folder / version / "bin" / "python"
        words = ["-m", "pip", "install", "--quiet", f"wandb=={version}.*"]
        subprocess.run([python, *words], check=True)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
