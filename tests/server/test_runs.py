"""Runs on the wire: upsertBucket, file_stream, and history read back."""

import json
from typing import Any

import pytest

from tests.server.conftest import ENTITY, Wire

HISTORY = [
    '{"_step": 0, "loss": 2.5, "nested": {"a": 1}, "_timestamp": 1.79e+09}',
    '{"_step": 1, "loss": NaN, "acc": Infinity}',
    '{"_step": 3, "loss": 1, "acc": -Infinity, "nested": {"a": 2}}',
    '{"_step": 4, "acc": 0.5, "image": {"_type": "image-file", "path": "x.png"}}',
]


def test_a_run_is_made_with_its_project_and_changed_by_what_is_not_null(wire: Wire) -> None:
    query = """mutation UpsertBucket($input: UpsertBucketInput!) { upsertBucket(input: $input) {
        bucket { id name displayName config tags notes historyLineCount
            project { id name entity { id name } } } inserted } }"""
    given: dict[str, Any] = {"modelName": wire.project, "name": "r1", "tags": ["a"], "notes": "n"}
    given["config"] = '{"a": {"value": 1}, "b.c": {"value": [2]}}'
    made = wire.ask(query, input=given)["upsertBucket"]
    assert made["inserted"] is True
    bucket = made["bucket"]
    assert bucket["displayName"] == bucket["name"] == "r1"
    assert bucket["project"]["entity"]["name"] == ENTITY
    assert bucket["historyLineCount"] == 0
    change: dict[str, Any] = {
        "id": bucket["id"],
        "config": '{"a": {"value": 5}}',
        "displayName": "shown",
    }
    changed = wire.ask(query, input=change)["upsertBucket"]
    assert changed["inserted"] is False
    assert changed["bucket"]["displayName"] == "shown"
    assert changed["bucket"]["tags"] == ["a"]
    assert changed["bucket"]["notes"] == "n"
    config = json.loads(changed["bucket"]["config"])
    assert config == {"a": {"value": 5}, "b.c": {"value": [2]}}


def test_a_config_of_bare_values_is_read_like_one_of_the_client(wire: Wire) -> None:
    run = wire.start_run(config='{"a": 1, "_wandb": 3, "b": {"value": 2}}')
    fields = wire.run(run, 'config wandbConfig(keys: ["t"])')
    assert json.loads(fields["config"])["a"] == {"value": 1}
    assert fields["wandbConfig"] == "{}"
    assert wire.run_names(filters='{"config.a": 1, "config.b.value": 2}') == [run]


def test_lines_are_addressed_so_that_a_resent_request_changes_nothing(wire: Wire) -> None:
    run = wire.start_run()
    for _ in range(2):
        wire.log(run, *HISTORY)
    wire.log(run, '{"_step": 0, "late": 1}', offset=4)
    fields = "historyLineCount history(samples: 100)"
    answer = wire.run(run, fields)
    assert answer == {"historyLineCount": 5, "history": [*HISTORY, '{"_step": 0, "late": 1}']}


def test_numbers_that_json_cannot_say_come_as_they_came_in_text(wire: Wire) -> None:
    run = wire.start_run()
    summary = '{"loss": NaN, "top": Infinity}'
    wire.log(run, *HISTORY)
    files = {"wandb-summary.json": {"offset": 0, "content": [summary]}}
    assert wire.stream(run, {"files": files}).status_code == 200
    answer = wire.run(run, "summaryMetrics history(samples: 100) historyTail")
    assert answer["summaryMetrics"] == summary
    assert answer["history"] == HISTORY
    assert json.loads(answer["historyTail"]) == [HISTORY[-1]]


def test_numbers_that_json_cannot_say_come_as_texts_in_json(wire: Wire) -> None:
    run = wire.start_run()
    wire.log(run, *HISTORY)
    specs = [json.dumps({"keys": ["_step", "loss"]}), json.dumps({"keys": ["acc"]}), "{}"]
    fields = "sampledHistory(specs: $specs) historyKeys"
    answer = wire.run(run, fields, specs=("[JSONString!]!", specs))
    assert answer["sampledHistory"] == [
        [
            {"_step": 0, "loss": 2.5},
            {"_step": 1, "loss": "NaN"},
            {"_step": 3, "loss": 1},
        ],
        [{"acc": "Infinity"}, {"acc": "-Infinity"}, {"acc": 0.5}],
        [],
    ]
    assert answer["historyKeys"]["keys"]["loss"]["previousValue"] == 1


def test_one_spec_in_place_of_a_list_is_taken(wire: Wire) -> None:
    run = wire.start_run()
    wire.log(run, *HISTORY)
    field = "sampledHistory(specs: $specs)"
    assert wire.run(run, field, specs=("[JSONString!]!", "{}")) == {"sampledHistory": [[]]}


@pytest.mark.parametrize(
    "spec",
    ["", "[1]", '{"keys": 1}', '{"keys": ["a"], "samples": "x"}', '{"minStep": [1]}'],
)
def test_a_spec_that_cannot_be_read_is_refused(wire: Wire, spec: str) -> None:
    wire.start_run("r")
    query = """query($p: String, $s: [JSONString!]!) {
        project(name: $p) { run(name: "r") { sampledHistory(specs: $s) } } }"""
    assert wire.refused(query, p=wire.project, s=[spec])[0] == 400


def test_history_keys_describe_each_metric(wire: Wire) -> None:
    run = wire.start_run()
    assert wire.run(run, "historyKeys") == {"historyKeys": None}
    wire.log(run, *HISTORY)
    found = wire.run(run, "historyKeys")["historyKeys"]
    assert found["lastStep"] == 4
    assert found["sets"] == []
    keys = found["keys"]
    number = {"type": "number", "count": 2}
    assert keys["nested.a"] == {"typeCounts": [number], "monotonic": True, "previousValue": 2}
    assert keys["loss"]["monotonic"] is False
    assert keys["acc"]["previousValue"] == 0.5
    assert keys["image"]["typeCounts"] == [{"type": "map", "count": 1}]


def test_a_page_of_history_is_never_sampled(wire: Wire) -> None:
    run = wire.start_run()
    wire.log(run, *[json.dumps({"_step": n, "x": {"y": n}}) for n in range(50)])
    field = "history(minStep: $low, maxStep: $high, samples: 2)"
    page = wire.run(run, field, low=("Int64", 10), high=("Int64", 20))["history"]
    assert [json.loads(line)["_step"] for line in page] == list(range(10, 20))
    spec = {"keys": ["x.y"], "minStep": 10, "maxStep": 20, "samples": 2}
    field = "sampledHistory(specs: $s)"
    (rows,) = wire.run(run, field, s=("[JSONString!]!", [json.dumps(spec)]))["sampledHistory"]
    assert [row["x.y"] for row in rows] == list(range(10, 21))
    assert len(wire.run(run, "history(samples: 7)")["history"]) == 7
    live = wire.run(run, "parquetHistory(liveKeys: []) { parquetUrls liveData }")
    assert live["parquetHistory"] == {"parquetUrls": [], "liveData": [{"_step": 0}]}


@pytest.mark.parametrize(
    "windows",
    [[(0, 2, 3), (3, 5, 3), (6, 6, 1)], [(0, 3, 3), (3, 6, 3), (6, 7, 3)]],
    ids=["both ends included", "older clients"],
)
def test_pages_of_a_scan_give_each_row_once(
    wire: Wire, windows: list[tuple[int, int, int]]
) -> None:
    run = wire.start_run()
    wire.log(run, *[json.dumps({"_step": n, "loss": n}) for n in range(7)])
    found = []
    for low, high, samples in windows:
        spec = {"keys": ["loss"], "minStep": low, "maxStep": high, "samples": samples}
        variables = ("[JSONString!]!", [json.dumps(spec)])
        (rows,) = wire.run(run, "sampledHistory(specs: $s)", s=variables)["sampledHistory"]
        found += [row["loss"] for row in rows]
    assert found == list(range(7))


def test_lines_that_are_no_history_do_no_harm(wire: Wire) -> None:
    run = wire.start_run()
    odd = ["no JSON", "[1]", "[" * 5000, '{"_step": 1' + "0" * 400 + "}", '{"k": "\\ud800"}']
    deep = '{"a":' * 400 + "1" + "}" * 400
    wire.log(run, *odd, deep, '{"_step": 7, "x": 1}')
    spec = json.dumps({"keys": ["_step"]})
    fields = "historyKeys history(samples: 9) sampledHistory(specs: $s)"
    response = wire.run(run, fields, s=("[JSONString!]!", [spec]))
    assert response["historyKeys"]["lastStep"] == 7
    assert len(response["history"]) == 7


@pytest.mark.parametrize(
    ("body", "state", "code"),
    [
        ({"complete": True, "exitcode": 0}, "finished", 0),
        ({"complete": True, "exitcode": 1}, "failed", 1),
        ({"complete": True, "exitcode": 255}, "failed", 255),
        ({"complete": True, "exitcode": 3221225477}, "failed", -1073741819),
        ({"complete": True}, "failed", 1),
        ({"preempting": True}, "preempting", None),
        ({}, "running", None),
    ],
    ids=str,
)
def test_the_stream_tells_how_a_run_ended(
    wire: Wire, body: dict[str, Any], state: str, code: int | None
) -> None:
    run = wire.start_run()
    answer = wire.stream(run, body).json()
    assert answer == {"exitcode": None, "stopped": False, "limits": {}}
    assert wire.run(run, "state exitcode") == {"state": state, "exitcode": code}


def test_a_run_that_is_to_stop_is_told_so_and_counts_as_killed(wire: Wire) -> None:
    run = wire.start_run()
    query = "mutation($id: ID!) { stopRun(input: {id: $id}) { success } }"
    assert wire.ask(query, id=wire.run(run, "id")["id"]) == {"stopRun": {"success": True}}
    assert wire.stream(run, {}).json()["stopped"] is True
    wire.stream(run, {"complete": True, "exitcode": 255})
    assert wire.run(run, "state stopped shouldStop") == {
        "state": "killed",
        "stopped": True,
        "shouldStop": True,
    }


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[]",
        b'{"files": [1]}',
        b'{"files": {"wandb-history.jsonl": 1}}',
        b'{"files": {"wandb-history.jsonl": {"offset": -1, "content": []}}}',
        b'{"files": {"wandb-history.jsonl": {"offset": 1e3, "content": []}}}',
        b'{"files": {"wandb-history.jsonl": {"offset": true, "content": ["{}"]}}}',
        b'{"files": {"output.log": {"offset": 99999999999999999999, "content": ["x"]}}}',
        b'{"files": {"output.log": {"offset": 0, "content": [1]}}}',
        b'{"files": {"wandb-summary.json": {"offset": 0, "content": ["no JSON"]}}}',
        b'{"files": {"wandb-summary.json": {"offset": 0, "content": ["[1]"]}}}',
        b'{"files": {"output.log": {"offset": 0, "content": ["\\ud800"]}}}',
    ],
    ids=range(12),
)
def test_a_stream_of_another_form_is_refused_and_keeps_nothing(wire: Wire, body: bytes) -> None:
    run = wire.start_run()
    response = wire.stream(run, body)
    assert response.status_code == 400
    assert "Traceback" not in response.text
    counts = wire.run(run, "historyLineCount logLineCount summaryMetrics")
    assert counts == {"historyLineCount": 0, "logLineCount": 0, "summaryMetrics": "{}"}


def test_a_stream_for_an_unknown_run_is_404_and_unknown_files_are_ignored(wire: Wire) -> None:
    run = wire.start_run()
    assert wire.stream("none", {}).status_code == 404
    body = {"files": {"future.jsonl": {"offset": 0, "content": ["x"]}}, "uploaded": ["a"]}
    assert wire.stream(run, body).status_code == 200


def test_console_lines_are_read_as_text_or_as_structured_lines(wire: Wire) -> None:
    run = wire.start_run()
    lines = ["plain", json.dumps({"level": "error", "ts": "t0", "label": "l", "content": "hi"})]
    body = {"files": {"output.log": {"offset": 0, "content": lines}}}
    wire.stream(run, body)
    node = "edges { node { number line level timestamp label } } pageInfo { hasNextPage }"
    found = wire.run(run, f"logLineCount logLines(first: 9) {{ {node} }}")
    assert found["logLineCount"] == 2
    (plain, structured) = [edge["node"] for edge in found["logLines"]["edges"]]
    assert plain["line"] == "plain"
    assert structured == {
        "number": 1,
        "line": "hi",
        "level": "error",
        "timestamp": "t0",
        "label": "l",
    }
    for last, count in ((0, 0), (1, 1), (5, 2), (-1, 0)):
        edges = wire.run(run, f"logLines(last: {last}) {{ edges {{ node {{ number }} }} }}")
        assert len(edges["logLines"]["edges"]) == count


def test_an_edit_through_the_public_api_does_not_revive_a_run(wire: Wire) -> None:
    name = wire.start_run()
    wire.stream(name, {"complete": True, "exitcode": 3})
    before = wire.run(name, "id state heartbeatAt")
    document = """mutation UpsertBucket($id: String!, $tags: [String!]) {
        upsertBucket(input: {id: $id, tags: $tags}) { bucket { tags state } } }"""
    wire.ask(document, id=before["id"], tags=["kept"])
    after = wire.run(name, "id state heartbeatAt tags")
    assert after == before | {"tags": ["kept"]}
    assert after["state"] == "failed"


def test_a_history_is_not_read_more_than_a_hundred_times_at_once(wire: Wire) -> None:
    run = wire.start_run()
    wire.log(run, '{"_step": 0, "x": 1}')
    query = """query H($p: String, $r: String!, $s: [JSONString!]!) {
        project(name: $p) { run(name: $r) { sampledHistory(specs: $s) } } }"""
    specs = ['{"keys": ["x"]}'] * 101
    status, message = wire.refused(query, p=wire.project, r=run, s=specs)
    assert (status, "at most 100" in message) == (400, True)
    found = wire.ask(query, p=wire.project, r=run, s=specs[1:])["project"]["run"]
    assert found["sampledHistory"] == [[{"x": 1}]] * 100
