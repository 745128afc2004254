"""The files in docker/: parsed, and their commands run outside a container.

No Docker engine is asked for. The image's build is followed step by step; the services' commands
run in this environment with the volumes' paths replaced by folders.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweepcnn.server.stopping import REQUESTS_S, THREADS_S
from tests.backend import RunningBackend, client_environment, running_backend

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text("utf-8"))
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text("utf-8")


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n", " ", DOCKERFILE)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def bash_environment() -> dict[str, str]:
    own = str(Path(sys.executable).parent)
    return os.environ | {"PATH": os.pathsep.join([own, os.environ.get("PATH", "")])}


def test_the_image_starts_from_a_python_that_we_support() -> None:
    word, base = instructions()[0]
    assert word == "FROM"
    found = re.fullmatch(r"python:3\.(\d+)-slim", base)
    assert found is not None
    assert int(found[1]) >= 11


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for word, rest in instructions():
        if word == "COPY":
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in kept, source


def test_the_image_runs_as_an_ordinary_user() -> None:
    (user,) = [rest for word, rest in instructions() if word == "USER"]
    assert user != "root"
    assert any(f"useradd --create-home --uid 1000 {user}" in rest for _, rest in instructions())


def test_the_image_installs_a_package_that_holds_its_data_files(tmp_path: Path) -> None:
    (install,) = [rest for word, rest in instructions() if word == "RUN" and "pip" in rest]
    assert install == "pip install --no-cache-dir ."
    options = ["--no-deps", "--quiet", "--target", str(tmp_path)]
    command = [sys.executable, "-m", *shlex.split(install), *options]
    subprocess.run(command, cwd=ROOT, check=True, timeout=200)
    package = tmp_path / "sweepcnn"
    for file in ("demo/digits.yaml", "server/graphql/schema.graphql", "web/templates/base.html"):
        assert (package / file).is_file(), file


def test_the_image_starts_the_command_line() -> None:
    words = dict(instructions())
    command = [*json.loads(words["ENTRYPOINT"]), *json.loads(words["CMD"])]
    done = subprocess.run(
        command, env=bash_environment(), capture_output=True, text=True, check=True, timeout=60
    )
    assert "server" in done.stdout


def test_both_services_build_the_dockerfile_and_share_the_host_network() -> None:
    for service in COMPOSE["services"].values():
        assert service["build"] == {"context": "..", "dockerfile": "docker/Dockerfile"}
        assert service["network_mode"] == "host"


def test_the_user_may_write_to_every_volume() -> None:
    """A new volume has the owner of the image's folder: root, where the image has none."""
    (made,) = [rest for word, rest in instructions() if word == "RUN" and "install -d" in rest]
    owned = made.partition("install -d -o sweepcnn -g sweepcnn")[2].split()
    mounts = [
        mount.split(":") for service in COMPOSE["services"].values() for mount in service["volumes"]
    ]
    targets = {target for name, target, *_ in mounts if name in COMPOSE["volumes"]}
    assert targets
    assert targets <= set(owned)


def test_the_agent_sees_nothing_of_the_backend_but_the_key() -> None:
    assert not [m for m in COMPOSE["services"]["agent"]["volumes"] if m.startswith("data:")]


def test_the_agent_asks_for_a_gpu() -> None:
    (device,) = COMPOSE["services"]["agent"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


def test_no_key_stands_in_the_files() -> None:
    assert "WANDB_API_KEY" not in COMPOSE["services"]["agent"]["environment"]
    assert "WANDB_API_KEY" not in DOCKERFILE


@pytest.mark.parametrize("public_url", ["", "https://sweeps.example.org"])
def test_the_backend_command_is_one_that_the_command_line_takes(
    tmp_path: Path, public_url: str
) -> None:
    given = {"/data": str(tmp_path / "d"), "8080": "0", "${PUBLIC_URL:-}": public_url}
    command = replaced(COMPOSE["services"]["backend"]["command"], given)
    process = subprocess.Popen(
        [sys.executable, "-m", "sweepcnn", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        told = process.stdout.readline().removeprefix("export WANDB_BASE_URL=").strip()
        lines = iter(process.stderr.readline, "")
        (here,) = next(filter(None, (re.findall(r"listens at (\S+);", line) for line in lines)))
        assert told == (public_url or here)
        test, *check = COMPOSE["services"]["backend"]["healthcheck"]["test"]
        assert test == "CMD"
        check = replaced(check, {"http://127.0.0.1:8080": here, "python": sys.executable})
        subprocess.run(check, check=True, timeout=30)
        line = next(found for found in map(json.loads, lines) if found["message"] == "request")
        assert (line["route"], line["status"]) == ("/healthz", 200)
        assert (tmp_path / "d" / "api-key").is_file()
    finally:
        process.terminate()
        process.communicate()


def test_the_backend_is_given_the_time_that_it_takes_to_stop() -> None:
    grace = COMPOSE["services"]["backend"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > REQUESTS_S + THREADS_S


@pytest.mark.slow
def test_the_agent_command_reads_the_key_from_its_file_and_runs_a_sweep(tmp_path: Path) -> None:
    with running_backend(tmp_path / "data") as backend:
        environment = client_environment(backend, tmp_path / "client")
        sweep = create_sweep(backend, environment, tmp_path)
        done = subprocess.run(
            agent_command(),
            cwd=tmp_path,
            env=agent_environment(backend, environment, sweep),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "ok: best validation accuracy" in done.stdout + done.stderr


def create_sweep(backend: RunningBackend, environment: dict[str, str], folder: Path) -> str:
    tiny = {"dataset": "digits", "image_size": 8, "blocks": 2, "filters": 4, "epochs": 1}
    sweep = {
        "command": ["sweepcnn", "train"],
        "project": "docker",
        "method": "grid",
        "metric": {"name": "best_val_accuracy", "goal": "maximize"},
        "parameters": {name: {"value": value} for name, value in tiny.items()},
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    created = subprocess.run(
        [sys.executable, "-m", "wandb", "sweep", "sweep.yaml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    match = re.search(r"wandb agent (\S+)", created.stdout + created.stderr)
    assert match is not None
    return match[1]


def agent_command() -> list[str]:
    agent = COMPOSE["services"]["agent"]
    # Compose turns $$ into $ before the shell sees it.
    return [word.replace("$$", "$") for word in [*agent["entrypoint"], *agent["command"]]]


def agent_environment(
    backend: RunningBackend, environment: dict[str, str], sweep: str
) -> dict[str, str]:
    given = COMPOSE["services"]["agent"]["environment"]
    assert set(given) == {
        "WANDB_BASE_URL",
        "WANDB_DIR",
        "API_KEY_FILE",
        "SWEEP",
        "SWEEPCNN_DATASET",
    }
    assert given["API_KEY_FILE"] == "/run/secrets/api_key"
    assert COMPOSE["services"]["agent"]["secrets"] == ["api_key"]
    without_key = {key: value for key, value in environment.items() if key != "WANDB_API_KEY"}
    return without_key | {
        "API_KEY_FILE": str(backend.data_dir / "api-key"),
        "SWEEP": sweep,
        "SWEEPCNN_DATASET": "",  # what Compose gives where the host sets none
    }


def replaced(words: list[Any], by: dict[str, str]) -> list[str]:
    found = [str(word) for word in words]
    for old, new in by.items():
        found = [new if word == old else word.replace(old, new) for word in found]
    return found
