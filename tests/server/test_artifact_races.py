"""What others do to an artifact while its manifest is being read, or its parts are joined."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sweepcnn.scheduler import Scheduler
from sweepcnn.server import ids
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.context import Backend, Request
from sweepcnn.server.graphql import execute
from sweepcnn.server.graphql.resolvers import artifact_commits
from sweepcnn.server.turns import Turns
from sweepcnn.storage import (
    artifact_aliases,
    artifact_collections,
    artifact_files,
    artifact_manifests,
    artifact_uploads,
    artifacts,
    projects,
    users,
)
from sweepcnn.storage.artifacts import Artifact
from sweepcnn.storage.blobs import Blob, BlobStore
from sweepcnn.storage.database import Database
from tests.postgresql import PostgreSQL
from tests.server.artifact_wire import COMMIT, COMPLETE, manifest
from tests.server.processes import DEADLINE_S


class BusyStore(BlobStore):
    """A store while which is being read something else happens."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def read(self, sha256: str) -> bytes:
        self.meanwhile()
        return super().read(sha256)

    def join(self, *given: Any, **more: Any) -> Blob:
        self.meanwhile()
        return super().join(*given, **more)


class Commit:
    """A draft of one file that is to be completed, in a backend without a socket.

    Args:
        folder: for blobs.
        database: without rows.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.database, self.blobs = database, BusyStore(folder)
        with database.write() as writing:
            user = users.by_id(writing, users.add(writing, "ann", "key", admin=False))
            assert user is not None
            self.user = user
            project, _ = projects.get_or_create(writing, "ann", "p")
            found = artifact_collections.get_or_create(writing, project.id, "t", "c")
            row = {"collection_id": found.id, "user_id": user.id, "digest": "d"}
            self.draft = artifacts.add(writing, **row, aliases="[]", tags="[]")
            file = self.blobs.write([b"abc"])
            artifact_files.put_blob(writing, self.draft.id, file.md5, file)
            listed = self.blobs.write([manifest({"f": {"digest": file.md5, "size": 3}})])
            row = {"artifact_id": self.draft.id, "name": "m", "digest": "d", "type": "FULL"}
            artifact_manifests.add(writing, **row, sha256=listed.sha256, size=listed.size)
        self.wire_id = ids.encode("Artifact", self.draft.id)

    def ask(self, query: str, **given: Any) -> tuple[int, Any]:
        backend = Backend(
            database=self.database,
            blobs=self.blobs,
            addresses=Addresses("secret"),
            scheduler=Scheduler(self.database),
            secret="secret",
        )
        body = {"query": query, "variables": {"i": {"artifactID": self.wire_id} | given}}
        with Request(backend, self.user, "http://localhost") as request:
            return execute(body, request)

    def now(self) -> Artifact:
        with self.database.read() as reading:
            return artifacts.by_id(reading, self.draft.id)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path / 'test.db'}")) as found:
        yield found


@pytest.fixture
def commit(tmp_path: Path, database: Database) -> Commit:
    return Commit(tmp_path / "blobs", database)


def test_an_artifact_that_is_deleted_while_it_is_completed_stays_deleted(commit: Commit) -> None:
    def delete() -> None:
        with commit.database.write() as writing:
            artifacts.delete(writing, commit.draft)

    commit.blobs.meanwhile = delete
    status, answer = commit.ask(COMMIT)
    assert status == 404
    assert "deleted while it was being completed" in answer["errors"][0]["message"]
    assert (commit.now().state, commit.now().version_index) == (artifacts.DELETED, None)


def test_an_alias_that_is_asked_for_while_it_is_completed_is_set(commit: Commit) -> None:
    def name() -> None:
        with commit.database.write() as writing:
            artifacts.update(writing, commit.draft.id, aliases=json.dumps(["best"]))

    commit.blobs.meanwhile = name
    assert commit.ask(COMMIT)[0] == 200
    with commit.database.read() as reading:
        found = artifact_aliases.of_artifact(reading, commit.draft.id)
    assert [alias for _, alias in found] == ["best", "latest"]


def test_who_asks_again_while_it_is_completed_is_told_of_the_version(
    commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, answers = threading.Semaphore(0), []

    class Noted(Turns[int]):
        def turn(self, key: int) -> Any:
            waiting.release()
            return super().turn(key)

    def ask_again() -> None:
        again.start()
        for _ in ("who came first", "who asks again"):
            assert waiting.acquire(timeout=DEADLINE_S)

    again = threading.Thread(target=lambda: answers.append(commit.ask(COMMIT)))
    monkeypatch.setattr(artifact_commits, "_committing", Noted())
    commit.blobs.meanwhile = ask_again
    first = commit.ask(COMMIT)
    again.join(DEADLINE_S)
    assert first[1]["data"]["commitArtifact"]["artifact"]["state"] == artifacts.COMMITTED
    assert answers == [first]


UPDATE = "mutation ($i: UpdateArtifactInput!) { updateArtifact(input: $i) { artifact { id } } }"
LINK = "mutation ($i: LinkArtifactInput!) { linkArtifact(input: $i) { versionIndex } }"


@pytest.mark.parametrize(
    ("change", "given"),
    [
        (UPDATE, {"aliases": [{"artifactCollectionName": "c", "alias": "best"}]}),
        (LINK, {"artifactPortfolioName": "picked", "entityName": "ann", "projectName": "p"}),
    ],
)
def test_what_is_deleted_before_its_change_gets_its_turn_is_not_changed(
    commit: Commit, monkeypatch: pytest.MonkeyPatch, change: str, given: dict[str, Any]
) -> None:
    assert commit.ask(COMMIT)[0] == 200
    write = commit.database.write

    def after_deletion() -> Any:
        with write() as writing:
            artifacts.delete(writing, artifacts.by_id(writing, commit.draft.id))
        return write()

    monkeypatch.setattr(commit.database, "write", after_deletion)
    status, answer = commit.ask(change, **given)
    assert (status, answer["errors"][0]["message"]) == (404, "the artifact was deleted just now")
    with commit.database.read() as reading:
        assert artifact_aliases.of_artifact(reading, commit.draft.id) == []


def test_parts_may_take_longer_to_join_than_postgresql_lets_a_transaction_rest(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    url = postgresql.new_database()
    with closing(Database(url)) as database:
        commit = Commit(tmp_path / "blobs", database)
        whole = commit.blobs.write([b"x"])
        with database.write() as writing:
            upload = artifact_uploads.add(writing, commit.draft.id, whole.md5, {1: "a" * 32})
        (tmp_path / "blobs" / "incoming" / f"upload-{upload}-part-1").write_bytes(b"x")
        # Connections that rest in the pool are tested before they are used.
        commit.blobs.meanwhile = lambda: postgresql.cut_connections(url)
        given: dict[str, Any] = {"uploadID": ids.encode("Upload", upload)}
        given |= {"completeMultipartAction": "Complete", "storagePath": "x"}
        given |= {"completedParts": [{"partNumber": 1, "hexMD5": "a" * 32}]}
        status, answer = commit.ask(COMPLETE, **given)
        assert (status, "errors" in answer) == (200, False)
        assert answer["data"]["completeMultipartUploadArtifact"] == {"digest": whole.md5}
