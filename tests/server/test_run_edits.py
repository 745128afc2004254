"""Runs that are edited, queued and deleted by W&B's public API."""

from typing import Any

import pytest

from tests.server.client import Client
from tests.server.looking import LOOK

pytestmark = pytest.mark.each_database

pytestmark = pytest.mark.each_database

EDITING = (
    LOOK
    + """
api = wandb.Api()
with wandb.init(project="editing", id="kept", config={"a": 1}) as run:
    run.log({"loss": 1, "picture": wandb.Table(columns=["a"], data=[[1]])})
    Path("odd name % é.txt").write_text("odd")
    run.save("odd name % é.txt")
    made = wandb.Artifact("kept-model", "model")
    with made.new_file("f.txt") as file:
        file.write("f")
    run.log_artifact(made).wait()
run = api.run("editing/kept")
run.config["b"] = {"deep": [1, 2]}
run.name, run.notes, run.tags, run.group = "shown", "noted", ["x", "y"], "g"
run.description = "noted"
run.update()
run.summary["best"] = 0.5
run.summary.update({"more": {"nested": 2}})
again = api.run("editing/kept")
found = {"edited": look("editing/kept"), "notes": again.notes, "group": again.group,
         "best": again.summary["best"], "nested": again.summary["more"]["nested"]}
Path("up load.txt").write_text("up")
uploaded = run.upload_file("up load.txt")
found["uploaded"] = [uploaded.name, uploaded.size]
found["odd"] = run.file("./odd name % é.txt").download(root="got", replace=True).read()
found["pattern"] = [file.name for file in run.files(pattern="%.TXT")]
found["pages"] = [file.name for file in run.files(per_page=2)]
found["all"] = len(run.files())
uploaded.delete()
found["left"] = [file.name for file in api.run("editing/kept").files(names=["up load.txt"])]

made = wandb.apis.public.Run.create(api, run_id="queued", project="editing", state="pending")
found["created"] = look("editing/queued")["state"]
made = api.run("editing/queued")
found["gave up"] = [made.update_state("failed"), look("editing/queued")["state"]]
found["again"] = [made.update_state("pending"), look("editing/queued")["state"]]
with wandb.init(project="editing", id="queued", resume="allow") as run:
    pass
found["started"] = look("editing/queued")["state"]
try:
    api.run("editing/queued").update_state("pending")
except Exception as error:
    found["refused"] = str(error)

with wandb.init(project="editing", id="warned") as run:
    run.mark_preempting()
    run.finish(exit_code=1)
found["warned"] = look("editing/warned")["state"]

for name, too in (("goes", False), ("goes-with-all", True)):
    with wandb.init(project="editing", id=name) as run:
        made = wandb.Artifact(name + "-model", "model")
        with made.new_file("f.txt") as file:
            file.write(name)
        run.log_artifact(made).wait()
    api.run("editing/" + name).delete(delete_artifacts=too)
    try:
        found[name] = api.artifact("editing/" + name + "-model:latest").state
    except wandb.errors.CommError:
        found[name] = "no artifact"
    try:
        wandb.Api().run("editing/" + name)
    except (ValueError, wandb.errors.CommError):
        found[name] += ", no run"
    try:
        wandb.init(project="editing", id=name)
    except wandb.errors.CommError as error:
        found[name] += ", " + str(error)
found["runs"] = sorted(run.id for run in wandb.Api().runs("editing"))
wandb.teardown()
print(json.dumps(found))
"""
)


@pytest.fixture(scope="module")
def edited(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("editing.py", EDITING)
    return found


def test_a_run_is_edited_by_the_public_api(edited: dict[str, Any]) -> None:
    run = edited["edited"]
    assert run["config"] == {"a": 1, "b": {"deep": [1, 2]}}
    assert (run["name"], run["tags"], edited["group"]) == ("shown", ["x", "y"], "g")
    assert edited["notes"] == "noted"
    assert (edited["best"], edited["nested"], run["loss"]) == (0.5, 2, 1)
    assert run["state"] == "finished"


def test_files_of_a_run_are_found_fetched_and_deleted(edited: dict[str, Any]) -> None:
    assert edited["uploaded"] == ["up load.txt", 2]
    assert edited["odd"] == "odd"
    assert edited["pattern"] == ["odd name % é.txt", "requirements.txt", "up load.txt"]
    assert len(set(edited["pages"])) == len(edited["pages"]) == edited["all"]
    assert edited["left"] == []


def test_a_run_waits_for_its_process(edited: dict[str, Any]) -> None:
    assert edited["created"] == "pending"
    assert edited["gave up"] == [True, "failed"]
    assert edited["again"] == [True, "pending"]
    assert edited["started"] == "finished"
    assert "finished cannot be set to 'pending'" in edited["refused"]
    assert edited["warned"] == "preempted"


def test_deleted_runs_are_gone_and_their_artifacts_as_it_was_asked(edited: dict[str, Any]) -> None:
    assert edited["goes"].startswith("COMMITTED, no run, ")
    assert edited["goes-with-all"].startswith("no artifact, no run, ")
    assert "was deleted; start a run with another id" in edited["goes"]
    assert edited["runs"] == ["kept", "queued", "warned"]
