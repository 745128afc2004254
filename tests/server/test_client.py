"""The unmodified wandb client, in processes of its own, against a real server."""

import json
import sys
from typing import Any

import pytest

from tests.server.client import Client

pytestmark = pytest.mark.each_database


LOGGING = """
    import sys, json, wandb
    from pathlib import Path
    from PIL import Image

    Path("extra.txt").write_text("extra")
    with wandb.init(project="story", name="first", config={"lr": 0.1, "net": {"depth": 3}},
                    tags=["t"], group="g", job_type="train", notes="n") as run:
        for step in range(30):
            run.log({"loss": 1 / (step + 1), "nested": {"acc": step}})
        run.log({"odd": float("nan"), "top": float("inf"),
                 "picture": wandb.Image(Image.new("RGB", (4, 4))),
                 "table": wandb.Table(columns=["a"], data=[[1], [2]])})
        print("a line of the console")
        run.save("extra.txt")
        run.summary["best"] = 0.25

        def version(**files):
            made = wandb.Artifact("weights", "model", metadata={"n": len(files), "acc": 0.5})
            for name, text in files.items():
                with made.new_file(name.replace("_", "/") + ".txt") as file:
                    file.write(text)
            return made

        first = run.log_artifact(version(a="one", dir_b="same"), aliases=["best"]).wait()
        again = run.log_artifact(version(a="one", dir_b="same")).wait()
        second = run.log_artifact(version(a="two", dir_b="same"), aliases=["best", "x"]).wait()
        versions = [item.version for item in (first, again, second)]

    with wandb.init(project="story", job_type="use") as user:
        used = user.use_artifact("weights:best")
        folder = Path(used.download("whole"))
        entry = user.use_artifact("weights:v0").get_entry("a.txt").download(root="entry")
        contents = {str(p.relative_to(folder)): p.read_text()
                    for p in folder.rglob("*") if p.is_file()}
        checked = used.verify("whole") is None
    print(json.dumps({"run": run.id, "user": user.id, "versions": versions,
                      "contents": contents, "entry": Path(entry).read_text()}))
"""


@pytest.fixture(scope="module")
def logged(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("logging_runs.py", LOGGING)
    return found


def test_artifacts_have_a_version_for_each_content(logged: dict[str, Any]) -> None:
    assert logged["versions"] == ["v0", "v0", "v1"]


def test_artifacts_come_back_as_they_were(logged: dict[str, Any]) -> None:
    assert logged["contents"] == {"a.txt": "two", "dir/b.txt": "same"}
    assert logged["entry"] == "one"


READING = """
    import json, math, sys, wandb

    api = wandb.Api()
    entity = api.default_entity
    run = api.run(f"{entity}/story/{sys.argv[1]}")
    user = api.run(f"{entity}/story/{sys.argv[2]}")
    files = {file.name: file.size for file in run.files()}
    run.file("extra.txt").download(root="got", replace=True)
    media = [name for name in files if name.startswith("media/images/")]
    run.file(media[0]).download(root="got", replace=True)
    v0, v1 = (api.artifact(f"{entity}/story/weights:{alias}") for alias in ("v0", "latest"))
    v1.aliases.append("later")
    v1.tags.append("good")
    v1.description = "described"
    v1.metadata["m"] = 1
    v1.save()
    renewed = wandb.Api().artifact(f"{entity}/story/weights:later")
    again = user.log_artifact(v0)
    print(json.dumps({
        "state": run.state, "name": run.name, "config": run.config, "tags": run.tags,
        "group": run.group, "job_type": run.job_type, "notes": run.notes,
        "entity": run.entity, "last_step": run.lastHistoryStep,
        "summary": {k: run.summary[k] for k in ("loss", "best")},
        "nested": run.summary["nested"]["acc"],
        "odd_is_nan": math.isnan(run.summary["odd"]), "top": run.summary["top"],
        "rows": len(run.history(pandas=False)),
        "acc": [row["nested.acc"] for row in run.history(keys=["nested.acc"], pandas=False)],
        "scan": [row["loss"] for row in run.scan_history(keys=["loss"], page_size=7)],
        "scan_all": len(list(run.scan_history())),
        "files": files, "extra": open("got/extra.txt").read(),
        "picture": open("got/" + media[0], "rb").read(4).hex(),
        "console": [line.content if hasattr(line, "content") else str(line)
                    for line in run.console_logs()] if hasattr(run, "console_logs") else None,
        "logged": sorted(a.name for a in run.logged_artifacts() if a.type == "model"),
        "types": sorted({a.type for a in run.logged_artifacts()}),
        "used": sorted(a.name for a in user.used_artifacts()),
        "used_by": [r.id for r in v1.used_by()], "by": v1.logged_by().id,
        "aliases": {a.version: sorted(a.aliases) for a in (v0, renewed)},
        "metadata": v0.metadata, "described": renewed.description, "m": renewed.metadata["m"],
        "artifact_tags": renewed.tags,
        "size": v0.size, "count": v0.file_count, "digests_differ": v0.digest != v1.digest,
        "versions": [a.version for a in api.artifacts("model", f"{entity}/story/weights")],
        "collections": [c.name for c in api.artifact_type("model", f"{entity}/story")
                        .collections()],
        "artifact_files": sorted(f.name for f in v0.files()),
        "filtered": [r.id for r in api.runs(f"{entity}/story", {"config.lr": 0.1})],
        "counted": len(api.runs(f"{entity}/story", {"$or": [{"tags": "t"}, {"state": "x"}]})),
        "ordered": [r.id for r in api.runs(f"{entity}/story", order="+summary_metrics.loss")],
        "projects": [p.name for p in api.projects()], "again": again.version,
    }))
"""


@pytest.fixture(scope="module")
def seen(client: Client, logged: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("reading.py", READING, logged["run"], logged["user"])
    return found


def test_a_run_is_read_back_as_it_was_logged(seen: dict[str, Any], logged: dict[str, Any]) -> None:
    assert seen["state"] == "finished"
    assert (seen["name"], seen["tags"], seen["group"]) == ("first", ["t"], "g")
    assert (seen["job_type"], seen["notes"], seen["entity"]) == ("train", "n", "local")
    assert seen["config"] == {"lr": 0.1, "net": {"depth": 3}}
    assert seen["summary"] == {"loss": 1 / 30, "best": 0.25}
    assert seen["nested"] == 29
    assert seen["odd_is_nan"]
    assert seen["top"] in ("Infinity", float("inf"))


def test_history_is_whole(seen: dict[str, Any]) -> None:
    assert seen["rows"] == 31
    assert seen["scan_all"] == 31
    assert seen["last_step"] == 30
    assert seen["acc"] == list(range(30))
    assert seen["scan"] == [1 / (step + 1) for step in range(30)]


def test_files_are_listed_and_fetched(seen: dict[str, Any]) -> None:
    expected = {"config.yaml", "extra.txt", "output.log", "wandb-summary.json"}
    assert expected | {"wandb-metadata.json", "requirements.txt"} <= seen["files"].keys()
    assert seen["files"]["extra.txt"] == 5
    assert seen["extra"] == "extra"
    assert bytes.fromhex(seen["picture"])[1:] == b"PNG"
    assert any("a line of the console" in line for line in seen["console"])


def test_artifacts_are_read_with_their_lineage(
    seen: dict[str, Any], logged: dict[str, Any]
) -> None:
    assert seen["logged"] == ["weights:v0", "weights:v1"]
    assert {"model", "run_table"} <= set(seen["types"])
    assert seen["used"] == ["weights:v0", "weights:v1"]
    assert seen["used_by"] == [logged["user"]]
    assert seen["by"] == logged["run"]
    assert seen["aliases"] == {"v0": [], "v1": ["best", "later", "latest", "x"]}
    assert (seen["metadata"], seen["described"], seen["m"]) == (
        {"n": 2, "acc": 0.5},
        "described",
        1,
    )
    assert (seen["size"], seen["count"], seen["digests_differ"]) == (7, 2, True)
    assert seen["versions"] == ["v1", "v0"]
    assert seen["collections"] == ["weights"]
    assert seen["artifact_files"] == ["a.txt", "dir/b.txt"]
    assert seen["again"] == "v0"


def test_runs_are_selected_by_the_public_api(seen: dict[str, Any], logged: dict[str, Any]) -> None:
    assert seen["filtered"] == [logged["run"]]
    assert seen["counted"] == 1
    assert seen["ordered"] == [logged["run"], logged["user"]]
    assert "story" in seen["projects"]


STUB = """
    import os, signal, sys, wandb

    with wandb.init() as run:
        mode = run.config.get("mode", "fine")
        run.log({"loss": (run.config.x - 3) ** 2})
        if mode == "crash":
            raise ValueError("as it was told")
        if mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
"""
FUNCTION = """
    import sys, wandb

    def train():
        with wandb.init() as run:
            run.log({"loss": run.config["x"]})

    sweep = wandb.sweep(
        {"method": "grid", "parameters": {"x": {"values": [1, 2]}}}, project="functions")
    wandb.agent(sweep, function=train, project="functions")
    print()
    print('"' + wandb.Api().default_entity + "/functions/" + sweep.rpartition("/")[2] + '"')
"""
SWEEP_READING = """
    import json, sys, wandb

    found = {}
    for path in sys.argv[1:]:
        sweep = wandb.Api().sweep(path)
        best = sweep.best_run()
        found[path] = {
            "state": sweep.state, "best": best.summary["loss"], "sweep": best.sweep.id,
            "runs": [[r.state, r.config, r.summary.get("loss")] for r in sweep.runs],
            "order": sweep.order, "expected": sweep.expected_run_count,
        }
    print(json.dumps(list(found.values())))
"""


@pytest.fixture(scope="module")
def swept(client: Client) -> dict[str, Any]:
    """Run three sweeps at once: two agents on one, a script that fails, and a function."""
    client.script("train.py", STUB)
    own: dict[str, Any] = {
        "project": "swept",
        "program": "train.py",
        "command": [sys.executable, "${program}"],
        "metric": {"name": "loss", "goal": "minimize"},
    }
    shared = own | {"method": "grid", "parameters": {"x": {"values": [1, 2, 3, 4]}}}
    modes = {"mode": {"values": ["crash", "kill", "fine"]}, "x": {"value": 5}}
    failing = own | {"method": "grid", "parameters": modes}
    paths = []
    function = client.start(client.script("function.py", FUNCTION))
    for name, config in (("shared", shared), ("failing", failing)):
        file = client.folder / f"{name}.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        paths.append(client.sweep(file))
    agents = [client.start("-m", "wandb", "agent", p) for p in (paths[0], paths[0], paths[1])]
    for agent in agents:
        agent.ended()
    paths.append(json.loads(function.ended().strip().splitlines()[-1]))
    facts = client.facts("sweep_reading.py", SWEEP_READING, *paths)
    return dict(zip(("shared", "failing", "function"), facts, strict=True))


def test_two_agents_share_a_sweep_and_no_point_comes_twice(swept: dict[str, Any]) -> None:
    found = swept["shared"]
    assert found["state"] == "FINISHED"
    assert [state for state, _, _ in found["runs"]] == ["finished"] * 4
    assert sorted(config["x"] for _, config, _ in found["runs"]) == [1, 2, 3, 4]
    assert found["expected"] == 4


def test_the_best_run_is_that_of_the_metric(swept: dict[str, Any]) -> None:
    assert swept["shared"]["best"] == 0
    assert swept["shared"]["order"] == "+summary_metrics.loss"


def test_a_script_that_raises_has_failed_and_a_killed_one_has_crashed(
    swept: dict[str, Any],
) -> None:
    states = {config["mode"]: state for state, config, _ in swept["failing"]["runs"]}
    assert states == {"crash": "failed", "kill": "crashed", "fine": "finished"}
    assert swept["failing"]["state"] == "FINISHED"


def test_a_function_is_run_by_an_agent(swept: dict[str, Any]) -> None:
    found = swept["function"]
    assert found["state"] == "FINISHED"
    values = [(state, config["x"], loss) for state, config, loss in found["runs"]]
    assert sorted(values) == [("finished", 1, 1), ("finished", 2, 2)]
