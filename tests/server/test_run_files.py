"""Files of runs on the wire: found by name and pattern, page by page, uploaded, deleted."""

import base64
from typing import Any

import pytest

from tests.server.conftest import Wire

pytestmark = pytest.mark.each_database
QUERY = """query RunFiles($project: String!, $name: String!, $after: String, $first: Int,
    $names: [String] = [], $upload: Boolean = false, $pattern: String) {
    project(name: $project) { internalId run(name: $name) { fileCount projectId
        files(names: $names, after: $after, first: $first, pattern: $pattern, upload: $upload) {
            edges { node { id name url(upload: $upload) directUrl sizeBytes mimetype updatedAt md5 }
                cursor } pageInfo { endCursor hasNextPage } totalCount } } } }"""
DELETE = """mutation deleteFiles($files: [ID!]!, $projectId: Int) {
    deleteFiles(input: {files: $files, projectId: $projectId}) { success } }"""
NAMES = ["Ümlaut ✓.PNG", "a b.txt", "media/images/50%_off.png", "media/images/x_1.png", "z\\y.txt"]
STORED = sorted([*NAMES[:4], "z/y.txt"])


@pytest.fixture
def run(wire: Wire) -> str:
    name = wire.start_run()
    for number, file in enumerate(NAMES):
        url = wire.upload_url(name, file)
        assert wire.http.put(url, content=b"x" * number).status_code == 200
    return name


def ask(wire: Wire, run: str, **variables: Any) -> Any:
    return wire.ask(QUERY, project=wire.project, name=run, **variables)["project"]


def found(wire: Wire, run: str, **variables: Any) -> list[str]:
    edges = ask(wire, run, **variables)["run"]["files"]["edges"]
    return [edge["node"]["name"] for edge in edges]


def test_pages_have_every_file_once(wire: Wire, run: str) -> None:
    names, after = [], None
    while True:
        project = ask(wire, run, first=2, after=after)
        page = project["run"]["files"]
        names += [edge["node"]["name"] for edge in page["edges"]]
        assert page["totalCount"] == project["run"]["fileCount"] == len(STORED)
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        after = page["edges"][-1]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert names == STORED
    assert int(project["internalId"]) == project["run"]["projectId"]
    assert found(wire, run, after=after) == []


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("%.png", ["media/images/50%_off.png", "media/images/x_1.png", "Ümlaut ✓.PNG"]),
        ("%.txt", ["a b.txt", "z/y.txt"]),
        ("a_b.txt", ["a b.txt"]),
        ("%50\\%\\_off%", ["media/images/50%_off.png"]),
        ("media/images/x\\_1.png", ["media/images/x_1.png"]),
        ("A B.TXT", ["a b.txt"]),
        ("b.txt", []),
        ("%\\", []),
        ("%\\\\", []),
        ("\0", []),
        ("[a-z]*", []),
    ],
)
def test_a_pattern_is_that_of_sql(wire: Wire, run: str, pattern: str, matching: list[str]) -> None:
    assert found(wire, run, pattern=pattern) == matching


def test_names_are_made_plain(wire: Wire, run: str) -> None:
    assert found(
        wire, run, names=["./a b.txt", "media//images/../images/x_1.png", "none", None]
    ) == [
        "a b.txt",
        "media/images/x_1.png",
    ]
    assert found(wire, run, names=["none"]) == []


def test_a_file_that_is_to_be_uploaded_may_not_be_there_yet(wire: Wire, run: str) -> None:
    files = ask(wire, run, names=["./new.txt", "a b.txt"], upload=True)["run"]["files"]["edges"]
    old, new = [edge["node"] for edge in files]
    assert (new["name"], new["sizeBytes"], new["directUrl"]) == ("new.txt", 0, None)
    for node in (old, new):
        assert wire.http.put(node["url"], content=b"later").status_code == 200
    for name in ("new.txt", "a b.txt"):
        (edge,) = ask(wire, run, names=[name])["run"]["files"]["edges"]
        assert wire.http.get(edge["node"]["directUrl"]).content == b"later"
    assert wire.run(run, "fileCount") == {"fileCount": len(STORED) + 1}


def test_files_are_deleted_by_their_ids(wire: Wire, run: str) -> None:
    project = ask(wire, run)
    ids = [edge["node"]["id"] for edge in project["run"]["files"]["edges"]]
    number = project["run"]["projectId"]
    assert wire.refused(DELETE, files=ids[:1], projectId=number + 1)[0] == 404
    for _ in range(2):
        assert wire.ask(DELETE, files=ids[:2], projectId=number)["deleteFiles"]["success"]
    assert wire.ask(DELETE, files=ids[2:3])["deleteFiles"]["success"]
    assert found(wire, run) == STORED[3:]


@pytest.mark.parametrize("text", ["", "x", "File:1", "File:x:a", "Run:1:a", f"File:{10**12}:a"])
def test_what_is_no_id_of_a_file_is_refused(wire: Wire, run: str, text: str) -> None:
    wrong = base64.b64encode(text.encode()).decode()
    assert wire.refused(DELETE, files=[wrong])[0] == 404
    query = QUERY.replace("$after: String", "$after: String!")
    if text:
        assert wire.refused(query, project=wire.project, name=run, after=wrong)[0] == 404


def test_a_pattern_has_a_bound(wire: Wire, run: str) -> None:
    status, message = wire.refused(QUERY, project=wire.project, name=run, pattern="%a" * 1000)
    assert status == 400
    assert "1024" in message
