"""One run that several processes write to: the client's shared mode."""

from typing import Any

import pytest

from tests.server.client import Client
from tests.server.conftest import ENTITY, Wire
from tests.server.looking import LOOK


@pytest.fixture
def client(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(client_env, tmp_path_factory.mktemp("work"))


def send(wire: Wire, run: str, writer: str, **files: tuple[int, list[str]]) -> int:
    names = {
        "history": "wandb-history.jsonl",
        "console": "output.log",
        "last": "wandb-summary.json",
    }
    body = {names[k]: {"offset": n, "content": lines} for k, (n, lines) in files.items()}
    path = f"/files/{ENTITY}/{wire.project}/{run}/file_stream"
    headers = {"X-WANDB-USE-ASYNC-FILESTREAM": "true", "X-WANDB-ASYNC-CLIENT-ID": writer}
    return wire.http.post(path, json={"files": body}, headers=headers).status_code


@pytest.mark.each_database
def test_no_writer_overwrites_another_and_a_request_may_come_twice(wire: Wire) -> None:
    run = wire.start_run()
    for _ in range(2):
        assert send(wire, run, "a", history=(0, ["a0", "a1"]), console=(0, ["A"])) == 200
        assert send(wire, run, "b", history=(0, ["b0"]), last=(0, ['{"b": NaN}'])) == 200
        assert send(wire, run, "a", history=(1, ["a1", "a2"]), last=(0, ['{"a": 1}'])) == 200
        assert send(wire, run, "b", history=(1, ["b1"]), console=(0, ["B"])) == 200
    assert send(wire, run, "a", console=(0, ["A again"])) == 200
    found = wire.run(run, "history summaryMetrics logLines { edges { node { line } } }")
    assert found["history"] == ["a0", "a1", "b0", "a2", "b1"]
    assert found["summaryMetrics"] == '{"b": NaN, "a": 1}'
    console = [edge["node"]["line"] for edge in found["logLines"]["edges"]]
    assert console == ["A again", "B"]


@pytest.mark.parametrize("writer", ["", "x" * 129])
def test_a_writer_has_a_name(wire: Wire, writer: str) -> None:
    run = wire.start_run()
    assert send(wire, run, writer, history=(0, ["{}"])) == 400
    assert wire.run(run, "historyLineCount") == {"historyLineCount": 0}


WRITING = """
    import sys, wandb

    label, first = sys.argv[1], sys.argv[1] == "main"
    settings = wandb.Settings(
        mode="shared", x_label=label, x_primary=first, x_update_finish_state=first)
    with wandb.init(project="sharing", id="shared", settings=settings) as run:
        for n in range(5):
            run.log({label: n})
        print("from", label)
        run.summary["of " + label] = n
"""
READING = (
    LOOK
    + """
found = look("sharing/shared")
run = wandb.Api().run("sharing/shared")
found["rows"] = {key: [row[key] for row in run.scan_history(keys=[key])]
                 for key in ("main", "other", "third")}
found["summary"] = {key: run.summary["of " + key] for key in found["rows"]}
print(json.dumps(found))
"""
)


@pytest.mark.each_database
def test_processes_share_a_run(client: Client) -> None:
    script = client.script("writing.py", WRITING)
    for writers in (("other", "third"), ("main",)):
        for process in [client.start(script, writer) for writer in writers]:
            process.ended()
    found: dict[str, Any] = client.facts("reading.py", READING)
    assert found["rows"] == {key: list(range(5)) for key in ("main", "other", "third")}
    assert found["summary"] == {"main": 4, "other": 4, "third": 4}
    assert sorted(found["console"]) == ["from main", "from other", "from third"]
    assert found["state"] == "finished"
