"""Runs that are resumed, rewound and forked by the unmodified wandb client."""

from typing import Any

import pytest

from tests.server.client import Client
from tests.server.looking import LOOK

pytestmark = pytest.mark.each_database

pytestmark = pytest.mark.each_database

RESUMING = (
    LOOK
    + """
settings = {"project": "resuming"}
found = {}
with wandb.init(id="long", resume="allow", config={"x": 1}, tags=["t"], **settings) as run:
    for n in range(5):
        run.log({"loss": n, "deep": {"v": n}})
    print("one")
found["begun"] = look("resuming/long")
with wandb.init(id="long", resume="allow", config={"y": 2}, **settings) as run:
    for n in range(3):
        run.log({"loss": 100 + n})
    print("two")
with wandb.init(id="long", resume="must", **settings) as run:
    run.log({"loss": 7})
found["resumed"] = look("resuming/long")
with wandb.init(resume_from="long?_step=2", **settings) as run:
    run.log({"loss": 55})
    print("three")
found["rewound"] = look("resuming/long")
with wandb.init(fork_from="long?_step=1", id="forked", **settings) as run:
    run.log({"loss": 66})
found["forked"] = look("resuming/forked")
with wandb.init(id="new", resume="never", **settings) as run:
    run.log({"loss": 1})
for mode, name in (("never", "new"), ("must", "none")):
    try:
        wandb.init(id=name, resume=mode, **settings)
    except wandb.errors.UsageError as error:
        found[mode] = str(error)
wandb.teardown()
print(json.dumps(found))
"""
)
AUTO = """
    import os, sys, wandb

    with wandb.init(project="resuming", resume="auto") as run:
        print("id", run.id)
        run.log({"loss": 1})
        if sys.argv[1] == "crash":
            os._exit(3)
"""


@pytest.fixture(scope="module")
def resumed(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("resuming.py", RESUMING)
    return found


def test_a_resumed_run_goes_on_where_it_was(resumed: dict[str, Any]) -> None:
    begun, found = resumed["begun"], resumed["resumed"]
    assert begun["steps"] == list(range(5))
    assert found["steps"] == list(range(9))
    assert (found["last"], found["loss"], found["summary_step"]) == (8, 7, 8)
    assert found["config"] == {"x": 1, "y": 2}
    assert found["tags"] == ["t"]
    assert found["console"] == ["one", "two"]
    assert found["state"] == "finished"


def test_a_run_is_rewound_to_a_step_and_goes_on_from_there(resumed: dict[str, Any]) -> None:
    found = resumed["rewound"]
    assert found["steps"] == [0, 1, 2, 3]
    assert (found["last"], found["loss"]) == (3, 55)
    assert found["console"] == ["three"]
    assert found["config"] == {"x": 1, "y": 2}


def test_a_fork_begins_after_its_step(resumed: dict[str, Any]) -> None:
    assert resumed["forked"]["steps"] == [2]


def test_resuming_never_and_must_are_heeded(resumed: dict[str, Any]) -> None:
    assert "already exists" in resumed["never"]
    assert "does not exist" in resumed["must"]


def test_a_crashed_run_is_resumed_by_itself(client: Client) -> None:
    script = client.script("auto.py", AUTO)
    crashed = client.start(script, "crash")
    crashed.process.wait(150)
    again = client.start(script, "fine").ended()
    (first,) = [line for line in crashed.log.read_text().splitlines() if line.startswith("id ")]
    assert first in again.splitlines()
