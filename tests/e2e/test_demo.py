"""The demo, as a newcomer runs it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sweepcnn.storage import projects, runs
from sweepcnn.storage.database import Database
from tests.backend import running_backend

FIELDS = {"run_id", "sweep_id", "metric", "value", "epoch", "config", "url", "checkpoint"}


@pytest.mark.slow
@pytest.mark.timeout(600)  # it takes two minutes; the machine may be busy
def test_the_demo_sweeps_real_images_beside_another_backend_and_leaves_the_user_alone(
    tmp_path: Path,
) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    hostile = {
        "HOME": str(home),
        "TMPDIR": str(tmp_path),
        "WANDB_MODE": "disabled",
        "WANDB_BASE_URL": "http://127.0.0.1:9",
        "WANDB_PROJECT": "somebody-elses",
        "WANDB_SWEEP_ID": "nonsense",
        "SWEEPCNN_DATASET": "/nowhere",
        "SWEEPCNN_CACHE_DIR": str(tmp_path / "cache"),
    }
    with running_backend(tmp_path / "other"):
        done = subprocess.run(
            [sys.executable, "-m", "sweepcnn", "demo", "--json"],
            cwd=here,
            env=os.environ | hostile,
            capture_output=True,
            text=True,
            timeout=580,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    best = json.loads(done.stdout)  # one line, and nothing else, on stdout
    assert best.keys() == FIELDS
    assert best["value"] >= 0.97
    assert best["metric"] == "best_val_accuracy"
    assert Path(best["checkpoint"]).is_file()

    pictures = re.findall(r"picture: (\S+)", done.stderr)
    assert len(pictures) == 3
    assert all(Path(picture).is_file() for picture in pictures)

    (folder,) = tmp_path.glob("sweepcnn-demo-*")
    database = Database(f"sqlite:///{folder / 'server' / 'sweepcnn.db'}")
    with database.read() as connection:
        project = projects.get(connection, "local", "demo")
        assert project is not None
        states = [run.state for run in runs.of_project(connection, project.id)]
    database.close()
    assert states == ["finished"] * 8

    assert not list(here.iterdir())
    assert not [path for path in home.rglob("*") if "netrc" in path.name or "wandb" in path.name]
