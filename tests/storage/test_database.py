"""Transactions: writers exclude each other, readers see one snapshot; keys are stored hashed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweepcnn.storage import projects, tables, users
from sweepcnn.storage.database import Database, upsert

KEY = "secret-key-" + "k" * 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with found.write() as connection:
        users.add(connection, "ann", KEY, admin=False)
    yield found
    found.close()


def test_writers_take_turns_and_lose_no_update(database: Database) -> None:
    threads_ready = threading.Barrier(4)

    def add_to_description() -> None:
        threads_ready.wait(10)
        for _ in range(25):
            with database.write() as connection:  # read, then write what depends on it
                project, _ = projects.get_or_create(connection, "ann", "p")
                number = int(project.description or "0") + 1
                connection.execute(
                    tables.projects.update()
                    .where(tables.projects.c.id == project.id)
                    .values(description=str(number))
                )

    threads = [threading.Thread(target=add_to_description) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.read() as connection:
        found = projects.get(connection, "ann", "p")
    assert found is not None
    assert found.description == "100"


def test_a_reader_sees_one_snapshot_while_others_write(database: Database) -> None:
    with database.read() as reading:
        assert projects.of_entity(reading, "ann") == []
        with database.write() as writing:
            projects.get_or_create(writing, "ann", "p")
        assert projects.of_entity(reading, "ann") == []
    with database.read() as reading:
        assert [project.name for project in projects.of_entity(reading, "ann")] == ["p"]


def test_a_write_that_fails_changes_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.write() as connection:
            projects.get_or_create(connection, "ann", "p")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    with database.read() as connection:
        assert projects.get(connection, "ann", "p") is None


def test_upsert_replaces_all_but_the_key_and_takes_no_rows(database: Database) -> None:
    row = {"artifact_id": 1, "md5": "m", "sha256": "a", "size": 1}
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        upsert(connection, tables.artifact_blobs, [])
        upsert(connection, tables.artifact_blobs, [row])
        upsert(connection, tables.artifact_blobs, [row | {"sha256": "b", "size": 2}])
        found = connection.execute(tables.artifact_blobs.select()).all()
        connection.execute(tables.artifact_blobs.delete())
    assert [tuple(item) for item in found] == [(1, "m", "b", 2)]


def test_a_row_cannot_refer_to_what_is_not_there(database: Database) -> None:
    row = {"artifact_id": 99, "md5": "m", "sha256": "a", "size": 1}
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        upsert(connection, tables.artifact_blobs, [row])


def test_a_key_opens_but_is_not_stored(database: Database, tmp_path: Path) -> None:
    with database.read() as connection:
        owner = users.by_key(connection, KEY)
        assert owner is not None
        assert owner.name == "ann"
        assert users.by_key(connection, KEY + "x") is None
        assert users.by_key(connection, owner.key_hash or "") is None
    database.close()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert any(b"ann@localhost" in content for content in files)
    assert not any(KEY.encode() in content for content in files)


def test_a_new_key_voids_the_old_one(database: Database) -> None:
    with database.write() as connection:
        owner = users.by_key(connection, KEY)
        assert owner is not None
        users.update(connection, owner.id, key="another-key")
        assert users.by_key(connection, KEY) is None
        assert users.by_key(connection, "another-key") is not None
