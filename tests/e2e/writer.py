"""Writes to a server that may die at any moment, and knows what the server has acknowledged."""

import base64
import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

ENTITY = "local"
_GIVE_UP_S = 60.0
_CHUNK = 16 * 1024

UPSERT = """mutation UpsertBucket($input: UpsertBucketInput!) {
    upsertBucket(input: $input) { bucket { name } } }"""
RUN_FILES = """mutation CreateRunFiles($input: CreateRunFilesInput!) {
    createRunFiles(input: $input) { files { uploadUrl } } }"""
ARTIFACT = """mutation CreateArtifact($input: CreateArtifactInput!) {
    createArtifact(input: $input) { artifact { id state } } }"""
MANIFEST = """mutation CreateArtifactManifest($input: CreateArtifactManifestInput!) {
    createArtifactManifest(input: $input) { artifactManifest { id file { uploadUrl } } } }"""
ARTIFACT_FILES = """mutation CreateArtifactFiles($input: CreateArtifactFilesInput!) {
    createArtifactFiles(input: $input) { files { edges { node { uploadUrl } } } } }"""
COMMIT = """mutation CommitArtifact($input: CommitArtifactInput!) {
    commitArtifact(input: $input) { artifact { id state } } }"""


@dataclass
class Acknowledged:
    """What the server has answered for."""

    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of runs, by name."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Of history, by run."""
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Of runs, by run and file name."""
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Committed ones, by id: contents by path."""
    blobs: set[str] = field(default_factory=set)
    """SHA-256 of every body of an upload."""


class Writer(threading.Thread):
    """Makes runs with lines, files and artifacts until it is told to stop.

    A request that was cut off is sent again as it was, as the client does.

    Args:
        url: where the server is, or will be again.
        key: the API key.
        project: where to write to.
        seed: of all that is written.
    """

    def __init__(self, url: str, key: str, project: str, seed: int) -> None:
        super().__init__(name=f"writer-{seed}")
        self.acknowledged = Acknowledged()
        self.cut_off = 0
        """Requests that were sent, at least in part, and not answered."""
        self.refused = ""
        """The first answer that was not a success, or why the thread ended."""
        self.ended = threading.Event()
        self._project = project
        self._random = random.Random(seed)
        self._number = 0
        self._http = httpx.Client(base_url=url, auth=("api", key), timeout=20, trust_env=False)

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                self._write_run()
        except Exception as error:  # noqa: BLE001  # told to the test, which runs in another thread
            self.refused = repr(error)
        finally:
            self._http.close()

    def _write_run(self) -> None:
        self._number += 1
        name = f"{self.name}-{self._number}"
        where = {"entityName": ENTITY, "projectName": self._project, "runName": name}
        config = {"seed": {"value": self._random.random()}}
        given = {"entityName": ENTITY, "modelName": self._project, "name": name}
        self._ask(UPSERT, given | {"config": json.dumps(config)})
        self.acknowledged.configs[name] = config
        self._write_lines(name)
        self._write_file(where)
        self._write_artifact(where)
        self._write_lines(name)

    def _write_lines(self, run: str) -> None:
        known = self.acknowledged.lines.setdefault(run, [])
        for _ in range(5):
            offset = len(known)
            steps = range(offset, offset + self._random.randint(1, 40))
            lines = [json.dumps({"_step": step, "x": self._random.random()}) for step in steps]
            part = {"offset": offset, "content": lines}
            path = f"/files/{ENTITY}/{self._project}/{run}/file_stream"
            self._send("POST", path, json={"files": {"wandb-history.jsonl": part}})
            known += lines

    def _write_file(self, where: dict[str, str]) -> None:
        name, content = "media/noise.bin", self._bytes()
        data = self._ask(RUN_FILES, where | {"files": [name]})
        self._put(data["createRunFiles"]["files"][0]["uploadUrl"], content)
        self.acknowledged.files[where["runName"], name] = content

    def _write_artifact(self, where: dict[str, str]) -> None:
        contents = {f"part-{number}.bin": self._bytes() for number in range(3)}
        name = {"artifactTypeName": "noise", "artifactCollectionName": self.name}
        identity = {"digest": f"{where['runName']}", "clientID": where["runName"] * 4}
        created = self._ask(ARTIFACT, where | name | identity)
        artifact = created["createArtifact"]["artifact"]["id"]
        specs = [
            {"artifactID": artifact, "name": path, "md5": _md5(content)}
            for path, content in contents.items()
        ]
        wanted = {"artifactFiles": specs, "storageLayout": "V2"}
        edges = self._ask(ARTIFACT_FILES, wanted)["createArtifactFiles"]["files"]["edges"]
        for edge, content in zip(edges, contents.values(), strict=True):
            self._put(edge["node"]["uploadUrl"], content)
        entries = {
            path: {"digest": _md5(content), "size": len(content), "birthArtifactID": artifact}
            for path, content in contents.items()
        }
        document = {
            "version": 1,
            "storagePolicy": "wandb-storage-policy-v1",
            "storagePolicyConfig": {"storageLayout": "V2"},
            "contents": entries,
        }
        manifest = json.dumps(document).encode()
        stated = {"name": "wandb_manifest.json", "digest": _md5(manifest), "type": "FULL"}
        made = self._ask(MANIFEST, where | {"artifactID": artifact} | stated)
        self._put(made["createArtifactManifest"]["artifactManifest"]["file"]["uploadUrl"], manifest)
        answer = self._ask(COMMIT, {"artifactID": artifact})["commitArtifact"]["artifact"]
        if answer != {"id": artifact, "state": "COMMITTED"}:
            raise RuntimeError(f"commitArtifact answered {answer}")
        self.acknowledged.artifacts[artifact] = contents

    def _bytes(self) -> bytes:
        return self._random.randbytes(self._random.randint(1, 400_000))

    def _put(self, url: str, content: bytes) -> None:
        self._send("PUT", url, content=content)
        self.acknowledged.blobs.add(hashlib.sha256(content).hexdigest())

    def _ask(self, query: str, given: dict[str, Any]) -> Any:
        answer = self._send(
            "POST", "/graphql", json={"query": query, "variables": {"input": given}}
        )
        found = answer.json()
        if found.get("errors"):
            raise RuntimeError(f"{query.split('(')[0]}: {found['errors']}")
        return found["data"]

    def _send(self, method: str, url: str, *, content: bytes = b"", json: Any = None) -> Any:
        """Send until there is an answer, which has to be a good one."""
        deadline = time.monotonic() + _GIVE_UP_S
        while True:
            try:
                # A body in pieces, so that a kill can come between them.
                body = None if method == "POST" else _pieces(content)
                answer = self._http.request(method, url, content=body, json=json)
            except httpx.ConnectError:
                pass
            except httpx.TransportError:
                self.cut_off += 1
            else:
                if answer.status_code != 200:
                    raise RuntimeError(f"{method} {url[:40]}: {answer.status_code} {answer.text}")
                return answer
            if time.monotonic() > deadline:
                raise RuntimeError(f"{method} {url[:40]}: no answer within {_GIVE_UP_S} s")
            time.sleep(0.05)


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]
        time.sleep(0.002)


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
