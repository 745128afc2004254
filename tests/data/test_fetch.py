import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweepcnn.cli.data import app
from sweepcnn.data import fetch as fetch_module
from sweepcnn.data.fetch import ARCHIVES, Archive, fetch
from sweepcnn.data.locations import FETCHED
from sweepcnn.errors import InputError, WorkError

PAYLOAD = bytes(range(256)) * 2000


class Server(ThreadingHTTPServer):
    """Serves `content` under every path, as its switches say."""

    content = b""
    break_off_after: int | None = None
    ranges = True
    status: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requested: list[str | None] = []

    def archives(self, name: str, file: str, md5: str | None = None) -> dict[str, Archive]:
        return {name: Archive(f"http://127.0.0.1:{self.server_port}/{file}", md5)}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked, whole = self.headers.get("Range"), len(self.server.content)
        self.server.requested.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if self.server.status is not None:
            self.send_error(self.server.status)
            return
        if self.server.ranges and start >= whole:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{whole}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        resumed = self.server.ranges and start > 0
        body = self.server.content[start:] if resumed else self.server.content
        self.send_response(206 if resumed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_off_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPCNN_DATA_DIR", str(tmp_path / "data"))


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


NATURE = zip_of({"inaturalist_12K/train/Aves/a.jpg": PAYLOAD, "__MACOSX/x": b""})


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_zip_is_unpacked_and_nothing_else_remains(tmp_path: Path, server: Server) -> None:
    server.content = NATURE
    seen: list[tuple[int, int]] = []
    path = fetch(
        "inaturalist",
        progress=lambda done, total: seen.append((done, total)),
        archives=server.archives("inaturalist", "nature.zip"),
    )
    assert path == tmp_path / "data" / "inaturalist_12K"
    assert (path / "train" / "Aves" / "a.jpg").read_bytes() == PAYLOAD
    assert left_in(tmp_path / "data") == ["inaturalist_12K"]
    assert seen[-1] == (len(NATURE), len(NATURE))


def test_a_tar_is_unpacked_after_its_checksum(tmp_path: Path, server: Server) -> None:
    server.content = tar_of({"cifar-10-batches-py/data_batch_1": PAYLOAD})
    md5 = hashlib.md5(server.content).hexdigest()
    path = fetch(
        "cifar10", data_dir=tmp_path / "x", archives=server.archives("cifar10", "c.tar.gz", md5)
    )
    assert path == tmp_path / "x" / "cifar-10-batches-py"
    assert (path / "data_batch_1").read_bytes() == PAYLOAD


def test_what_is_there_is_not_fetched_again(server: Server) -> None:
    server.content = NATURE
    archives = server.archives("inaturalist", "nature.zip")
    first = fetch("inaturalist", archives=archives)
    assert fetch("inaturalist", archives=archives) == first
    assert len(server.requested) == 1


def test_a_transfer_that_broke_off_is_resumed(tmp_path: Path, server: Server) -> None:
    server.content, server.break_off_after = NATURE, 200_000
    archives = server.archives("inaturalist", "nature.zip")
    with pytest.raises(WorkError) as caught:
        fetch("inaturalist", archives=archives)
    part = tmp_path / "data" / "nature.zip.part"
    kept = part.stat().st_size
    assert 0 < kept <= 200_000
    assert part.read_bytes() == NATURE[:kept]
    message = str(caught.value)
    assert message.startswith(f"{archives['inaturalist'].url}: the download failed (")
    assert message.endswith(
        f"); {kept:,} bytes are kept in {part}; run `sweepcnn data fetch inaturalist` again to "
        "resume from there"
    )
    server.break_off_after = None
    assert fetch("inaturalist", archives=archives).is_dir()
    assert server.requested == [None, f"bytes={kept}-"]


def test_a_server_that_ignores_ranges_starts_over(tmp_path: Path, server: Server) -> None:
    server.content, server.ranges = NATURE, False
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nature.zip.part").write_bytes(b"x" * 1000)
    assert fetch("inaturalist", archives=server.archives("inaturalist", "nature.zip")).is_dir()
    assert server.requested == ["bytes=1000-"]


def test_a_part_that_is_whole_needs_only_unpacking(tmp_path: Path, server: Server) -> None:
    server.content = NATURE
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nature.zip.part").write_bytes(NATURE)
    assert fetch("inaturalist", archives=server.archives("inaturalist", "nature.zip")).is_dir()


def test_a_part_longer_than_the_archive_is_removed(tmp_path: Path, server: Server) -> None:
    server.content = NATURE
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nature.zip.part").write_bytes(NATURE + b"more")
    archives = server.archives("inaturalist", "nature.zip")
    with pytest.raises(WorkError, match="0 bytes are kept"):
        fetch("inaturalist", archives=archives)
    assert fetch("inaturalist", archives=archives).is_dir()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("nature.zip", NATURE.replace(PAYLOAD[:256], bytes(256), 1)),
        ("nature.zip", NATURE[:-100]),
        ("nature.zip", b"<html>moved</html>"),
        ("nature.zip", zip_of({"../inaturalist_12K/evil": b"", "inaturalist_12K/a": b""})),
        ("nature.zip", zip_of({"/tmp/evil": b"", "inaturalist_12K/a": b""})),
        ("nature.tar.gz", tar_of({"../evil": b"", "inaturalist_12K/a": b""})),
        ("nature.tar.gz", tar_of({"inaturalist_12K/a": PAYLOAD})[:-30]),
    ],
)
def test_a_damaged_or_hostile_archive_is_removed(
    tmp_path: Path, server: Server, file: str, content: bytes
) -> None:
    server.content = content
    with pytest.raises(WorkError) as caught:
        fetch("inaturalist", archives=server.archives("inaturalist", file))
    message = str(caught.value)
    assert message.startswith("the archive of inaturalist: it cannot be unpacked (")
    assert message.endswith(
        "), so it was removed; run `sweepcnn data fetch inaturalist` again to download it afresh"
    )
    assert left_in(tmp_path / "data") == []
    assert left_in(tmp_path) == ["data"]


def test_a_wrong_checksum_is_an_error(tmp_path: Path, server: Server) -> None:
    server.content = tar_of({"cifar-10-batches-py/data_batch_1": PAYLOAD})
    with pytest.raises(WorkError, match=r"its MD5 checksum is .* and not 0123, so it was removed"):
        fetch("cifar10", archives=server.archives("cifar10", "c.tar.gz", "0123"))
    assert left_in(tmp_path / "data") == []


def test_an_archive_of_something_else_is_an_error(server: Server) -> None:
    server.content = zip_of({"other/a": b""})
    with pytest.raises(WorkError, match="it holds no folder inaturalist_12K"):
        fetch("inaturalist", archives=server.archives("inaturalist", "nature.zip"))


def test_a_server_that_refuses_is_an_error(server: Server) -> None:
    server.status = 404
    with pytest.raises(WorkError, match=r"the download failed \(404 Client Error"):
        fetch("inaturalist", archives=server.archives("inaturalist", "nature.zip"))


def test_no_server_at_all_is_an_error(server: Server) -> None:
    archives = server.archives("inaturalist", "nature.zip")
    nowhere = {"inaturalist": Archive(archives["inaturalist"].url.replace("http:", "nohttp:"))}
    with pytest.raises(WorkError, match="again to resume from there"):
        fetch("inaturalist", archives=nowhere)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(WorkError) as caught:
        fetch("inaturalist")
    assert str(caught.value).startswith(
        f"data folder '{tmp_path / 'data'}': it cannot be written ("
    )
    assert "--data-dir or the environment variable SWEEPCNN_DATA_DIR" in str(caught.value)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        fetch("imagenet")
    assert str(caught.value) == (
        "data set 'imagenet': it is not one of those to download; take one of inaturalist, "
        "cifar10, cifar100"
    )


def test_every_archive_has_its_folder() -> None:
    assert ARCHIVES.keys() == FETCHED.keys()


def test_the_command_prints_one_line_of_json(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = NATURE
    archives = server.archives("inaturalist", "nature.zip")
    monkeypatch.setattr(fetch_module, "fetch", partial(fetch, archives=archives))
    run = CliRunner().invoke(app, ["fetch", "inaturalist", "--data-dir", str(tmp_path), "--json"])
    assert run.exit_code == 0
    assert run.stdout.count("\n") == 1
    path = str(tmp_path / "inaturalist_12K")
    assert json.loads(run.stdout) == {"name": "inaturalist", "path": path}
    again = CliRunner().invoke(app, ["fetch", "inaturalist", "--data-dir", str(tmp_path)])
    assert again.stdout == f"inaturalist: {path} (was there already)\n"


def test_the_command_lets_errors_through() -> None:
    run = CliRunner().invoke(app, ["fetch", "imagenet"])
    assert isinstance(run.exception, InputError)


def test_the_help_has_two_examples() -> None:
    run = CliRunner().invoke(app, ["fetch", "--help"])
    assert run.stdout.count("sweepcnn data fetch") == 2
