"""Each version of the wandb client runs sweeps here, and what it sent is stored."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.story import Story
from tests.server.conftest import Wire
from tests.server.sweep_wire import read

pytestmark = pytest.mark.timeout(600)  # the first test waits for the whole of its story
Connect = Callable[[str], Wire]
LOSSES = [1, 1 / 2, 1 / 3, 1 / 4]


def runs_of_sweep(wire: Wire, sweep: str, fields: str) -> list[dict[str, Any]]:
    document = f"""query Sweep($project: String, $sweep: String!) {{
        project(name: $project) {{ sweep(sweepName: $sweep) {{ state
            runs {{ edges {{ node {{ {fields} }} }} }} }} }} }}"""
    found = wire.ask(document, project=wire.project, sweep=sweep)["project"]["sweep"]
    assert found["state"] == "FINISHED"
    return [edge["node"] for edge in found["runs"]["edges"]]


def test_a_sweep_runs_each_point_once_and_ends(story: Story) -> None:
    sweep = story.read["sweep"]
    assert sweep["runs"] == [[1, "finished"], [2, "finished"], [3, "finished"]]
    assert (sweep["state"], sweep["expected"]) == ("FINISHED", 3)
    assert sweep["order"] == "+summary_metrics.best.loss"


def test_what_its_runs_sent_is_stored(story: Story, wire: Connect) -> None:
    fields = "config summaryMetrics exitcode state historyLineCount displayName sweepName"
    runs = runs_of_sweep(wire(""), story.read["sweep"]["name"], fields)
    configs = [json.loads(run["config"]) for run in runs]
    assert sorted(config["x"]["value"] for config in configs) == [1, 2, 3]
    for config, run in zip(configs, runs, strict=True):
        x = config["x"]["value"]
        assert config["derived"]["value"] == {"double": 2 * x}
        assert config["_wandb"]["value"]["cli_version"]
        summary = json.loads(run["summaryMetrics"])
        assert summary["best"] == {"loss": (x - 2) ** 2 + 0.25}
        assert summary["val"] == {"accuracy": 0.75}
        assert (run["exitcode"], run["state"], run["historyLineCount"]) == (0, "finished", 5)
        assert "-sweep-" in run["displayName"]
        assert run["sweepName"] == story.read["sweep"]["name"]


def test_the_best_run_is_read_back(story: Story) -> None:
    best = story.read["best"]
    assert best["sweep"] == story.read["sweep"]["name"]
    assert best["config"] == {"x": 2, "derived": {"double": 4}}
    assert best["summary"] == {
        "loss": 0.25,
        "odd": 3,
        "best": {"loss": 0.25},
        "val": {"accuracy": 0.75},
    }


def test_history_is_read_whole(story: Story) -> None:
    best = story.read["best"]
    for rows in (best["history"], best["scan"]):
        assert [row["_step"] for row in rows] == [0, 1, 2, 3, 4]
        assert [row["loss"] for row in rows[:4]] == LOSSES
        assert math.isnan(float(rows[1]["odd"]))
        assert rows[2]["odd"] == 2
    accuracies = [{"_step": step, "val.accuracy": step / 4} for step in range(4)]
    assert best["accuracy"] == accuracies
    assert best["losses"] == LOSSES
    assert best["last_step"] == 4


def test_files_and_console_are_stored(story: Story, wire: Connect) -> None:
    best = story.read["best"]
    expected = {"config.yaml", "output.log", "requirements.txt", "weights.txt"}
    assert expected | {"wandb-metadata.json", "wandb-summary.json"} <= set(best["files"])
    assert best["weights"] == "weights of 2"
    assert best["table"] == [["a", 0.5], ["b", 2]]
    lines = wire("").run(best["id"], "logLines(last: 100) { edges { node { line } } }")["logLines"]
    assert "trained with 2" in [edge["node"]["line"].strip() for edge in lines["edges"]]


def test_runs_are_filtered_and_ordered(story: Story) -> None:
    assert len(story.read["ordered"]) == 3
    assert story.read["ordered"][1] == story.read["best"]["id"]
    assert story.read["one"] == [story.read["best"]["id"]]


def test_a_run_is_edited_and_stays_ended(story: Story) -> None:
    user = story.read["user"]
    assert user["config"] == {"added": {"deep": 1}}
    assert (user["tags"], user["name"], user["state"]) == (["edited"], "renamed", "finished")
    assert user["summary"] == {"deep": 2}
    assert user["uploaded"] == "uploaded"


def test_projects_are_made_and_listed(story: Story) -> None:
    assert {story.project, f"{story.project}-made"} <= set(story.read["projects"])


def test_an_artifact_is_stored_changed_and_fetched(story: Story) -> None:
    model = story.read["model"]
    assert model["content"] == {"deep/weights.txt": "weights of 2"}
    assert model["files"] == ["deep/weights.txt"]
    assert (model["version"], model["versions"]) == ("v0", ["v0"])
    assert model["aliases"] == ["best", "later", "latest"]
    assert (model["description"], model["metadata"]) == ("described", {"x": 2, "more": [1]})
    assert model["collection"] == ["model-2", "model", ["best", "later", "latest"]]
    assert model["types"] == ["model", "run_table"]
    run = story.read["best"]["id"]
    assert story.read["best"]["logged"] == ["model model-2:v0", f"run_table run-{run}-table:v0"]


def test_an_artifact_knows_its_runs(story: Story) -> None:
    model = story.read["model"]
    assert model["logged_by"] == story.read["best"]["id"]
    assert model["used_by"] == [story.read["user"]["id"]]
    assert model["used"] == ["model-2:v0"]


def test_a_function_is_run_for_each_point(story: Story, wire: Connect) -> None:
    fields = "config summaryMetrics state exitcode"
    found = []
    for run in runs_of_sweep(wire("-functions"), story.functions, fields):
        config, summary = json.loads(run["config"]), json.loads(run["summaryMetrics"])
        found.append((config["x"]["value"], summary["loss"], run["state"], run["exitcode"]))
    assert sorted(found) == [(1, 4, "finished", 0), (2, 5, "finished", 0)]


def test_a_sweep_is_paused_resumed_stopped_and_canceled(story: Story) -> None:
    expected = ["RUNNING", "PAUSED", "RUNNING", "FINISHED", "RUNNING", "CANCELED"]
    assert story.commanded["states"] == expected


def test_a_sweep_takes_prior_runs(story: Story, wire: Connect) -> None:
    fields = "runCount priorRuns { edges { node { name } } }"
    found = read(wire("-commanding"), story.commanded["sweep"], fields)
    assert found == {"runCount": 0, "priorRuns": {"edges": [{"node": {"name": "before"}}]}}


def test_a_run_goes_on_where_it_ended(story: Story, wire: Connect) -> None:
    assert story.resumed["steps"] == [[0, 2], [2, 4], [4, 6]]
    fields = "history(samples: 100) config state historyLineCount"
    run = wire("-resuming").run("again", fields)
    rows = [json.loads(line) for line in run["history"]]
    assert [(row["_step"], row["count"]) for row in rows] == [(n, n) for n in range(6)]
    config = json.loads(run["config"])
    assert {key: config[key]["value"] for key in ("allow", "must")} == {"allow": 2, "must": 4}
    assert (run["state"], run["historyLineCount"]) == ("finished", 6)


def test_the_client_refuses_to_resume_what_is_not_and_to_begin_what_is(story: Story) -> None:
    assert "missing" in story.resumed["must"]
    assert "again" in story.resumed["never"]


def test_a_stop_reaches_a_run(story: Story, wire: Connect) -> None:
    assert story.stopped == "interrupted"
    run = wire("-stopping").run("stopped", "state historyLineCount")
    assert run == {"state": "killed", "historyLineCount": 1}


def test_a_run_without_a_server_is_sent_later(story: Story, wire: Connect) -> None:
    fields = "history(samples: 100) config summaryMetrics state exitcode"
    run = wire("-offline").run("offline", fields)
    rows = [json.loads(line) for line in run["history"]]
    assert [(row["_step"], row["loss"]) for row in rows] == [(n, n) for n in range(3)]
    assert [row["val"]["accuracy"] for row in rows] == [0, 0.25, 0.5]
    assert json.loads(run["config"])["x"]["value"] == 7
    assert json.loads(run["summaryMetrics"])["loss"] == 2
    assert (run["state"], run["exitcode"]) == ("finished", 0)
