"""A deleted run takes its own artifacts along where that was asked for, and never another's."""

import sqlalchemy as sa

from sweepcnn.storage import artifact_aliases, artifact_collections, artifacts, deleted_runs, runs
from tests.storage.rows import project_of, run_of


def logged(connection: sa.Connection, collection: int, run: int, digest: str) -> int:
    """Make a version that a run has logged."""
    values = {"collection_id": collection, "user_id": 1, "run_id": run}
    made = artifacts.add(connection, **values, digest="", aliases="[]", tags="[]")
    artifacts.link_run(connection, run, made.id, "output")
    artifacts.commit(connection, made, digest=digest, size=0, file_count=0)
    artifact_aliases.put(connection, collection, made.id, ["latest"])
    return made.id


def test_only_what_no_other_run_logged_goes_too(writing: sa.Connection) -> None:
    run, other = run_of(writing, "r"), run_of(writing, "other")
    project = project_of(writing, "ann")
    collection = artifact_collections.get_or_create(writing, project, "model", "weights").id
    first = logged(writing, collection, other, "a")
    shared = logged(writing, collection, run, "b")
    artifacts.link_run(writing, other, shared, "output")
    artifacts.link_run(writing, run, first, "input")
    own = logged(writing, collection, run, "c")
    assert artifact_aliases.target(writing, collection, "latest") == own
    found = runs.by_id(writing, run)
    assert found is not None
    deleted_runs.delete(writing, found, artifacts=True)
    states = [artifacts.by_id(writing, number).state for number in (first, shared, own)]
    assert states == ["COMMITTED", "COMMITTED", "DELETED"]
    assert artifact_aliases.target(writing, collection, "latest") == shared
    assert deleted_runs.is_deleted(writing, project, "r")
    assert not deleted_runs.is_deleted(writing, project, "other")
    assert runs.get(writing, project, "r") is None


def test_artifacts_stay_where_nothing_else_was_asked_for(writing: sa.Connection) -> None:
    run = run_of(writing)
    project = project_of(writing, "ann")
    collection = artifact_collections.get_or_create(writing, project, "model", "weights").id
    own = logged(writing, collection, run, "a")
    found = runs.by_id(writing, run)
    assert found is not None
    deleted_runs.delete(writing, found, artifacts=False)
    kept = artifacts.by_id(writing, own)
    assert (kept.state, kept.run_id) == ("COMMITTED", None)
