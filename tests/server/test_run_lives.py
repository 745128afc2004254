"""The lives of runs on the wire: states, resuming, rewinding, deleting."""

import json
from typing import Any

import pytest

from tests.server.conftest import ENTITY, Wire

UPSERT = """mutation UpsertBucket($input: UpsertBucketInput!) { upsertBucket(input: $input) {
    bucket { id name state sweepName historyLineCount } inserted } }"""
PROCESS: dict[str, Any] = {"config": '{"_wandb": {"value": {"t": {}}}}', "host": "h"}


def state(wire: Wire, run: str) -> str:
    return str(wire.run(run, "state")["state"])


def storage_id(wire: Wire, run: str) -> str:
    return str(wire.run(run, "id")["id"])


def stop(wire: Wire, run: str) -> None:
    query = "mutation($id: ID!) { stopRun(input: {id: $id}) { success } }"
    assert wire.ask(query, id=storage_id(wire, run))["stopRun"]["success"]


SET_STATE = """mutation UpdateRunState($input: UpdateRunStateInput!) {
    updateRunState(input: $input) { success } }"""
DELETE = """mutation DeleteRun($id: ID!, $too: Boolean) {
    deleteRun(input: {id: $id, deleteArtifacts: $too}) { clientMutationId } }"""
REWIND = """mutation RewindRun($name: String!, $project: String, $value: Float!) {
    rewindRun(input: {runName: $name, projectName: $project, metricName: "_step",
                      metricValue: $value}) {
        rewoundRun { id name historyLineCount project { name entity { name } } } } }"""


@pytest.mark.parametrize(
    ("code", "expected"), [(0, "finished"), (1, "preempted"), (255, "preempted")]
)
def test_a_run_that_was_warned_is_preempted_unless_it_ends_well(
    wire: Wire, code: int, expected: str
) -> None:
    run = wire.start_run()
    wire.stream(run, {"preempting": True})
    wire.stream(run, {})
    assert state(wire, run) == "preempting"
    wire.stream(run, {"complete": True, "exitcode": code})
    assert state(wire, run) == expected


@pytest.mark.parametrize("code", [0, 1])
def test_an_end_is_final_until_the_run_is_resumed(wire: Wire, code: int) -> None:
    run = wire.start_run(**PROCESS)
    wire.stream(run, {"complete": True, "exitcode": code})
    ended = wire.run(run, "state exitcode")
    wire.stream(run, {})
    wire.stream(run, {"preempting": True})
    wire.stream(run, {"complete": True, "exitcode": code})
    wire.start_run(run, config='{"late": {"value": 1}}')
    assert wire.run(run, "state exitcode") == ended
    wire.start_run(run, id=storage_id(wire, run), **PROCESS)
    assert wire.run(run, "state exitcode") == {"state": "running", "exitcode": None}


def test_a_stopped_run_that_is_resumed_is_not_stopped_again(wire: Wire) -> None:
    run = wire.start_run(**PROCESS)
    stop(wire, run)
    wire.stream(run, {"complete": True, "exitcode": 0})
    assert wire.run(run, "state stopped") == {"state": "killed", "stopped": True}
    wire.start_run(run, **PROCESS)
    assert wire.run(run, "state stopped") == {"state": "running", "stopped": False}
    assert wire.stream(run, {}).json()["stopped"] is False


def test_stopping_a_run_that_has_ended_does_nothing(wire: Wire) -> None:
    run = wire.start_run()
    wire.stream(run, {"complete": True, "exitcode": 0})
    stop(wire, run)
    assert wire.run(run, "state stopped") == {"state": "finished", "stopped": False}


def test_a_user_queues_a_run_again_or_gives_it_up(wire: Wire) -> None:
    run = wire.start_run()
    wire.stream(run, {"complete": True, "exitcode": 4})
    given = {"id": storage_id(wire, run), "state": "pending"}
    assert wire.ask(SET_STATE, input=given)["updateRunState"] == {"success": True}
    assert wire.run(run, "state exitcode") == {"state": "pending", "exitcode": None}
    wire.ask(SET_STATE, input=given | {"state": "failed"})
    assert state(wire, run) == "failed"
    status, message = wire.refused(SET_STATE, input=given | {"state": "finished"})
    assert status == 400
    assert "failed cannot be set to 'finished'" in message


def test_a_run_is_made_before_its_process(wire: Wire) -> None:
    run = wire.start_run(state="pending")
    assert state(wire, run) == "pending"
    assert wire.run(run, "heartbeatAt") == {"heartbeatAt": None}
    wire.start_run(run, state="pending")
    wire.start_run(run, **PROCESS)
    assert state(wire, run) == "running"
    wire.start_run(run, state="pending")
    assert state(wire, run) == "running"
    where = {"modelName": wire.project, "name": "odd", "state": "finished"}
    assert wire.refused(UPSERT, input=where)[0] == 400


def test_a_sweep_that_is_not_there_is_refused_and_no_run_is_made(wire: Wire) -> None:
    where = {"modelName": wire.project, "name": "lost", "sweep": "nosweep1"}
    status, message = wire.refused(UPSERT, input=where)
    assert status == 404
    assert "nosweep1" in message
    assert "WANDB_SWEEP_ID" in message
    found = wire.ask("query($p: String) { project(name: $p) { id } }", p=wire.project)
    assert found == {"project": None}


@pytest.mark.each_database
def test_a_deleted_run_is_gone_with_all_that_it_had_and_its_client_is_refused(wire: Wire) -> None:
    kept, run = wire.start_run(), wire.start_run()
    for name in (kept, run):
        wire.log(name, '{"_step": 0, "loss": 1}')
        assert wire.http.put(wire.upload_url(name, "a.txt"), content=b"a").status_code == 200
    late = wire.upload_url(run, "b.txt")
    wire_id = storage_id(wire, run)
    assert wire.ask(DELETE, id=wire_id) == {"deleteRun": {"clientMutationId": None}}
    assert wire.run(run, "id") is None
    assert wire.refused(DELETE, id=wire_id)[0] == 404
    for given in ({"name": run}, {"name": run, **PROCESS}):
        status, message = wire.refused(UPSERT, input=given | {"modelName": wire.project})
        assert status == 410
        assert "was deleted" in message
    assert wire.refused(UPSERT, input={"id": wire_id, "name": run})[0] == 404
    assert wire.stream(run, {}).status_code == 410
    assert wire.http.put(late, content=b"b").status_code == 404
    assert wire.run(kept, "historyLineCount fileCount") == {"historyLineCount": 1, "fileCount": 1}


def test_a_deleted_run_of_another_project_does_not_matter(wire: Wire) -> None:
    run = wire.start_run("same")
    wire.ask(DELETE, id=storage_id(wire, run))
    other = Wire(wire.url, wire.key)
    with other.http:
        assert other.start_run("same") == "same"


def test_a_stranger_cannot_end_delete_or_rewind_a_run(wire: Wire, stranger: Wire) -> None:
    run = wire.start_run()
    wire_id = storage_id(wire, run)
    assert stranger.refused(DELETE, id=wire_id)[0] == 404
    assert stranger.refused(SET_STATE, input={"id": wire_id, "state": "failed"})[0] == 404
    given: dict[str, Any] = {"runName": run, "entityName": ENTITY, "projectName": wire.project}
    given |= {"metricName": "_step", "metricValue": 0}
    query = "mutation($i: RewindRunInput!) { rewindRun(input: $i) { rewoundRun { id } } }"
    assert stranger.refused(query, i=given)[0] == 404
    assert stranger.stream(run, {}).status_code == 404
    assert state(wire, run) == "running"


@pytest.mark.each_database
def test_a_rewound_run_is_as_it_was_at_that_step(wire: Wire) -> None:
    run = wire.start_run(config='{"x": {"value": 1}}')
    lines = [
        '{"_step": 0, "loss": 5, "deep": {"a": 1, "b": 1}}',
        '{"_step": 2, "loss": NaN, "deep": {"a": 2}}',
        '{"_step": 5, "loss": 1, "late": 1}',
    ]
    console = {"output.log": {"offset": 0, "content": ["a", "b"]}}
    wire.log(run, *lines, complete=True, exitcode=0)
    wire.stream(run, {"files": console})
    found = wire.ask(REWIND, name=run, project=wire.project, value=3)["rewindRun"]["rewoundRun"]
    assert found["historyLineCount"] == 2
    assert found["project"] == {"name": wire.project, "entity": {"name": ENTITY}}
    fields = "summaryMetrics history historyKeys logLineCount config"
    answer = wire.run(run, fields)
    assert answer["history"] == lines[:2]
    assert answer["summaryMetrics"] == '{"_step": 2, "loss": NaN, "deep": {"a": 2, "b": 1}}'
    assert answer["historyKeys"]["lastStep"] == 2
    assert "late" not in answer["historyKeys"]["keys"]
    assert answer["logLineCount"] == 0
    assert json.loads(answer["config"]) == {"x": {"value": 1}}
    wire.log(run, '{"_step": 4, "loss": 9}', offset=2)
    assert wire.run(run, "historyKeys")["historyKeys"]["lastStep"] == 4


def test_what_cannot_be_rewound_is_refused(wire: Wire) -> None:
    run = wire.start_run()
    assert wire.refused(REWIND, name="none", project=wire.project, value=1)[0] == 404
    query = """mutation($n: String!, $p: String) { rewindRun(input: {runName: $n, projectName: $p,
        metricName: "loss", metricValue: 1}) { rewoundRun { id } } }"""
    assert wire.refused(query, n=run, p=wire.project)[0] == 400


RESUME = """query RunResumeStatus($project: String, $name: String!) { model(name: $project) {
    bucket(name: $name, missingOk: true) { id summaryMetrics logLineCount historyLineCount
        eventsLineCount historyTail eventsTail config tags notes wandbConfig(keys: ["t"]) } } }"""


def test_a_resuming_client_is_told_where_to_go_on(wire: Wire) -> None:
    run = wire.start_run(**PROCESS)
    wire.log(run, '{"_step": 0}', '{"_step": 7.0, "_runtime": 3, "x": NaN}')
    wire.stream(run, {"files": {"output.log": {"offset": 0, "content": ["a", "b", "c"]}}})
    found = wire.ask(RESUME, project=wire.project, name=run)["model"]["bucket"]
    assert found["wandbConfig"] == '{"t": {}}'
    counts = [found[f"{kind}LineCount"] for kind in ("history", "events", "log")]
    assert counts == [2, 0, 3]
    assert json.loads(found["eventsTail"]) == []
    (last,) = json.loads(found["historyTail"])
    assert last == '{"_step": 7, "_runtime": 3, "x": NaN}'
    assert wire.ask(RESUME, project=wire.project, name="none")["model"] == {"bucket": None}
    assert wire.ask(RESUME, project="none", name=run) == {"model": None}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"config": "{"}, "no JSON"),
        ({"config": "[1]"}, "object"),
        ({"summaryMetrics": "1"}, "object"),
        ({"summaryMetrics": '{"a":' * 101 + "1" + "}" * 101}, "levels deep"),
        ({"config": '{"a":' + "[" * 101 + "]" * 101 + "}"}, "levels deep"),
        ({"config": "[" * 100_000}, "no JSON"),
        ({"tags": ["a", 3]}, "String"),
        ({"displayName": {"a": 1}}, "String"),
        ({"unknownField": 1}, "unknownField"),
    ],
)
def test_what_is_no_run_is_refused_with_a_reason(
    wire: Wire, given: dict[str, Any], rule: str
) -> None:
    status, message = wire.refused(UPSERT, input=given | {"modelName": wire.project, "name": "r"})
    assert status in (200, 400)
    assert rule in message


def test_a_replayed_run_has_every_row_once(wire: Wire) -> None:
    run = wire.start_run(**PROCESS)
    rows = [{"_step": n, "_timestamp": 1000.5 + n, "x": n / 3} for n in range(30)]
    wire.log(run, *map(json.dumps, rows[:20]))
    found = wire.ask(UPSERT, input={"modelName": wire.project, "name": run, **PROCESS})
    offset = found["upsertBucket"]["bucket"]["historyLineCount"]
    assert offset == 20
    other = [json.dumps(dict(reversed(row.items()))) for row in rows]
    for _ in range(2):
        wire.log(run, *other[:15], offset=offset)
        wire.log(run, *other[15:], offset=offset + 15)
    steps = [json.loads(line)["_step"] for line in wire.run(run, "history")["history"]]
    assert steps == list(range(30))
    field = "history(minStep: $low, maxStep: $high)"
    page = wire.run(run, field, low=("Int64", 18), high=("Int64", 23))["history"]
    assert [json.loads(line)["_step"] for line in page] == [18, 19, 20, 21, 22]
    assert len(wire.run(run, "history(samples: 7)")["history"]) == 7
    (number,) = wire.run(run, "historyKeys")["historyKeys"]["keys"]["x"]["typeCounts"]
    assert number["count"] == 30


def test_rows_of_a_run_begun_anew_under_its_id_are_added(wire: Wire) -> None:
    run = wire.start_run(**PROCESS)
    wire.log(run, '{"_step": 0, "_timestamp": 1, "x": 1}', '{"_step": 1, "_timestamp": 2}')
    wire.log(run, '{"_step": 0, "_timestamp": 9, "x": 1}', offset=2)
    assert len(wire.run(run, "history")["history"]) == 3
    field = "history(minStep: $low, maxStep: $high)"
    assert len(wire.run(run, field, low=("Int64", 0), high=("Int64", 1))["history"]) == 2
