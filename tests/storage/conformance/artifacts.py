"""Artifacts: versions and their numbers, aliases, links, files, uploads, and deletion."""

import sqlalchemy as sa

from sweepcnn.storage import (
    artifact_aliases,
    artifact_collections,
    artifact_files,
    artifact_members,
    artifact_uploads,
    artifacts,
    projects,
)
from sweepcnn.storage.artifact_collections import PORTFOLIO, Collection
from sweepcnn.storage.artifact_files import Entry
from sweepcnn.storage.artifacts import Artifact
from sweepcnn.storage.blobs import Blob
from tests.storage.rows import project_of, run_of

_EVERYBODY = ("ann", "bob")


def collection_of(connection: sa.Connection, name: str, kind: str = "sequence") -> Collection:
    run_of(connection, f"run of {name}")  # with the project and its owner
    project = project_of(connection, "ann")
    return artifact_collections.get_or_create(connection, project, "model", name, kind)


def version_of(connection: sa.Connection, found: Collection, digest: str) -> Artifact:
    added = artifacts.add(
        connection, collection_id=found.id, user_id=1, digest=digest, aliases="[]", tags="[]"
    )
    artifacts.commit(connection, added, digest=digest, size=3, file_count=1)
    artifact_aliases.put(connection, found.id, added.id, [artifact_aliases.LATEST])
    return artifacts.by_id(connection, added.id)


def numbers(connection: sa.Connection, found: Collection) -> list[int]:
    return [member.version_index for member in artifact_members.listed(connection, found)]


class Artifacts:
    def test_versions_are_numbered_and_no_number_is_given_twice(
        self, writing: sa.Connection
    ) -> None:
        found = collection_of(writing, "weights")
        first, second = version_of(writing, found, "a"), version_of(writing, found, "b")
        assert numbers(writing, found) == [1, 0]
        artifacts.delete(writing, second)
        version_of(writing, found, "c")
        assert numbers(writing, found) == [2, 0]
        assert artifacts.by_digest(writing, found.id, "a") == first
        assert artifacts.by_digest(writing, found.id, "b") is None

    def test_an_alias_is_one_versions_of_a_collection(self, writing: sa.Connection) -> None:
        found, other = collection_of(writing, "weights"), collection_of(writing, "other")
        first, second = version_of(writing, found, "a"), version_of(writing, found, "b")
        version_of(writing, other, "a")
        for version in (first, second):
            artifact_aliases.put(writing, found.id, version.id, ["best"])
        assert artifact_aliases.target(writing, found.id, "best") == second.id
        assert artifact_aliases.target(writing, other.id, "best") is None
        assert artifact_aliases.of_version(writing, found.id, first.id) == []
        artifacts.delete(writing, second)
        assert artifact_aliases.target(writing, found.id, "best") is None
        assert artifact_aliases.target(writing, found.id, "latest") == first.id

    def test_a_version_is_found_by_alias_number_and_digest(self, writing: sa.Connection) -> None:
        found = collection_of(writing, "weights")
        version = version_of(writing, found, "d1")
        for name in ("latest", "v0", "d1"):
            member = artifact_members.named(writing, found, name)
            assert member is not None
            assert member.artifact == version
        for name in ("v1", "v99999999999999999999", "d", "V0", "Latest", ""):
            assert artifact_members.named(writing, found, name) is None

    def test_a_linked_version_has_a_number_in_each_place(self, writing: sa.Connection) -> None:
        found = collection_of(writing, "weights")
        portfolio = collection_of(writing, "best", PORTFOLIO)
        version_of(writing, found, "a")
        version = version_of(writing, found, "b")
        for _ in range(2):
            artifact_members.link(writing, portfolio, version, ["prod"])
        places = artifact_members.everywhere(writing, version)
        assert [(p.collection.name, p.version_index) for p in places] == [
            ("weights", 1),
            ("best", 0),
        ]
        artifact_members.unlink(writing, portfolio, version.id)
        assert numbers(writing, portfolio) == []
        assert artifact_aliases.target(writing, portfolio.id, "prod") is None
        assert artifact_members.link(writing, portfolio, version, []).version_index == 1
        assert numbers(writing, found) == [1, 0]

    def test_files_are_listed_with_their_bytes(self, writing: sa.Connection) -> None:
        version = version_of(writing, collection_of(writing, "weights"), "a")
        paths = ["b", "a/c", "B", "é", "a b"]
        entries = [Entry(version.id, path, f"md5 {path}", 2**43, None, None) for path in paths]
        artifact_files.put_entries(writing, entries[:3])
        artifact_files.put_entries(writing, entries)
        artifact_files.put_blob(writing, version.id, "md5 b", Blob("ff", "md5 b", 5))
        listed = artifact_files.files(writing, version.id)
        assert [file.path for file in listed] == sorted(paths)
        assert [entry.path for entry in artifact_files.entries(writing, version.id)] == sorted(
            paths
        )
        assert {file.path for file in listed if file.sha256} == {"b"}
        assert artifact_files.totals(writing, version.id) == (5 * 2**43, 5)

    def test_bytes_are_found_in_their_project_alone(self, writing: sa.Connection) -> None:
        version = version_of(writing, collection_of(writing, "weights"), "a")
        artifact_files.put_blob(writing, version.id, "m", Blob("ff", "m", 5))
        project, other = project_of(writing, "ann"), project_of(writing, "bob")
        found = artifact_files.blobs_in_project(writing, project, ["m", "none"])
        assert found == {"m": Blob("ff", "m", 5)}
        assert artifact_files.blobs_in_project(writing, other, ["m"]) == {}
        artifacts.delete(writing, version)
        assert artifact_files.blobs_in_project(writing, project, ["m"]) == {}

    def test_an_upload_in_parts_is_complete_once_it_is_said(self, writing: sa.Connection) -> None:
        version = version_of(writing, collection_of(writing, "weights"), "a")
        upload = artifact_uploads.add(writing, version.id, "m", {2: "bb", 1: "aa", 10: "cc"})
        assert list(artifact_uploads.parts(writing, upload).items()) == [
            (1, "aa"),
            (2, "bb"),
            (10, "cc"),
        ]
        artifact_uploads.complete(writing, upload)
        found = artifact_uploads.get(writing, upload)
        assert found is not None
        assert found.complete is True

    def test_runs_and_the_artifacts_that_they_made_and_used(self, writing: sa.Connection) -> None:
        version = version_of(writing, collection_of(writing, "weights"), "a")
        maker, user = run_of(writing, "maker"), run_of(writing, "user")
        for _ in range(2):
            artifacts.link_run(writing, maker, version.id, "output")
        artifacts.link_run(writing, user, version.id, "input")
        assert artifacts.of_run(writing, maker, "output", _EVERYBODY) == [version]
        assert artifacts.of_run(writing, maker, "output", ["bob"]) == []
        assert artifacts.of_run(writing, maker, "input", _EVERYBODY) == []
        assert artifacts.count_of_run(writing, user, "input", _EVERYBODY) == 1
        assert [run.id for run in artifacts.users_of(writing, version.id, _EVERYBODY)] == [user]
        assert projects.of_entity(writing, "bob") == []
