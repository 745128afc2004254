"""What the doctor finds, and what it says to do."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sweepcnn.errors import InputError
from sweepcnn.server.upkeep.doctor import Findings, examine
from tests.postgresql import PostgreSQL
from tests.server.processes import server_process
from tests.server.upkeep.conftest import Estate, furnished


def look(estate: Estate, *, quick: bool = False) -> Findings:
    return examine(estate.data_dir, None, quick=quick)


def told(findings: Findings) -> str:
    return "\n".join(str(problem) for problem in findings.problems)


def test_all_is_well_and_nothing_is_changed(estate: Estate) -> None:
    estate.file(estate.run("r"), "a.txt", b"content")
    estate.artifact("m", b"model")
    before = {path: path.read_bytes() for path in estate.files() if path.is_file()}
    findings = look(estate)
    assert (findings.problems, findings.notes, findings.blobs) == ([], [], 2)
    assert {path: path.read_bytes() for path in before} == before


def test_all_is_well_beside_a_running_server(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        wire = running.wire()
        with wire.http:
            wire.start_run()
        assert examine(running.data_dir, None, quick=False).problems == []


def test_a_missing_blob_is_told_with_what_refers_to_it(estate: Estate) -> None:
    blob = estate.file(estate.run("r"), "a.txt", b"content")
    path = estate.blobs.path(blob.sha256)
    path.unlink()
    text = f"blob {blob.sha256[:12]} of run_files: is missing; restore {path} from a copy"
    assert told(look(estate)).startswith(text)


def test_a_blob_of_another_size_is_told_even_in_a_hurry(estate: Estate) -> None:
    blob = estate.file(estate.run("r"), "a.txt", b"content")
    estate.blobs.path(blob.sha256).write_bytes(b"cont")
    assert "has 4 bytes instead of 7" in told(look(estate, quick=True))


def test_a_blob_of_other_content_is_told_unless_in_a_hurry(estate: Estate) -> None:
    blob = estate.file(estate.run("r"), "a.txt", b"content")
    estate.blobs.path(blob.sha256).write_bytes(b"CONTENT")
    assert "has other bytes than its name says" in told(look(estate))
    assert look(estate, quick=True).problems == []


def test_rows_that_lead_nowhere_are_told(estate: Estate) -> None:
    estate.file(estate.run("r"), "a.txt", b"content")
    estate.database.close()
    with closing(sqlite3.connect(estate.data_dir / "sweepcnn.db")) as database, database:
        database.execute("DELETE FROM runs")
    assert "table run_files: has 1 rows whose run_id leads nowhere" in told(look(estate))


def test_a_damaged_database_is_told(estate: Estate) -> None:
    for number in range(200):
        estate.run(f"run{number}", notes="x" * 500)
    estate.database.close()
    file = estate.data_dir / "sweepcnn.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    file.write_bytes(content)
    assert "the database: " in told(look(estate))


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda file: file.write_bytes(b"nonsense" * 1000), "cannot be read: file is not"),
        (lambda file: file.unlink(), "is missing; restore a copy"),
    ],
)
def test_a_database_that_is_none_is_told(
    estate: Estate, spoil: Callable[[Path], object], text: str
) -> None:
    estate.database.close()
    for file in estate.data_dir.glob("sweepcnn.db-*"):
        file.unlink()
    spoil(estate.data_dir / "sweepcnn.db")
    assert text in told(look(estate))


def test_a_database_of_another_version_is_told_and_left_as_it_is(estate: Estate) -> None:
    estate.database.close()
    with closing(sqlite3.connect(estate.data_dir / "sweepcnn.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    assert "has revision 0000, this program's is" in told(look(estate))
    with closing(sqlite3.connect(estate.data_dir / "sweepcnn.db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("0000",)]


@pytest.mark.parametrize("name", ["", "secret", "api-key"])
def test_secrets_that_others_can_read_are_told(estate: Estate, name: str) -> None:
    path = estate.data_dir / name
    path.chmod(0o755)
    assert f"{path}: is open to others (755); chmod go= {path}" in told(look(estate))


def test_a_secret_that_is_gone_is_told(estate: Estate) -> None:
    (estate.data_dir / "secret").unlink()
    assert "secret: is missing" in told(look(estate))


def test_a_disk_that_is_nearly_full_is_told(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepcnn.server.upkeep.doctor._LEAST_FREE_BYTES", 2**62)
    assert "MiB of room left; make room" in told(look(estate))


def test_what_is_only_worth_knowing_is_a_note(estate: Estate) -> None:
    estate.run("silent", state="running", heartbeat_at=1.0)
    estate.blob(b"orphan")
    findings = look(estate)
    notes = "\n".join(str(note) for note in findings.notes)
    assert findings.problems == []
    assert "1 live and silent runs: have not been heard of for long; start the server" in notes
    assert "has 1 blobs that nothing refers to" in notes
    assert "`sweepcnn server gc` removes them" in notes


def test_postgresql_is_looked_at_too(tmp_path: Path, postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    with furnished(tmp_path, url) as estate:
        blob = estate.file(estate.run("r"), "a.txt", b"content")
        assert examine(estate.data_dir, url, quick=False).problems == []
        estate.blobs.path(blob.sha256).unlink()
        assert "is missing" in told(examine(estate.data_dir, url, quick=False))


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no backend keeps its files there"):
        examine(tmp_path, None, quick=True)
