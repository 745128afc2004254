"""A shipped sweep on a folder of one's own images: real client, two agents, a killed server."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from sweepcnn.config import RunConfig
from sweepcnn.data import EvaluationBatches, load_training
from sweepcnn.evaluation import accuracy, predict
from sweepcnn.storage import points, projects, runs, streams, sweeps
from sweepcnn.storage.database import Database
from sweepcnn.storage.runs import Run
from sweepcnn.training import load_checkpoint, restore
from tests.backend import client_environment, running_backend

SHIPPED = Path(__file__).parents[2] / "sweeps"


def make_images(folder: Path) -> None:
    """Three classes that differ in colour, of many sizes, with a test set."""
    random = np.random.default_rng(0)
    for split, n in (("train", 20), ("val", 4)):
        for index, name in enumerate(("blue", "green", "red")):
            (folder / split / name).mkdir(parents=True)
            for number in range(n):
                height, width = random.integers(20, 60, 2)
                pixels = random.integers(0, 120, (height, width, 3), dtype=np.uint8)
                pixels[..., 2 - index] += 100
                Image.fromarray(pixels).save(folder / split / name / f"{number}.png")


def small_copy(shipped: Path, target: Path) -> None:
    """Copy a shipped sweep with small images, few filters, one epoch and few runs."""
    sweep = yaml.safe_load(shipped.read_text("utf-8"))
    sweep["run_cap"] = 6
    sweep["parameters"] |= {
        "image_size": {"value": 32},
        "epochs": {"value": 1},
        "filters": {"values": [4, 8]},
    }
    target.write_text(yaml.safe_dump(sweep))


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


def stored(data_dir: Path) -> tuple[list[Run], dict[str, list[str]], str, list[str]]:
    """Read runs, histories, the sweep's state and the points from the backend's own file."""
    database = Database(f"sqlite:///{data_dir / 'sweepcnn.db'}")
    with database.read() as connection:
        project = projects.get(connection, "local", "da6401")
        assert project is not None
        found = runs.of_project(connection, project.id)
        histories = {run.name: streams.read(connection, run.id, streams.HISTORY) for run in found}
        (sweep,) = sweeps.of_project(connection, project.id)
        keys = [point.key for point in points.of_sweep(connection, sweep.id)]
    database.close()
    return found, histories, sweep.state, keys


@pytest.mark.slow
def test_a_shipped_sweep_runs_on_own_images_with_two_agents_through_a_killed_server(
    tmp_path: Path,
) -> None:
    make_images(tmp_path / "images")
    small_copy(SHIPPED / "bayes.yaml", tmp_path / "bayes.yaml")
    data_dir = tmp_path / "data"
    with ExitStack() as stack:
        backend = stack.enter_context(running_backend(data_dir))
        environment = client_environment(backend, tmp_path / "client")
        environment["SWEEPCNN_DATASET"] = str(tmp_path / "images")
        environment["OMP_NUM_THREADS"] = "1"

        def command(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", *words],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )

        created = command("wandb", "sweep", "bayes.yaml")
        match = re.search(r"wandb agent (\S+)", created.stdout + created.stderr)
        assert match is not None
        agents = [
            subprocess.Popen(
                [sys.executable, "-m", "wandb", "agent", match[1]],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(2)
        ]
        for agent in agents:
            stack.callback(agent.wait)
            stack.callback(agent.kill)

        def finished() -> list[Run]:
            return [run for run in stored(data_dir)[0] if run.state == "finished"]

        wait_for(lambda: len(finished()) >= 2, "two finished runs")
        backend.process.kill()
        backend.process.wait()
        before, histories_before, _, points_before = stored(data_dir)
        stack.enter_context(running_backend(data_dir, port=backend.port))
        for agent in agents:
            assert agent.wait(180) == 0

        after, histories, state, points = stored(data_dir)
        assert state == "FINISHED"
        assert len(points) == 6
        assert not [point for point, n in Counter(points).items() if n > 1]
        assert points[: len(points_before)] == points_before
        ended_before = {run.name for run in before if run.state == "finished"}
        assert ended_before <= {run.name for run in after if run.state == "finished"}
        for name, lines in histories_before.items():
            assert histories[name][: len(lines)] == lines
        statuses = Counter(json.loads(run.summary).get("status") for run in after)
        assert statuses["infeasible"] == 0  # 5 blocks of valid kernels leave nothing of 32 pixels
        assert statuses["ok"] >= 5  # one may die of the killed server
        for run in after:
            if json.loads(run.summary).get("status") == "ok":
                rows = [json.loads(line) for line in histories[run.name]]
                assert [row["epoch"] for row in rows if "val_accuracy" in row] == [1]

        best = json.loads(
            command(
                "sweepcnn", "best", "--project", "da6401", "--download", "best", "--json"
            ).stdout
        )
    checkpoint = load_checkpoint(tmp_path / best["checkpoint"])
    config = RunConfig.model_validate(checkpoint.config)
    dataset = load_training(
        str(tmp_path / "images"),
        image_size=config.image_size,
        split_seed=config.split_seed,
        cache_dir=tmp_path / "cache",
    )
    cpu = torch.device("cpu")
    batches = EvaluationBatches(dataset.val, batch_size=64, normalize=config.normalize, device=cpu)
    predictions = predict(restore(checkpoint), batches, cpu)
    assert accuracy(predictions) == pytest.approx(best["value"])
