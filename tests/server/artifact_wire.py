"""Artifacts by hand on the wire, for what the client never sends."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.server.conftest import ENTITY, Wire


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


@dataclass
class Draft:
    """An artifact that is being filled."""

    wire: Wire
    id: str
    state: str

    def address(self, content: bytes, name: str = "file.bin") -> str | None:
        """Announce a file and give where to send it; null where it is there already."""
        url: str | None = self.announce(content, name)["uploadUrl"]
        return url

    def announce(self, content: bytes, name: str, **more: Any) -> Any:
        spec = {"artifactID": self.id, "name": name, "md5": md5(content)} | more
        data = self.wire.ask(CREATE_FILES, i={"artifactFiles": [spec], "storageLayout": "V2"})
        return data["createArtifactFiles"]["files"]["edges"][0]["node"]

    def upload(self, **files: bytes) -> None:
        for name, content in files.items():
            url = self.address(content, name)
            assert url is None or httpx.put(url, content=content).status_code == 200

    def entry(self, content: bytes, **more: Any) -> dict[str, Any]:
        return {"digest": md5(content), "size": len(content), "birthArtifactID": self.id} | more

    def manifest_address(self, document: bytes, **more: Any) -> str:
        given = {"entityName": ENTITY, "projectName": self.wire.project, "artifactID": self.id}
        given |= {"name": "wandb_manifest.json", "digest": md5(document), "type": "FULL"} | more
        made = self.wire.ask(CREATE_MANIFEST, i=given)["createArtifactManifest"]
        return str(made["artifactManifest"]["file"]["uploadUrl"])

    def list_files(self, contents: Any, **more: Any) -> None:
        """Send a manifest of these entries, or of this text."""
        document = contents if isinstance(contents, bytes) else manifest(contents)
        url = self.manifest_address(document, **more)
        assert httpx.put(url, content=document).status_code == 200

    def commit(self) -> Any:
        return self.wire.ask(COMMIT, i={"artifactID": self.id})["commitArtifact"]["artifact"]

    def refused_commit(self) -> tuple[int, str]:
        return self.wire.refused(COMMIT, i={"artifactID": self.id})


def manifest(contents: Any) -> bytes:
    config = {"storageLayout": "V2"}
    whole = {"version": 1, "storagePolicy": "wandb-storage-policy-v1"}
    whole |= {"storagePolicyConfig": config, "contents": contents}
    return json.dumps(whole).encode()


def draft(wire: Wire, name: str = "c", digest: str = "d", **more: Any) -> Draft:
    """Create an artifact; the project is made by its first run."""
    given = {"entityName": ENTITY, "projectName": wire.project, "artifactTypeName": "t"}
    given |= {"artifactCollectionName": name, "digest": digest} | more
    made = wire.ask(CREATE, i=given)["createArtifact"]["artifact"]
    return Draft(wire, made["id"], made["state"])


def committed(wire: Wire, name: str = "c", **files: bytes) -> Draft:
    """Make a version of these files."""
    made = draft(
        wire, name, digest=md5(json.dumps([name, sorted(map(str, files.items()))]).encode())
    )
    made.upload(**files)
    made.list_files({path: made.entry(content) for path, content in files.items()})
    made.commit()
    return made


CREATE = """mutation M($i: CreateArtifactInput!) {
    createArtifact(input: $i) { artifact { id state artifactSequence { id } } } }"""
CREATE_FILES = """mutation M($i: CreateArtifactFilesInput!) { createArtifactFiles(input: $i) {
    files { edges { node { storagePath uploadUrl uploadHeaders artifact { id }
    uploadMultipartUrls { uploadID uploadUrlParts { partNumber uploadUrl } } } } } } }"""
CREATE_MANIFEST = """mutation M($i: CreateArtifactManifestInput!) {
    createArtifactManifest(input: $i) { artifactManifest { id file { uploadUrl } } } }"""
COMMIT = """mutation M($i: CommitArtifactInput!) { commitArtifact(input: $i) {
    artifact { id state versionIndex size fileCount digest currentManifest { file { directUrl } }
    files(first: 100) { totalCount edges { node { name directUrl sizeBytes } } } } } }"""
COMPLETE = """mutation M($i: CompleteMultipartUploadArtifactInput!) {
    completeMultipartUploadArtifact(input: $i) { digest } }"""
DELETE = """mutation M($i: DeleteArtifactInput!) {
    deleteArtifact(input: $i) { artifact { id state } } }"""
READ = "query Q($id: ID!) { artifact(id: $id) { digest } }"
LINK = "mutation M($i: LinkArtifactInput!) { linkArtifact(input: $i) { versionIndex } }"
USE = "mutation M($i: UseArtifactInput!) { useArtifact(input: $i) { artifact { id } } }"
UPDATE = "mutation M($i: UpdateArtifactInput!) { updateArtifact(input: $i) { artifact { id } } }"
ADD = "mutation M($i: AddAliasesInput!) { addAliases(input: $i) { success } }"
REMOVE = "mutation M($i: DeleteAliasesInput!) { deleteAliases(input: $i) { success } }"
RENAME = """mutation M($i: UpdateArtifactSequenceInput!) {
    updateArtifactSequence(input: $i) { artifactCollection { name } } }"""
MOVE = """mutation M($i: MoveArtifactSequenceInput!) {
    moveArtifactSequence(input: $i) { artifactCollection { name } } }"""
DROP = """mutation M($i: DeleteArtifactSequenceInput!) {
    deleteArtifactSequence(input: $i) { artifactCollection { __typename state } } }"""
TAG = """mutation M($i: CreateArtifactCollectionTagAssignmentsInput!) {
    createArtifactCollectionTagAssignments(input: $i) { tags { name } } }"""
UNTAG = """mutation M($i: DeleteArtifactCollectionTagAssignmentsInput!) {
    deleteArtifactCollectionTagAssignments(input: $i) { success } }"""
UNLINK = "mutation M($i: UnlinkArtifactInput!) { unlinkArtifact(input: $i) { success } }"
MAPPING = "query Q($id: ID!) { clientIDMapping(clientID: $id) { serverID } }"
COLLECTION = "query Q($id: ID!) { artifactCollection(id: $id) { name } }"
PROJECT = """query Q($p: String!) { project(name: $p, entityName: "local") {
    artifact(name: "c") { id } } }"""


def arguments(query: str, wire: Wire, made: Draft) -> dict[str, Any]:
    """Give the variables of an operation upon an artifact and its collection `c`."""
    where = {"entityName": ENTITY, "projectName": wire.project}
    mine = {"artifactID": made.id}
    alias = where | {"artifactCollectionName": "c", "alias": "x"}
    sequence = base64.b64encode(b"Collection:" + collection_id(made)).decode()
    of: dict[str, dict[str, Any]] = {
        READ: {"id": made.id},
        COLLECTION: {"id": sequence},
        MAPPING: {"id": f"client-{wire.project}"},
        PROJECT: {"p": wire.project},
        LINK: {"i": mine | where | {"artifactPortfolioName": "shelf"}},
        UNLINK: {"i": mine | {"artifactPortfolioID": sequence}},
        USE: {"i": mine | where | {"runName": "run1"}},
        UPDATE: {"i": mine | {"description": "changed"}},
        DELETE: {"i": mine | {"deleteAliases": True}},
        COMMIT: {"i": mine},
        ADD: {"i": mine | {"aliases": [alias]}},
        REMOVE: {"i": mine | {"aliases": [alias]}},
        RENAME: {"i": {"artifactSequenceID": sequence, "name": "stolen"}},
        MOVE: {"i": {"artifactSequenceID": sequence, "destinationArtifactTypeName": "x"}},
        DROP: {"i": {"artifactSequenceID": sequence}},
        TAG: {"i": where | {"artifactCollectionName": "c", "tags": [{"tagName": "x"}]}},
        UNTAG: {"i": where | {"artifactCollectionName": "c", "tags": [{"tagName": "x"}]}},
        CREATE: {
            "i": where | {"artifactTypeName": "t", "artifactCollectionName": "c", "digest": "other"}
        },
        CREATE_FILES: {"i": {"artifactFiles": [mine | {"name": "a", "md5": md5(b"")}]}},
        CREATE_MANIFEST: {"i": mine | where | {"name": "m", "digest": md5(b"")}},
    }
    return of[query]


def collection_id(made: Draft) -> bytes:
    query = "query Q($id: ID!) { artifact(id: $id) { artifactSequence { id } } }"
    try:
        found = made.wire.ask(query, id=made.id)["artifact"]["artifactSequence"]["id"]
    except AssertionError:  # it was deleted
        return b"0"
    return base64.b64decode(found).split(b":")[1]


def announced(parts: list[bytes]) -> list[dict[str, Any]]:
    return [
        {"partNumber": number, "hexMD5": hashlib.md5(part).hexdigest()}
        for number, part in enumerate(parts, 1)
    ]


def begin(made: Draft, content: bytes, parts: list[bytes], **more: Any) -> tuple[Any, list[str]]:
    node = made.announce(content, "big.bin", uploadPartsInput=announced(parts), **more)
    upload = node["uploadMultipartUrls"]
    urls = [part["uploadUrl"] for part in upload["uploadUrlParts"]]
    done = {"artifactID": made.id, "storagePath": node["storagePath"]}
    done |= {"uploadID": upload["uploadID"], "completeMultipartAction": "Complete"}
    return done, urls
