"""The README names what there is."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from typer.main import get_command

from sweepcnn.cli import app
from sweepcnn.config import PRESETS, RunConfig

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_it_opens_with_the_two_commands_that_do_all_the_set_up() -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[:1]
    commands = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert commands == ["pip install -e . && sweepcnn demo", "pip install -e '.[test]' && pytest"]


def test_the_checks_run_the_tests_as_it_says() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    assert "pip install --quiet -e '.[test]'" in script
    assert any(line.split()[:1] == ["pytest"] for line in script)


def test_every_parameter_and_preset_is_in_it() -> None:
    missing = [name for name in [*RunConfig.model_fields, *PRESETS] if f"`{name}`" not in README]
    assert missing == []


def test_every_default_in_it_is_the_real_one() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", README, re.MULTILINE)
    told = {name: default.strip() for name, default in rows if name in RunConfig.model_fields}
    for name, default in told.items():
        actual = RunConfig.model_fields[name].default
        if not default.startswith("as "):
            shown = f"{actual:g}" if isinstance(actual, float) else str(actual).lower()
            assert default == shown, name


def test_every_verb_is_in_it() -> None:
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    assert [verb for verb in verbs if f"`sweepcnn {verb}" not in README] == []


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_a_server_is_shared_by_the_commands_that_it_shows(tmp_path: Path) -> None:
    (block,) = re.findall(r"### Sharing it.*?```sh\n(.*?)```", README, re.DOTALL)
    *adding, serving = block.splitlines()
    env = os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    verb = f'sweepcnn() {{ {shlex.quote(sys.executable)} -m sweepcnn "$@"; }}'
    script = "\n".join(["set -e", verb, *adding, "sweepcnn team list"])
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    key, *listed = done.stdout.splitlines()
    assert (len(key), listed) == (40, ["lab: ann (admin), bob (member)"])
    words = [sys.executable, "-m", *shlex.split(serving), "--port", "0", "--json"]
    server = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["api_key"] is None
    finally:
        server.terminate()
        server.communicate()
