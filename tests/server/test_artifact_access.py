"""Who may read, change and copy whose artifacts."""

import json
from collections.abc import Iterator

import pytest

from sweepcnn.storage import teams, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend
from tests.server.artifact_wire import (
    ADD,
    COLLECTION,
    COMMIT,
    COMPLETE,
    CREATE,
    CREATE_FILES,
    CREATE_MANIFEST,
    DELETE,
    DROP,
    LINK,
    MAPPING,
    MOVE,
    PROJECT,
    READ,
    REMOVE,
    RENAME,
    TAG,
    UNLINK,
    UNTAG,
    UPDATE,
    USE,
    Draft,
    announced,
    arguments,
    begin,
    draft,
    manifest,
    md5,
)
from tests.server.conftest import Wire

pytestmark = pytest.mark.each_database


def field_of(query: str) -> str:
    """Give the field that an operation asks for, as the name of its test."""
    return query.split("{")[1].split("(")[0].strip()


READING = (READ, COLLECTION, MAPPING, PROJECT)
WRITING = (
    *(LINK, UNLINK, UPDATE, ADD, REMOVE, RENAME, MOVE, TAG, UNTAG, DELETE, DROP),
    *(CREATE, CREATE_FILES, CREATE_MANIFEST, COMMIT, USE),
)


@pytest.fixture
def owned(filled: Wire) -> Draft:
    made = draft(filled, clientID=f"client-{filled.project}")
    made.upload(a=b"a")
    made.list_files({"a": made.entry(b"a")})
    made.commit()
    return made


@pytest.mark.parametrize("query", [COLLECTION, MAPPING, PROJECT], ids=field_of)
def test_a_stranger_finds_what_is_there_no_more_than_what_is_not(
    stranger: Wire, owned: Draft, query: str
) -> None:
    given = arguments(query, owned.wire, owned)
    assert stranger.ask(query, **given) == {field_of(query): None}
    assert owned.wire.ask(query, **given)[field_of(query)]


@pytest.mark.parametrize("query", [READ, *WRITING], ids=field_of)
def test_a_stranger_learns_of_no_artifact(stranger: Wire, owned: Draft, query: str) -> None:
    status, message = stranger.refused(query, **arguments(query, owned.wire, owned))
    assert status == 404, message
    assert "not found" in message
    assert owned.wire.ask(READ, id=owned.id)["artifact"]["digest"] == "d"


@pytest.fixture
def their(server: RunningBackend, stranger_key: str) -> Iterator[Wire]:
    """Ask as the stranger, in a project of their own."""
    found = Wire(server.url, stranger_key)
    with found.http:
        query = "mutation M($i: UpsertModelInput!) { upsertModel(input: $i) { project { name } } }"
        found.ask(query, i={"name": found.project, "entityName": "stranger"})
        yield found


@pytest.mark.parametrize("query", [*READING, *WRITING], ids=field_of)
def test_a_viewer_reads_and_does_not_write(
    server: RunningBackend, filled: Wire, stranger: Wire, query: str
) -> None:
    team = f"crew-{filled.project}"
    database = Database(server.database_url)
    with database.write() as writing:
        found = users.by_name(writing, "stranger")
        assert found is not None
        teams.set_member(writing, teams.add(writing, team), found.id, Role.VIEWER)
    database.close()
    ask = "mutation M($i: UpsertModelInput!) { upsertModel(input: $i) { project { name } } }"
    filled.ask(ask, i={"name": filled.project, "entityName": team})
    made = draft(filled, entityName=team, clientID=f"client-{filled.project}")
    made.upload(a=b"a")
    made.list_files({"a": made.entry(b"a")})
    made.commit()
    given = json.loads(json.dumps(arguments(query, filled, made)).replace('"local"', f'"{team}"'))
    asked = query.replace('"local"', f'"{team}"')
    if query in READING:
        assert stranger.ask(asked, **given)
    else:
        status, message = stranger.refused(asked, **given)
        if query == USE:  # a run that is not there; that the artifact may be used is seen elsewhere
            assert status in (403, 404)
        else:
            assert (status, "this takes a member" in message) == (403, True), message


def test_nobody_takes_bytes_along_from_what_they_may_not_see(their: Wire, owned: Draft) -> None:
    mine = their
    given = {"entityName": "stranger", "projectName": mine.project, "artifactTypeName": "t"}
    given |= {"artifactCollectionName": "c", "digest": "d"}
    made = mine.ask(CREATE, i=given)["createArtifact"]["artifact"]["id"]
    thief = Draft(mine, made, "PENDING")
    assert thief.address(b"a") is not None  # to know the digest is not to have the bytes
    thief.list_files({"a": owned.entry(b"a")})
    status, message = thief.refused_commit()
    assert (status, "not found" in message) == (404, True)
    thief.list_files({"a": thief.entry(b"a")})
    status, message = thief.refused_commit()
    assert (status, "was not uploaded" in message) == (400, True)
    document = manifest({})
    given = {"entityName": "stranger", "projectName": mine.project, "artifactID": made}
    given |= {"name": "m", "digest": md5(document), "type": "INCREMENTAL"}
    status, message = mine.refused(CREATE_MANIFEST, i=given | {"baseArtifactID": owned.id})
    assert (status, "not found" in message) == (404, True)
    given = {"artifactID": made, "storagePath": "x", "completeMultipartAction": "Complete"}
    done, _ = begin(draft(owned.wire, "parts"), b"abc", [b"abc"])
    upload = given | {"uploadID": done["uploadID"], "completedParts": announced([b"abc"])}
    status, message = mine.refused(COMPLETE, i=upload)
    assert (status, "upload not found" in message) == (404, True)


def test_runs_that_one_may_not_see_are_left_out_of_the_lineage(their: Wire, owned: Draft) -> None:
    lineage = "query Q($id: ID!) { artifact(id: $id) { usedBy { edges { node { name } } } } }"
    admin, wire = owned.wire, their
    document = """mutation M($i: UpsertBucketInput!) {
        upsertBucket(input: $i) { bucket { name } } }"""
    where = {"entityName": "stranger", "modelName": wire.project, "name": "theirs"}
    wire.ask(document, i=where)
    given = {"artifactID": owned.id, "entityName": "stranger", "projectName": wire.project}
    admin.ask(USE, i=given | {"runName": "theirs"})  # the server's admin may use it anywhere
    used = [
        e["node"]["name"] for e in admin.ask(lineage, id=owned.id)["artifact"]["usedBy"]["edges"]
    ]
    assert used == ["theirs"]
    inputs = """query Q($p: String!) { project(name: $p, entityName: "stranger") {
        run(name: "theirs") { inputArtifacts { totalCount edges { node { id } } } } } }"""
    shown = admin.ask(inputs, p=wire.project)["project"]["run"]["inputArtifacts"]
    assert (shown["totalCount"], len(shown["edges"])) == (1, 1)
    shown = wire.ask(inputs, p=wire.project)["project"]["run"]["inputArtifacts"]
    assert (shown["totalCount"], shown["edges"]) == (0, [])
