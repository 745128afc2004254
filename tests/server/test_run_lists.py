"""Lists of runs and sweeps: over the wire by hand, and by the client's public API."""

import json
from typing import Any

import pytest

from tests.server.client import Client
from tests.server.conftest import ENTITY, Wire

pytestmark = pytest.mark.each_database


def test_runs_are_selected_and_ordered(wire: Wire) -> None:
    for name, lr, summary, tags in (
        ("a", 0.1, '{"loss": 3}', ["x"]),
        ("b", 0.2, '{"loss": NaN}', []),
        ("c", 0.3, '{"loss": 1, "deep": {"m": 5}}', ["x", "y"]),
        ("d", 0.4, "{}", []),
    ):
        config = json.dumps({"lr": {"value": lr}, "net": {"value": {"depth": 3}}})
        wire.start_run(name, config=config, summaryMetrics=summary, tags=tags, groupName="g")
    assert wire.run_names() == ["a", "b", "c", "d"]
    assert wire.run_names(order="-created_at") == ["d", "c", "b", "a"]
    assert wire.run_names(order="+summary_metrics.loss") == ["c", "a", "b", "d"]
    assert wire.run_names(order="-summary_metrics.loss") == ["a", "c", "b", "d"]
    assert wire.run_names(order="-config.lr.value") == ["d", "c", "b", "a"]
    for condition, expected in (
        ({"config.lr": {"$gte": 0.3}}, ["c", "d"]),
        ({"config.lr.value": 0.1}, ["a"]),
        ({"config.net.depth": 3, "name": {"$in": ["a", "b"]}}, ["a", "b"]),
        ({"summary_metrics.loss": {"$lt": 5}}, ["a", "c"]),
        ({"summary_metrics.deep.m": 5}, ["c"]),
        ({"summary_metrics.loss": {"$exists": False}}, ["d"]),
        ({"tags": "x"}, ["a", "c"]),
        ({"group": "g", "state": "running", "display_name": "b"}, ["b"]),
        ({"username": ENTITY, "created_at": {"$gt": "2020-01-01T00:00:00"}}, list("abcd")),
        ({"createdAt": {"$lt": "2020"}}, []),
    ):
        assert wire.run_names(filters=json.dumps(condition)) == expected


def test_cursors_lead_through_all_pages_once(wire: Wire) -> None:
    made = [wire.start_run() for _ in range(7)]
    query = """query Runs($p: String!, $after: String) { project(name: $p) {
        runs(first: 3, after: $after) { edges { node { name } cursor }
            pageInfo { endCursor hasNextPage } } } }"""
    found, after, pages = [], None, 0
    while True:
        page = wire.ask(query, p=wire.project, after=after)["project"]["runs"]
        found += [edge["node"]["name"] for edge in page["edges"]]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        after, pages = page["pageInfo"]["endCursor"], pages + 1
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == made
    assert pages == 3
    beyond = wire.ask(query, p=wire.project, after="100")["project"]["runs"]
    assert beyond == {"edges": [], "pageInfo": {"endCursor": "100", "hasNextPage": False}}


def test_a_list_that_cannot_be_given_is_refused_for_good(wire: Wire) -> None:
    wire.start_run()
    query = """query Runs($p: String!, $filters: JSONString, $order: String) {
        project(name: $p) { runCount(filters: $filters) runs(order: $order) { edges { cursor } }
            sweeps(filters: $filters) { edges { cursor } } } }"""
    for variables in (
        {"filters": "{"},
        {"filters": '{"no_such_key": 1}'},
        {"filters": '{"state": {"$regex": "(?=a)"}}'},
        {"filters": json.dumps({"name": "x" * 5000})},
        {"order": "loss"},
    ):
        status, message = wire.refused(query, p=wire.project, **variables)
        assert status == 400, message
        assert message


def test_filters_need_not_be_given_as_text(wire: Wire) -> None:
    run = wire.start_run()
    query = """query Runs($p: String!, $filters: JSONString) {
        project(name: $p) { runCount(filters: $filters) } }"""
    for filters, expected in (({"name": run}, 1), ({"name": "x"}, 0), (None, 1), ("null", 1)):
        found = wire.ask(query, p=wire.project, filters=filters)
        assert found["project"]["runCount"] == expected


READING = """
    import json, sys, wandb

    project, sweep = sys.argv[1:]
    api = wandb.Api()
    path = f"{api.default_entity}/{project}"

    def names(**given):
        return [run.id for run in api.runs(path, **given)]

    best = api.sweep(f"{path}/{sweep}")
    paged = api.runs(path, {"config.x": {"$gte": 2}}, order="-config.x.value", per_page=3)
    listed = api.project(project).sweeps(filters={"state": "PENDING", "method": {"$ne": "grid"}})
    print(json.dumps({
        "paged": [run.id for run in paged], "length": len(paged), "slice": [
            run.id for run in paged[1:5]], "last": paged[-1].id,
        "max_first": names(order="-summary_metrics.acc"),
        "min_first": names(order="+summary_metrics.acc"),
        "regex": names(filters={"display_name": {"$regex": "^(odd|even)-[02]$"}}),
        "tagged": names(filters={"$and": [{"tags": {"$in": ["even"]}}, {"config.x": {"$lt": 3}}]}),
        "finished": len(api.runs(path, {"state": "finished"})),
        "created": names(filters={"createdAt": {"$gt": paged[0].created_at}}),
        "best": best.best_run().id, "of_sweep": [run.id for run in best.runs],
        "first_x": best.best_run("+config.x").id, "sweeps": [found.id for found in listed],
    }))
"""


def test_the_public_api_finds_orders_and_pages(wire: Wire, client: Client) -> None:
    document = """mutation U($input: UpsertSweepInput!) {
        upsertSweep(input: $input) { sweep { name } } }"""
    given = {"entityName": ENTITY, "projectName": wire.project}
    given["config"] = "{method: random, metric: {name: acc, goal: maximize}, parameters: {}}"
    sweep = wire.ask(document, input=given)["upsertSweep"]["sweep"]["name"]
    accuracies: list[Any] = [0.5, "NaN", 0.9, 0.9, 0.1, "Infinity", None, "0.95"]
    for x, accuracy in enumerate(accuracies):
        parity = "odd" if x % 2 else "even"
        summary = "{}" if accuracy is None else f'{{"acc": {accuracy}}}'
        if accuracy == "0.95":
            summary = '{"acc": "0.95"}'
        wire.start_run(
            f"r{x}",
            config=json.dumps({"x": {"value": x}}),
            summaryMetrics=summary,
            displayName=f"{parity}-{x}",
            tags=[parity],
            **({"sweep": sweep} if x != 2 else {}),
        )
    found = client.facts("run_lists.py", READING, wire.project, sweep)
    assert found["paged"] == ["r7", "r6", "r5", "r4", "r3", "r2"]
    assert (found["length"], found["last"]) == (6, "r2")
    assert found["slice"] == ["r6", "r5", "r4", "r3"]
    last = ["r7", "r1", "r5", "r6"]  # text, and what has no order
    assert found["max_first"] == ["r2", "r3", "r0", "r4", *last]
    assert found["min_first"] == ["r4", "r0", "r2", "r3", *last]
    assert found["regex"] == ["r0", "r2"]
    assert found["tagged"] == ["r0", "r2"]
    assert found["finished"] == 0
    assert "r7" not in found["created"]
    assert (found["best"], found["first_x"]) == ("r3", "r0")
    assert found["of_sweep"] == ["r0", "r1", "r3", "r4", "r5", "r6", "r7"]
    assert found["sweeps"] == [sweep]
