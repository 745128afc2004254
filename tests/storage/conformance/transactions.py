"""Transactions: whole or not at all, one writer at a time, readers that see one snapshot."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import sqlalchemy as sa

from sweepcnn.storage import projects, tables
from sweepcnn.storage.database import Database, upsert
from sweepcnn.storage.tables import metadata
from tests.storage.rows import counts, fill, project_of, row_of

_TIMEOUT_S = 60.0


def together(*work: Callable[[], None]) -> None:
    """Do several things at once."""
    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(one) for one in work]:
            future.result(_TIMEOUT_S)


class Transactions:
    def test_a_write_is_kept_whole(self, url: str) -> None:
        with closing(Database(url)) as database, database.write() as connection:
            fill(connection)
        with closing(Database(url)) as database, database.read() as connection:
            assert set(counts(connection).values()) == {1}

    def test_a_write_that_fails_leaves_nothing(self, database: Database) -> None:
        def fail_half_way() -> None:
            with database.write() as connection:
                fill(connection)
                raise RuntimeError("half way")

        with pytest.raises(RuntimeError, match="half way"):
            fail_half_way()
        with database.read() as connection:
            assert set(counts(connection).values()) == {0}

    def test_writers_take_turns_and_lose_no_update(self, url: str) -> None:

        def add_to_description(database: Database) -> None:
            for _ in range(25):
                with database.write() as connection:  # read, then write what depends on it
                    project, _ = projects.get_or_create(connection, "ann", "p")
                    number = str(int(project.description or "0") + 1)
                    where = tables.projects.c.id == project.id
                    change = tables.projects.update().where(where).values(description=number)
                    connection.execute(change)

        with closing(Database(url)) as one, closing(Database(url)) as other:
            together(*(lambda d=d: add_to_description(d) for d in (one, other, one, other)))
            with one.read() as connection:
                found = projects.get(connection, "ann", "p")
        assert found is not None
        assert found.description == "100"

    def test_what_a_writer_has_read_does_not_change_before_it_commits(
        self, database: Database
    ) -> None:
        has_read, order = threading.Event(), []

        def first() -> None:
            with database.write() as connection:
                assert projects.get(connection, "ann", "p") is None
                has_read.set()
                # The other tries all the while; it cannot show that it waits but by doing nothing.
                time.sleep(0.3)
                assert projects.get(connection, "ann", "p") is None
                order.append("first")

        def second() -> None:
            assert has_read.wait(_TIMEOUT_S)
            with database.write() as connection:
                project_of(connection, "ann")
                order.append("second")

        together(first, second)
        assert order == ["first", "second"]

    def test_a_reader_sees_one_snapshot_and_waits_for_no_writer(self, database: Database) -> None:
        with database.read() as reading:
            assert projects.of_entity(reading, "ann") == []
            with database.write() as writing:
                project_of(writing, "ann")
                with database.read() as other:
                    assert projects.of_entity(other, "ann") == []
            assert projects.of_entity(reading, "ann") == []
        with database.read() as reading:
            assert [project.name for project in projects.of_entity(reading, "ann")] == ["p"]

    def test_a_reader_may_not_write(self, database: Database) -> None:
        refused = pytest.raises(sa.exc.DBAPIError, match=r"readonly|read-only")
        with refused, database.read() as connection:
            project_of(connection, "ann")
        with database.write() as connection:
            project_of(connection, "ann")

    def test_many_threads_share_a_database(self, database: Database) -> None:
        def work(number: int) -> None:
            for turn in range(5):
                with database.write() as connection:
                    project_of(connection, "ann", f"{number}-{turn}")
                with database.read() as connection:
                    assert projects.get(connection, "ann", f"{number}-{turn}")

        together(*(lambda n=n: work(n) for n in range(20)))
        with database.read() as connection:
            assert len(projects.of_entity(connection, "ann")) == 100

    def test_a_row_cannot_refer_to_what_is_not_there(self, database: Database) -> None:
        for table in metadata.sorted_tables:
            if not table.foreign_keys:
                continue
            with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
                connection.execute(table.insert().values(row_of(table, 99)))

    def test_upsert_replaces_all_but_the_key_and_takes_no_rows(
        self, writing: sa.Connection
    ) -> None:
        fill(writing)
        row = {"artifact_id": 1, "md5": "m", "sha256": "a", "size": 1}
        upsert(writing, tables.artifact_blobs, [])
        upsert(writing, tables.artifact_blobs, [row, row | {"size": 3}])
        upsert(writing, tables.artifact_blobs, [row | {"sha256": "b", "size": 2}])
        where = tables.artifact_blobs.c.md5 == "m"
        found = writing.execute(tables.artifact_blobs.select().where(where)).mappings().all()
        assert [dict(item) for item in found] == [row | {"sha256": "b", "size": 2}]
