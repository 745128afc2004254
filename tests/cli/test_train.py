import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweepcnn.training import load_checkpoint
from tests.cli.conftest import Result

Cli = Callable[..., Result]
TINY = {"dataset": "digits", "image_size": 8, "blocks": 1, "filters": 2, "epochs": 1}


def train(
    folder: Path, values: dict[str, object], **surroundings: str
) -> subprocess.CompletedProcess[str]:
    """Run `sweepcnn train --json` as a user who has no API key anywhere."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    places = {"HOME": str(folder / "home"), "NETRC": str(folder / "home" / "netrc")}
    own = ("CONFIG_DIR", "CACHE_DIR", "DATA_DIR", "ARTIFACT_DIR")
    places |= {f"WANDB_{name}": str(folder / "home") for name in own}
    (folder / "home").mkdir(exist_ok=True)
    settings = [f"--set={key}={value}" for key, value in values.items()]
    return subprocess.run(
        [sys.executable, "-m", "sweepcnn", "train", "--json", *settings],
        cwd=folder,
        env=kept | places | surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_run_without_an_api_key_is_kept_offline_and_gives_one_line(tmp_path: Path) -> None:
    done = train(tmp_path, TINY)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    outcome = json.loads(line)
    assert (outcome["status"], outcome["epochs"], outcome["best_epoch"]) == ("ok", 1, 1)
    assert 0 <= outcome["best_val_accuracy"] <= 1
    assert outcome["url"] is None
    checkpoint = load_checkpoint(Path(outcome["checkpoint"]))
    assert Path(outcome["checkpoint"]).is_relative_to(tmp_path / "wandb")
    assert len(checkpoint.classes) == 10
    assert checkpoint.config["filters"] == 2
    assert sum(weight.numel() for weight in checkpoint.weights.values()) == outcome["parameters"]
    assert checkpoint.metrics["val_accuracy"] == outcome["best_val_accuracy"]


def test_a_network_that_cannot_be_built_is_a_result_and_needs_no_images(tmp_path: Path) -> None:
    done = train(tmp_path, TINY | {"blocks": 4, "dataset": tmp_path / "nothing-here"})
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["status"], outcome["best_val_accuracy"]) == ("infeasible", 0)
    assert (outcome["checkpoint"], outcome["epochs"]) == (None, 0)
    assert outcome["message"].startswith("block 4: a 2 x 2 pooling on 1 x 1 pixels")


def test_missing_images_are_told_with_the_ways_to_get_them(tmp_path: Path) -> None:
    done = train(tmp_path, TINY | {"dataset": "cifar10"})
    assert (done.returncode, done.stdout) == (2, "")
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "dataset 'cifar10'" in error
    assert "sweepcnn data fetch cifar10" in error
    assert "SWEEPCNN_DATASET" in error


def test_missing_images_are_told_without_a_traceback(tmp_path: Path) -> None:
    assert "Traceback" not in train(tmp_path, TINY | {"dataset": "cifar10"}).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--set", "epocs=1"], "error: epocs = 1: unknown key; did you mean epochs?"),
        (["--set", "epochs=0"], "error: epochs = 0: must be greater than or equal to 1;"),
        (["nowhere.yaml"], "error: nowhere.yaml: "),
    ],
)
def test_wrong_parameters_are_told_before_a_run_begins(
    words: list[str],
    told: str,
    sweepcnn: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    done = sweepcnn("train", *words, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(told)
    assert set(tmp_path.iterdir()) == before  # no folder wandb
