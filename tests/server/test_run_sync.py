"""Runs that are sent after the fact, by `wandb sync`."""

from typing import Any

import pytest

from tests.server.client import Client
from tests.server.looking import LOOK

pytestmark = pytest.mark.each_database

pytestmark = pytest.mark.each_database

SYNCING = (
    LOOK
    + """
import shutil, subprocess
from PIL import Image

def sync(folder):
    subprocess.run([sys.executable, "-m", "wandb", "sync", "--no-skip-online", folder], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

with wandb.init(project="syncing", id="away", mode="offline", config={"a": 1}, tags=["x"]) as run:
    for n in range(10):
        run.log({"loss": n})
    run.log({"picture": wandb.Image(Image.new("RGB", (4, 4)))})
    print("a line")
    made = wandb.Artifact("away-model", "model")
    with made.new_file("f.txt") as file:
        file.write("f")
    run.log_artifact(made)
    folder = Path(run.dir).parent
sync(folder)
found = {"once": look("syncing/away")}
for mark in (*folder.glob("*.synced"), *folder.glob("*.syncstate")):
    mark.unlink()
sync(folder)
found["twice"] = look("syncing/away")
print(json.dumps(found))
"""
)


@pytest.fixture(scope="module")
def synced(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("syncing.py", SYNCING)
    return found


def test_a_run_without_a_server_is_sent_later_with_all_that_it_has(synced: dict[str, Any]) -> None:
    found = synced["once"]
    assert found["steps"] == list(range(11))
    assert found["state"] == "finished"
    assert (found["loss"], found["config"], found["tags"]) == (9, {"a": 1}, ["x"])
    assert found["console"] == ["a line"]
    assert found["artifacts"] == ["away-model:v0"]
    assert {"config.yaml", "output.log", "wandb-summary.json"} < set(found["files"])
    assert any(name.startswith("media/images/picture") for name in found["files"])


def test_a_run_that_is_sent_twice_is_there_once(synced: dict[str, Any]) -> None:
    assert synced["twice"] == synced["once"]


CRASHING = """
    import os, sys, time, wandb

    settings = wandb.Settings(x_file_stream_transmit_interval=0.5)
    run = wandb.init(project="syncing", id="crashed", settings=settings)
    n = 0
    while not list(wandb.Api().run("syncing/crashed").scan_history()):
        run.log({"loss": n})
        n += 1
        time.sleep(0.1)
    for more in range(5):
        run.log({"loss": n + more})
    time.sleep(0.2)
    os.kill(os.getpid(), 9)
"""
AGAIN = (
    LOOK
    + """
import subprocess

(folder,) = Path(os.environ["WANDB_DIR"], "wandb").glob("run-*-crashed")
subprocess.run([sys.executable, "-m", "wandb", "sync", "--no-skip-online", folder], check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(json.dumps(look("syncing/crashed")))
"""
)


def test_the_rest_of_a_crashed_run_is_sent_later(client: Client) -> None:
    crashed = client.start(client.script("crashing.py", CRASHING))
    assert crashed.process.wait(100) != 0
    before = client.facts("before.py", LOOK + "print(json.dumps(look('syncing/crashed')))")
    found = client.facts("again.py", AGAIN)
    assert 0 < len(before["steps"]) <= len(found["steps"])
    assert found["steps"] == list(range(len(found["steps"])))
    assert found["last"] == len(found["steps"]) - 1
