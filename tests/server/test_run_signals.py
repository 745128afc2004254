"""What is done to a run while its process is under way."""

import signal
import time
from typing import Any

import pytest

from tests.server.client import Client
from tests.server.looking import LOOK

pytestmark = pytest.mark.each_database


LIVING = """
    import sys, time, wandb
    from pathlib import Path

    settings = wandb.Settings(x_file_stream_transmit_interval=0.5)
    with wandb.init(project="living", id=sys.argv[1], settings=settings) as run:
        print("begun", flush=True)
        for n in range(1500):
            run.log({"loss": n})
            if n == 5:
                Path(sys.argv[1]).write_text("under way")
            time.sleep(0.1)
"""
ACTING = (
    LOOK
    + """
run = wandb.Api().run("living/" + sys.argv[1])
getattr(run, sys.argv[2])()
print(json.dumps(None))
"""
)


def begin(client: Client, name: str) -> Any:
    process = client.start(client.script("living.py", LIVING), name)
    deadline = time.monotonic() + 100
    while not (client.folder / name).exists():
        assert time.monotonic() < deadline, process.log.read_text()
        assert process.process.poll() is None, process.log.read_text()
        time.sleep(0.1)
    return process


def test_a_stop_reaches_the_process(client: Client) -> None:
    process = begin(client, "stopped")
    client.facts("acting.py", ACTING, "stopped", "stop")
    assert process.process.wait(140) != 0
    found = client.facts("l.py", LOOK + "print(json.dumps(look('living/stopped')))")
    assert found["state"] == "killed"
    assert found["steps"] == list(range(len(found["steps"])))


def test_a_process_whose_run_is_deleted_goes_on_and_ends(client: Client) -> None:
    process = begin(client, "deleted")
    client.facts("acting.py", ACTING, "deleted", "delete")
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(140) != 0
    found = client.facts(
        "l.py", LOOK + "print(json.dumps([r.id for r in wandb.Api().runs('living')]))"
    )
    assert "deleted" not in found
