"""Runs from elsewhere that a sweep learns from, named by the protocol."""

import json
from typing import Any

import pytest
import yaml

from sweepcnn.storage import projects, runs
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend
from tests.server.conftest import ENTITY, Wire
from tests.server.sweep_wire import GRID, RANDOM, beat, create_agent, read, upsert

pytestmark = pytest.mark.each_database

UPSERT = """mutation($i: UpsertSweepInput!) { upsertSweep(input: $i) {
    sweep { id name } configValidationWarnings } }"""


def named(*names: str) -> str:
    """Give the filter that `wandb sweep --prior_run` sends."""
    return json.dumps({"$or": [{"name": name} for name in names]})


def prior(wire: Wire, sweep: str) -> list[str]:
    fields = "runCount priorRuns { edges { node { name } } }"
    found = read(wire, sweep, fields)
    assert found["runCount"] == 0
    return [edge["node"]["name"] for edge in found["priorRuns"]["edges"]]


def finished(
    wire: Wire, name: str, config: dict[str, float] | None = None, **summary: float
) -> str:
    given = {"x": 0.5} if config is None else config
    wire.start_run(name, config=json.dumps({key: {"value": v} for key, v in given.items()}))
    files = {"wandb-summary.json": {"offset": 0, "content": [json.dumps(summary)]}}
    wire.stream(name, {"files": files, "complete": True, "exitcode": 0})
    return name


def test_prior_runs_are_kept_at_the_creation_and_added_later(wire: Wire) -> None:
    for name in ("r1", "r2", "r3"):
        finished(wire, name, loss=0.5)
    made = upsert(wire, RANDOM, priorRunsFilters=named("r2", "r1", "r2"))
    assert made["configValidationWarnings"] == []
    sweep = made["sweep"]
    assert prior(wire, sweep["name"]) == ["r1", "r2"]
    upsert(wire, id=sweep["id"], priorRunsFilters=named("r1", "r3"))
    assert prior(wire, sweep["name"]) == ["r1", "r2", "r3"]
    upsert(wire, id=sweep["id"], description="changed")
    assert prior(wire, sweep["name"]) == ["r1", "r2", "r3"]


@pytest.mark.parametrize("filters", ["null", "", '{"$or": []}'])
def test_no_prior_runs_are_none(wire: Wire, filters: str) -> None:
    sweep = upsert(wire, RANDOM, priorRunsFilters=filters)["sweep"]
    assert prior(wire, sweep["name"]) == []


def test_an_unknown_prior_run_is_told_and_nothing_is_made(wire: Wire) -> None:
    finished(wire, "known", loss=1)
    given = {"config": yaml.safe_dump(GRID), "projectName": wire.project}
    filters = named("known", "absent", "gone")
    status, message = wire.refused(UPSERT, i=given | {"priorRunsFilters": filters})
    assert status == 400
    assert message.startswith("prior run 'absent', 'gone' not found in the sweep's project; ")
    assert "give the id of a run" in message
    query = "query($p: String) { project(name: $p) { totalSweeps } }"
    assert wire.ask(query, p=wire.project)["project"]["totalSweeps"] == 0


def test_an_update_with_an_unknown_prior_run_changes_nothing(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    given = {"id": sweep["id"], "description": "new", "priorRunsFilters": named("absent")}
    assert wire.refused(UPSERT, i=given)[0] == 400
    assert read(wire, sweep["name"], "description") == {"description": None}


def test_runs_of_another_project_are_unknown(wire: Wire, stranger: Wire) -> None:
    finished(wire, "own", loss=1)
    other = Wire(wire.url, wire.key)
    with other.http:
        finished(other, "elsewhere", loss=1)
    for asker, run in ((wire, "elsewhere"), (stranger, "own")):
        given = {"config": yaml.safe_dump(GRID), "projectName": wire.project}
        status, message = asker.refused(UPSERT, i=given | {"priorRunsFilters": named(run)})
        assert (status, f"{run!r} not found" in message) == (400, True)


def test_a_run_of_the_sweep_itself_is_none_from_elsewhere(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    run = beat(wire, create_agent(wire, sweep["name"]))[0]["run_id"]
    warnings = upsert(wire, id=sweep["id"], priorRunsFilters=named(run))["configValidationWarnings"]
    told = "is of this sweep, which learns from it anyway; name runs from elsewhere"
    assert warnings == [f"prior run {run!r} {told}"]
    found = read(wire, sweep["name"], "priorRuns { edges { node { name } } }")
    assert found == {"priorRuns": {"edges": []}}


def test_of_which_prior_runs_nothing_is_learnt_is_told(wire: Wire) -> None:
    finished(wire, "good", loss=0.5)
    finished(wire, "unmeasured", accuracy=0.5)
    wire.start_run("running", config=json.dumps({"x": {"value": 0.5}}))
    finished(wire, "of another space", config={"y": 1}, loss=1)
    names = ("good", "unmeasured", "running", "of another space")
    made = upsert(wire, RANDOM, priorRunsFilters=named(*names))
    assert made["configValidationWarnings"] == [
        f"nothing is learnt of prior run {told}"
        for told in (
            "'unmeasured': it has no number 'loss', the sweep's metric, in its summary",
            "'running': it is running; that changes once it has ended",
            "'of another space': it has no 'x' in its config",
        )
    ]
    assert prior(wire, made["sweep"]["name"]) == list(names)
    unsearchable = upsert(wire, {"method": "custom"}, priorRunsFilters=named("unmeasured"))
    assert "prior run" not in str(unsearchable["configValidationWarnings"])


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"state": "finished"}, 'must be {"$or": [{"name": "RUN"}, ...]}'),
        ({"$or": {"name": "r"}}, "must be"),
        ({"$or": [{"name": "r", "state": "finished"}]}, "must be"),
        ({"$or": [{"name": 5}]}, "must be"),
        ([{"name": "r"}], "must be"),
        ({"$or": [{"name": "r"}], "x": 1}, "must be"),
        ({"$or": [{"name": f"r{n}"} for n in range(1001)]}, "1001 prior runs: a sweep takes at"),
        ({"$or": [{"name": "n" * 2000}]}, "at most 1024 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_filters_are_refused(wire: Wire, filters: Any, told: str) -> None:
    given = {"config": yaml.safe_dump(GRID), "projectName": wire.project}
    answer = wire.post(UPSERT, i=given | {"priorRunsFilters": json.dumps(filters)}).json()
    assert told in answer["errors"][0]["message"]


def test_a_prior_run_that_is_deleted_is_forgotten(wire: Wire) -> None:
    finished(wire, "goes", loss=1)
    sweep = upsert(wire, RANDOM, priorRunsFilters=named("goes"))["sweep"]
    query = "mutation($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }"
    wire.ask(query, id=wire.run("goes", "id")["id"])
    assert prior(wire, sweep["name"]) == []


def test_a_sweep_learns_from_a_bounded_number_of_runs(wire: Wire, server: RunningBackend) -> None:
    sweep = upsert(wire, RANDOM)["sweep"]
    names = [f"r{number}" for number in range(1001)]
    database = Database(server.database_url)
    with database.write() as writing:
        project = projects.get(writing, ENTITY, wire.project)
        assert project is not None
        for name in names:
            runs.add(writing, project_id=project.id, user_id=1, name=name)
    database.close()
    made = upsert(wire, id=sweep["id"], priorRunsFilters=named(*names[:1000]))
    *shown, rest = made["configValidationWarnings"]
    assert (len(shown), rest) == (10, "and of 990 more")
    given = {"id": sweep["id"], "priorRunsFilters": named(names[1000])}
    status, message = wire.refused(UPSERT, i=given)
    assert (status, message) == (400, "1001 prior runs with those of before: a sweep takes 1000")
    assert prior(wire, sweep["name"]) == names[:1000]
