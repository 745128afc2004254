"""A project with one of everything that has an id or an address, made as a member makes it."""

import base64
import hashlib
import json
from dataclasses import dataclass
from itertools import count
from typing import Any

from sweepcnn.server import ids
from tests.server.conftest import Wire

_numbers = count(1)
_IN_PARTS = b"the content of a large file"
PART: dict[str, Any] = {"partNumber": 1, "hexMD5": hashlib.md5(_IN_PARTS).hexdigest()}


@dataclass(frozen=True)
class Target:
    """How clients name what there is."""

    entity: str
    project: str
    project_id: str
    run: str
    run_id: str
    file_id: str
    sweep: str
    sweep_id: str
    agent_id: str
    collection: str
    collection_id: str
    artifact_id: str
    """Committed, with one file."""
    content: str
    """Of that file; no other target has the same."""
    blob: str
    """The hexadecimal MD5 of it."""
    pending_id: str
    """An artifact whose manifest is here, and which is not committed."""
    manifest_id: str
    client_id: str
    upload_id: str
    """Of a file of the pending artifact, whose one part is here."""
    portfolio: str
    portfolio_id: str
    """Of a collection to which the committed artifact is linked."""
    view_id: str
    guest: str
    """A user who is in no team."""
    member_id: str
    """One who is in it."""


def _id(kind: str) -> str:
    return ids.encode(kind, 10**8)


MISSING = Target(
    entity="missing-entity",
    project="missing-project",
    project_id=_id("Project"),
    run="missing-run",
    run_id=_id("Run"),
    file_id=base64.b64encode(f"File:{10**8}:file.txt".encode()).decode(),
    sweep="missing-sweep",
    sweep_id=_id("Sweep"),
    agent_id=_id("Agent"),
    collection="missing-collection",
    collection_id=_id("Collection"),
    artifact_id=_id("Artifact"),
    content="missing content",
    blob="0" * 32,
    pending_id=_id("Artifact"),
    manifest_id=_id("Manifest"),
    client_id="missing-client-id",
    upload_id=_id("Upload"),
    portfolio="missing-portfolio",
    portfolio_id=_id("Collection"),
    view_id=_id("View"),
    guest="missing-user",
    member_id=_id("Member"),
)
"""The names of what is not there."""


def make(wire: Wire, entity: str, *, guest: str = "", member_id: str = "") -> Target:
    """Make a project of an entity by the protocol; the people are made elsewhere."""
    number = next(_numbers)
    project, run = f"target{number}", f"run{number}"
    content = f"the content of a file of {entity}/{project}".encode()
    where = {"entityName": entity, "projectName": project}
    bucket = _call(
        wire,
        "upsertBucket",
        "bucket { id project { id } }",
        entityName=entity,
        modelName=project,
        name=run,
    )["bucket"]
    made = _call(wire, "createRunFiles", "files { uploadUrl }", **where, runName=run, files=["f"])
    assert wire.http.put(made["files"][0]["uploadUrl"], content=content).status_code == 200
    file = wire.ask(
        "query F($e: String, $p: String, $r: String!) { project(entityName: $e, name: $p)"
        " { run(name: $r) { files { edges { node { id } } } } } }",
        e=entity,
        p=project,
        r=run,
    )["project"]["run"]["files"]["edges"][0]["node"]
    config = "method: grid\nparameters: {a: {values: [1, 2, 3, 4, 5, 6]}}"
    sweep = _call(wire, "upsertSweep", "sweep { id name }", **where, config=config)["sweep"]
    agent = _call(wire, "createAgent", "agent { id }", **where, host="h", sweep=sweep["name"])
    artifact_id = _artifact(wire, where, content, "first")
    _call(wire, "commitArtifact", "artifact { id }", artifactID=artifact_id)
    view = {"type": "runs", "name": "v", "spec": "{}"}
    saved = _call(wire, "upsertView", "view { id }", **where, **view)["view"]
    read = wire.ask(
        "query C($id: ID!) { artifact(id: $id) { artifactSequence { id } } }",
        id=artifact_id,
    )
    pending_id = _artifact(wire, where, content, f"client{number}")
    fields = "artifactMembership { artifactCollection { id } }"
    given = where | {"artifactID": artifact_id, "artifactPortfolioName": "best"}
    linked = _call(wire, "linkArtifact", fields, **given)["artifactMembership"]
    return Target(
        entity=entity,
        project=project,
        project_id=bucket["project"]["id"],
        run=run,
        run_id=bucket["id"],
        file_id=file["id"],
        sweep=sweep["name"],
        sweep_id=sweep["id"],
        agent_id=agent["agent"]["id"],
        collection="weights",
        collection_id=read["artifact"]["artifactSequence"]["id"],
        artifact_id=artifact_id,
        content=content.decode(),
        blob=hashlib.md5(content).hexdigest(),
        pending_id=pending_id,
        manifest_id=_manifest(wire, where, content, pending_id),
        client_id=f"client{number}",
        upload_id=_part(wire, pending_id),
        portfolio="best",
        portfolio_id=linked["artifactCollection"]["id"],
        view_id=saved["id"],
        guest=guest,
        member_id=member_id,
    )


def _call(wire: Wire, mutation: str, fields: str, **given: Any) -> Any:
    type_ = mutation[0].upper() + mutation[1:] + "Input"
    document = f"mutation M($input: {type_}!) {{ {mutation}(input: $input) {{ {fields} }} }}"
    return wire.ask(document, input=given)[mutation]


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def _artifact(wire: Wire, where: dict[str, str], content: bytes, client_id: str) -> str:
    """Make an artifact of one file, all but its commit."""
    kind = {"artifactTypeName": "model", "artifactCollectionName": "weights"}
    given = where | kind | {"digest": client_id, "clientID": client_id}
    wire_id = str(_call(wire, "createArtifact", "artifact { id }", **given)["artifact"]["id"])
    digest = _md5(content)
    _manifest(wire, where, content, wire_id)
    spec = {"artifactID": wire_id, "name": "file.txt", "md5": digest}
    fields = "files { edges { node { uploadUrl } } }"
    files = _call(wire, "createArtifactFiles", fields, artifactFiles=[spec], storageLayout="V2")
    url = files["files"]["edges"][0]["node"]["uploadUrl"]
    if url:  # null where the project has these bytes
        assert wire.http.put(url, content=content).status_code == 200
    return wire_id


def _manifest(wire: Wire, where: dict[str, str], content: bytes, artifact_id: str) -> str:
    """Make and upload a manifest with one file; give its id."""
    given = where | {"artifactID": artifact_id, "name": "m", "digest": "", "type": "FULL"}
    fields = "artifactManifest { id file { uploadUrl } }"
    made = _call(wire, "createArtifactManifest", fields, **given)["artifactManifest"]
    entry = {
        "digest": _md5(content),
        "size": len(content),
        "birthArtifactID": artifact_id,
    }
    manifest = {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": {"file.txt": entry},
    }
    text = json.dumps(manifest)
    assert wire.http.put(made["file"]["uploadUrl"], content=text).status_code == 200
    return str(made["id"])


def _part(wire: Wire, artifact_id: str) -> str:
    """Begin a file in one part, whose bytes are sent; give the id of its upload."""
    digest = base64.b64encode(bytes.fromhex(PART["hexMD5"])).decode()
    spec = {"artifactID": artifact_id, "name": "large", "md5": digest, "uploadPartsInput": [PART]}
    fields = "files { edges { node { uploadMultipartUrls { uploadID uploadUrlParts { uploadUrl"
    files = _call(wire, "createArtifactFiles", f"{fields} }} }} }} }} }}", artifactFiles=[spec])
    upload = files["files"]["edges"][0]["node"]["uploadMultipartUrls"]
    url = upload["uploadUrlParts"][0]["uploadUrl"]
    assert wire.http.put(url, content=_IN_PARTS).status_code == 200
    return str(upload["uploadID"])
