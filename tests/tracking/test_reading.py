"""The best run, found through W&B's public API in runs that W&B's own client logged."""

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.backend import RunningBackend, client_environment, running_backend

ROOT = Path(__file__).parents[2]
Ask = Callable[..., dict[str, Any]]


def run(id_: str, *, project: str = "main", **spec: Any) -> dict[str, Any]:
    """Describe a run to the writer."""
    return {"project": project, "id": id_} | spec


def ended(status: str | None, value: float, epoch: int | None = 1) -> dict[str, Any]:
    """Give the summary of a run of ours."""
    summary = {"status": status, "best_val_accuracy": value, "best_epoch": epoch}
    return {key: given for key, given in summary.items() if given is not None}


def epochs(**metrics: list[float]) -> list[dict[str, float]]:
    """Give rows of a history, one an epoch."""
    columns = zip(*metrics.values(), strict=True)
    return [
        {"epoch": epoch, **dict(zip(metrics, values, strict=True))}
        for epoch, values in enumerate(columns, 1)
    ]


TASK: dict[str, Any] = {
    "projects": ["empty"],
    "sweeps": {
        "loss": {
            "project": "swept",
            "sweep": {
                "method": "random",
                "metric": {"name": "val_loss", "goal": "minimize"},
                "parameters": {"filters": {"values": [4, 8]}},
            },
        },
        "cost": {
            "project": "other",
            "sweep": {
                "method": "random",
                "metric": {"name": "cost"},
                "parameters": {"filters": {"values": [4, 8]}},
            },
        },
    },
    "runs": [
        run("low", summary=ended("ok", 0.5), rows=epochs(val_loss=[0.9, 0.4, 0.3])),
        run(
            "winner",
            config={"filters": 4, "not_ours": 1},
            rows=epochs(val_loss=[0.9, 0.1, 0.8], noise=[1.0, math.nan, 2.0]),
            summary=ended("ok", 0.8, 2),
            checkpoint="weights",
        ),
        run("tie", summary=ended("ok", 0.8), rows=epochs(val_loss=[0.1])),
        run("stopped", project="stopped", summary=ended("stopped", 0.4)),
        run("infeasible", summary=ended("infeasible", 0.95), rows=epochs(val_loss=[0.01])),
        run("diverged", summary=ended("diverged", 0.96), rows=epochs(val_loss=[0.01])),
        run("memory", summary=ended("out_of_memory", 0.97), rows=epochs(val_loss=[0.01])),
        run("nan", summary=ended("ok", math.nan), rows=epochs(noise=[math.nan])),
        run("failed", summary=ended("ok", 0.98), rows=epochs(val_loss=[0.01]), exit_code=1),
        run(
            "early",
            project="swept",
            sweep="loss",
            summary=ended("ok", 0.3),
            rows=epochs(val_loss=[0.5, 0.2, 0.9]),
        ),
        run(
            "late",
            project="swept",
            sweep="loss",
            summary=ended("ok", 0.9),
            rows=epochs(val_loss=[0.5, 0.3, 0.25]),
        ),
        run("alone", project="swept", summary=ended("ok", 0.99), rows=epochs(val_loss=[0.01])),
        run("zero", project="other", rows=epochs(cost=[3.0, 0.0, 5.0])),
        run("plain", project="foreign", config={"lr": 1, "not_ours": 2}, summary={"score": 4}),
    ],
    "held": [
        run("running", summary=ended("ok", 0.99), rows=epochs(val_loss=[0.01])),
    ],
}


@pytest.fixture(scope="module")
def user(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningBackend, dict[str, str]]]:
    """A backend, and the environment of its user."""
    folder = tmp_path_factory.mktemp("reading")
    with running_backend(folder / "backend") as backend:
        yield backend, client_environment(backend, folder / "client") | {"PYTHONPATH": str(ROOT)}


def start(module: str, env: dict[str, str], stack: ExitStack) -> subprocess.Popen[str]:
    """Start a helper of ours, which ends with its stdin."""
    command = [sys.executable, "-m", f"tests.tracking.{module}"]
    process = subprocess.Popen(
        command,
        cwd=env["WANDB_DIR"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(process.communicate, timeout=60)
    return process


def tell(process: subprocess.Popen[str], question: dict[str, Any]) -> dict[str, Any]:
    """Send a line of JSON and give the line that is the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


@pytest.fixture(scope="module")
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def sweeps(user: tuple[RunningBackend, dict[str, str]], processes: ExitStack) -> dict[str, str]:
    """The ids of the sweeps; all runs are written by now, and one is still running."""
    return tell(start("writer", user[1], processes), TASK)


@pytest.fixture(scope="module")
def find(
    user: tuple[RunningBackend, dict[str, str]], sweeps: dict[str, str], processes: ExitStack
) -> Ask:
    """Call `find_best` in a process whose client knows our backend only."""
    reader = start("reader", user[1], processes)

    def ask(project: str, **arguments: str) -> dict[str, Any]:
        defaults = {"project": project, "entity": None, "sweep": None, "metric": None}
        return tell(reader, defaults | arguments)

    return ask


def test_the_best_run_wins_by_its_best_epoch_and_of_equals_the_earlier(
    find: Ask, user: tuple[RunningBackend, dict[str, str]]
) -> None:
    # Those that run, failed, diverged or could not be built have higher values in their summaries.
    assert find("main") == {
        "run_id": "winner",
        "sweep_id": None,
        "metric": "best_val_accuracy",
        "value": 0.8,
        "epoch": 2,
        "config": {"filters": 4},
        "url": f"{user[0].url}/local/main/runs/winner",
        "checkpoint": "local/main/model-winner:v0",
    }


def test_another_metric_is_judged_by_its_best_epoch_not_by_its_last(find: Ask) -> None:
    found = find("main", metric="val_loss")
    assert (found["run_id"], found["value"], found["epoch"]) == ("winner", 0.1, 2)


def test_values_that_are_no_numbers_do_not_count(find: Ask) -> None:
    found = find("main", metric="noise")  # its name says nothing, so more is better
    assert (found["run_id"], found["value"], found["epoch"]) == ("winner", 2.0, 3)


def test_a_stopped_run_may_win(find: Ask) -> None:
    assert find("stopped")["run_id"] == "stopped"


def test_a_sweep_is_judged_by_its_own_metric_and_goal(find: Ask, sweeps: dict[str, str]) -> None:
    found = find("swept", sweep=sweeps["loss"])
    assert (found["run_id"], found["sweep_id"]) == ("early", sweeps["loss"])
    assert (found["metric"], found["value"], found["epoch"]) == ("val_loss", 0.2, 2)


def test_a_metric_given_for_a_sweep_wins_over_its_own(find: Ask, sweeps: dict[str, str]) -> None:
    found = find("swept", sweep=sweeps["loss"], metric="best_val_accuracy")
    assert (found["run_id"], found["value"]) == ("late", 0.9)


def test_a_project_is_judged_over_all_its_runs(find: Ask) -> None:
    assert find("swept")["run_id"] == "alone"


def test_a_goal_that_a_sweep_leaves_out_is_to_minimise(find: Ask) -> None:
    assert find("other", metric="cost")["value"] <= 3


def test_zero_is_a_value(find: Ask) -> None:
    found = find("other", metric="cost")
    assert (found["run_id"], found["value"], found["epoch"]) == ("zero", 0, 2)


def test_a_run_of_another_program_keeps_its_whole_configuration(find: Ask) -> None:
    found = find("foreign", metric="score")
    assert (found["run_id"], found["config"]) == ("plain", {"lr": 1, "not_ours": 2})
    assert (found["value"], found["epoch"], found["checkpoint"]) == (4.0, None, None)


def test_an_unknown_project_is_refused_and_the_known_ones_are_named(find: Ask) -> None:
    found = find("mian")
    assert found["exit_code"] == 2
    assert found["error"].startswith("local/mian: cannot be read")
    assert "known projects of local: " in found["error"]
    assert set(found["error"].rpartition(": ")[2].split(", ")) == {
        "empty",
        "foreign",
        "main",
        "other",
        "stopped",
        "swept",
    }


def test_an_unknown_sweep_is_refused_and_the_known_ones_are_named(
    find: Ask, sweeps: dict[str, str]
) -> None:
    found = find("swept", sweep="zzzzzzzz")
    assert found["exit_code"] == 2
    assert found["error"].startswith("local/swept/zzzzzzzz: cannot be read")
    _, _, known = found["error"].partition("known sweeps of swept: ")
    assert sweeps["loss"] in known.split(", ")


def test_a_project_without_runs_has_no_best(find: Ask) -> None:
    assert find("empty") == {
        "error": "project local/empty: has no finished run with best_val_accuracy;"
        " wait for a run to finish, or name another --metric",
        "exit_code": 1,
    }


def test_a_metric_that_no_run_has_gives_no_best(find: Ask) -> None:
    found = find("main", metric="val_los")
    assert found["exit_code"] == 1
    assert "has no finished run with val_los" in found["error"]


def best(env: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `sweepcnn best`."""
    return subprocess.run(
        [sys.executable, "-m", "sweepcnn", "best", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("sweeps")
def test_the_command_prints_one_line_and_downloads_the_checkpoint(
    user: tuple[RunningBackend, dict[str, str]], tmp_path: Path
) -> None:
    done = best(user[1], tmp_path, "--project", "main", "--download", "there", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert found["run_id"] == "winner"
    assert (tmp_path / found["checkpoint"]).read_text() == "weights"
    assert (tmp_path / found["checkpoint"]).is_relative_to(tmp_path / "there")


@pytest.mark.usefixtures("sweeps")
def test_the_command_shows_the_run_to_people(
    user: tuple[RunningBackend, dict[str, str]], tmp_path: Path
) -> None:
    done = best(user[1], tmp_path, "--project", "main")
    assert done.returncode == 0, done.stderr
    assert "run winner" in done.stdout
    assert "best_val_accuracy 0.8000 at epoch 2" in done.stdout
    assert f"{user[0].url}/local/main/runs/winner" in done.stdout


@pytest.mark.usefixtures("sweeps")
def test_the_command_fails_with_the_errors_own_exit_code(
    user: tuple[RunningBackend, dict[str, str]], tmp_path: Path
) -> None:
    done = best(user[1], tmp_path, "--project", "empty", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: project local/empty: has no finished run" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_api_key_the_way_to_one_is_told(
    user: tuple[RunningBackend, dict[str, str]], tmp_path: Path
) -> None:
    keyless = {key: value for key, value in user[1].items() if key != "WANDB_API_KEY"}
    done = best(keyless, tmp_path, "--project", "main")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: W&B API key: is not configured; set WANDB_API_KEY" in done.stderr


def test_a_backend_that_does_not_run_is_named_at_once(
    user: tuple[RunningBackend, dict[str, str]], tmp_path: Path
) -> None:
    nobody = user[1] | {"WANDB_BASE_URL": "http://127.0.0.1:9"}
    done = best(nobody, tmp_path, "--project", "main")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: http://127.0.0.1:9: no server answers" in done.stderr
    assert "start `sweepcnn server`" in done.stderr


def test_a_key_that_the_backend_does_not_know_is_told(
    user: tuple[RunningBackend, dict[str, str]], tmp_path: Path
) -> None:
    done = best(user[1] | {"WANDB_API_KEY": "x" * 40}, tmp_path, "--project", "main")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: {user[0].url}: cannot be reached or refuses the key" in done.stderr
    assert "check WANDB_BASE_URL and WANDB_API_KEY" in done.stderr


def test_a_checkpoint_that_the_server_lost_is_told_in_one_line(tmp_path: Path) -> None:
    with running_backend(tmp_path / "backend") as backend, ExitStack() as stack:
        env = client_environment(backend, tmp_path / "client") | {"PYTHONPATH": str(ROOT)}
        only = run("lost", summary=ended("ok", 0.8), checkpoint="weights of the lost run")
        tell(start("writer", env, stack), TASK | {"sweeps": {}, "runs": [only], "held": []})
        sha256 = hashlib.sha256(b"weights of the lost run").hexdigest()
        (blob,) = (found for found in backend.data_dir.rglob("*") if found.name.endswith(sha256))
        blob.unlink()
        words = ("--project", "main", "--download", "there", "--json")
        done = best(env | {"WANDB_CACHE_DIR": str(tmp_path / "fresh")}, tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    told = (
        "error: checkpoint local/main/model-lost:v0: cannot be downloaded (the server answers 404)"
    )
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "/blobs/" not in done.stderr
