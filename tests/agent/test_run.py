"""One run as `wandb agent` starts it, against a real backend."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sweepcnn.config import RunConfig
from sweepcnn.storage import (
    artifact_aliases,
    artifact_collections,
    artifacts,
    projects,
    run_files,
    runs,
    streams,
)
from sweepcnn.storage.database import Database
from sweepcnn.storage.runs import Run
from tests.backend import RunningBackend, client_environment, running_backend

EPOCH_METRICS = {
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "best_val_accuracy",
    "best_epoch",
    "learning_rate",
    "epoch_seconds",
    "images_per_second",
}
TINY = {"dataset": "digits", "image_size": 8, "blocks": 2, "filters": 4, "epochs": 3}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    with running_backend(tmp_path_factory.mktemp("backend")) as running:
        yield running


@pytest.fixture
def reading(backend: RunningBackend) -> Iterator[sa.Connection]:
    database = Database(f"sqlite:///{backend.data_dir / 'sweepcnn.db'}")
    with database.read() as connection:
        yield connection
    database.close()


def train(
    backend: RunningBackend, folder: Path, values: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    settings = [f"--set={key}={value}" for key, value in values.items()]
    return subprocess.run(
        [sys.executable, "-m", "sweepcnn", "train", "--json", *settings],
        cwd=folder,
        env=client_environment(backend, folder / "client") | {"WANDB_PROJECT": "one"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def find_run(reading: sa.Connection, run_id: str) -> Run:
    project = projects.get(reading, "local", "one")
    assert project is not None
    run = runs.get(reading, project.id, run_id)
    assert run is not None
    return run


def test_a_run_logs_each_epoch_its_best_checkpoint_and_pictures(
    backend: RunningBackend, reading: sa.Connection, tmp_path: Path
) -> None:
    done = train(backend, tmp_path, TINY)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    run = find_run(reading, outcome["run_id"])
    assert run.state == "finished"

    rows = [json.loads(line) for line in streams.read(reading, run.id, streams.HISTORY)]
    epochs = [row for row in rows if "val_accuracy" in row]
    assert [row["epoch"] for row in epochs] == [1, 2, 3]
    for row in epochs:
        assert {key for key in row if not key.startswith("_")} == EPOCH_METRICS
        assert 0 <= row["val_accuracy"] <= row["best_val_accuracy"] <= 1

    summary = json.loads(run.summary)
    best = max(row["val_accuracy"] for row in epochs)
    assert summary["status"] == "ok"
    assert summary["best_val_accuracy"] == outcome["best_val_accuracy"] == best
    assert summary["dataset_source"] == "digits"
    assert summary["skipped_images"] == 0

    config = {key: value["value"] for key, value in json.loads(run.config).items()}
    assert RunConfig.model_fields.keys() <= config.keys()
    assert config["filters"] == 4

    pictures = [f.name for f in run_files.of_run(reading, run.id) if f.name.endswith(".png")]
    assert [name.split("/")[-1].rsplit("_", 2)[0] for name in pictures] == [
        "confusion_matrix",
        "per_class_accuracy",
        "prediction_grid",
    ]
    (model,) = [
        artifact
        for artifact in artifacts.of_run(reading, run.id, "output", ["local"])
        if artifact_collections.by_id(reading, artifact.collection_id).type == "model"
    ]
    assert artifact_aliases.of_version(reading, model.collection_id, model.id) == ["best", "latest"]
    metadata = json.loads(model.metadata or "{}")
    assert metadata["classes"] == [str(digit) for digit in range(10)]
    assert metadata["metrics"]["val_accuracy"] == best
    assert RunConfig.model_validate(metadata["config"]).filters == 4


def test_a_diverging_run_ends_as_finished_with_nothing_to_win(
    backend: RunningBackend, reading: sa.Connection, tmp_path: Path
) -> None:
    values = TINY | {"optimizer": "sgd", "learning_rate": 1e5, "activation": "none"}
    done = train(backend, tmp_path, values)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["status"], outcome["best_val_accuracy"]) == ("diverged", 0)
    run = find_run(reading, outcome["run_id"])
    summary = json.loads(run.summary)
    assert run.state == "finished"
    assert (summary["status"], summary["best_val_accuracy"]) == ("diverged", 0)
    assert "val_loss" not in summary


def test_a_network_that_cannot_be_built_is_known_before_any_image_is_read(
    backend: RunningBackend, reading: sa.Connection, tmp_path: Path
) -> None:
    done = train(backend, tmp_path, TINY | {"blocks": 5, "dataset": tmp_path / "nothing-here"})
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["status"], outcome["best_val_accuracy"]) == ("infeasible", 0)
    assert "block 4" in outcome["message"]
    run = find_run(reading, outcome["run_id"])
    assert run.state == "finished"
    assert json.loads(run.summary)["best_val_accuracy"] == 0


def test_a_key_from_netrc_is_found_where_wandb_login_puts_it(
    backend: RunningBackend, reading: sa.Connection, tmp_path: Path
) -> None:
    environment = client_environment(backend, tmp_path) | {"WANDB_PROJECT": "one"}
    server = backend.url.removeprefix("http://")  # with the port
    netrc = Path(environment["NETRC"])
    netrc.write_text(f"machine {server}\n  login user\n  password {backend.api_key}\n")
    netrc.chmod(0o600)
    del environment["WANDB_API_KEY"]
    done = subprocess.run(
        [sys.executable, "-m", "sweepcnn", "train", "--json", "--set", "blocks=16"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert find_run(reading, json.loads(done.stdout)["run_id"]).state == "finished"
