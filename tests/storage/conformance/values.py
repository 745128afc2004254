"""Values: texts, names and numbers, and what of them no row can hold."""

import json
import random

import pytest
import sqlalchemy as sa

from sweepcnn.storage import projects, run_files, runs, streams, tables
from sweepcnn.storage.blobs import Blob
from sweepcnn.storage.columns import NAME_BYTES, Name, Text, UnfitError
from sweepcnn.storage.database import Database
from sweepcnn.storage.tables import metadata
from tests.storage.rows import fill, project_of, run_of


class Values:
    @pytest.mark.parametrize("text", ["", "ümlaut", "\U0001f600", "a\nb\t", "'\"%_\\", "\ufeff"])
    def test_texts_come_back_as_they_were(self, writing: sa.Connection, text: str) -> None:
        run = run_of(writing)
        streams.write(writing, run, streams.CONSOLE, 0, [text])
        assert streams.read(writing, run, streams.CONSOLE) == [text]

    @pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
    def test_what_a_database_cannot_hold_is_shown_as_such(
        self, writing: sa.Connection, text: str
    ) -> None:
        run = run_of(writing)
        streams.write(writing, run, streams.CONSOLE, 0, [text])
        assert streams.read(writing, run, streams.CONSOLE) == ["a\ufffdb"]

    def test_large_texts_are_kept(self, writing: sa.Connection) -> None:
        text = json.dumps({"text": "ü" * 3_000_000}, ensure_ascii=False)
        runs.update(writing, run_of(writing), summary=text)
        found = runs.get(writing, project_of(writing, "ann"), "r")
        assert found is not None
        assert found.summary == text

    def test_names_are_ordered_by_code_point(self, writing: sa.Connection) -> None:
        written = ["a", "B", "_", "é", "Z", "a b", "a/b", "A", "ä", "\U0001f600", "~"]
        run = run_of(writing)
        for name in written:
            run_files.put(writing, run, name, Blob("ff", "md5", 1), "text/plain")
        found = [file.name for file in run_files.of_run(writing, run)]
        assert found == sorted(written)

    def test_every_text_is_compared_by_code_point(self, writing: sa.Connection) -> None:
        fill(writing)  # with texts in lower case, which come after "Z"
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Text):
                    assert writing.execute(sa.select(column).where(column > "Z")).all(), column

    def test_every_text_in_an_index_is_a_name_and_all_of_an_index_fits(self) -> None:
        keys = (sa.PrimaryKeyConstraint, sa.UniqueConstraint)
        for table in metadata.sorted_tables:
            constraints = [c for c in table.constraints if isinstance(c, keys)]
            for index in (*table.indexes, *constraints):
                texts = [column for column in index.columns if isinstance(column.type, Text)]
                assert all(isinstance(column.type, Name) for column in texts), (table, index)
                assert len(texts) * NAME_BYTES < 2704 - 200, (table, index)

    def test_names_of_every_character_fit_their_index(self, writing: sa.Connection) -> None:
        chance = random.Random(0)  # what cannot be packed
        longest = "".join(chance.choices([chr(n) for n in range(33, 127)], k=NAME_BYTES))
        found, _ = projects.get_or_create(writing, longest, longest)
        assert projects.get(writing, longest, longest) == found

    @pytest.mark.parametrize("name", ["n" * (NAME_BYTES + 1), "ü" * (NAME_BYTES // 2 + 1)])
    def test_longer_names_are_refused(self, database: Database, name: str) -> None:
        with pytest.raises(UnfitError, match="1024 bytes"), database.write() as connection:
            project_of(connection, "ann", name)
        with pytest.raises(UnfitError, match="1024 bytes"), database.read() as connection:
            projects.get(connection, "ann", name)

    @pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**63, 10**400])
    def test_larger_numbers_are_refused(self, database: Database, number: int) -> None:
        with pytest.raises(UnfitError, match="more than 32 bits"), database.read() as connection:
            runs.by_id(connection, number)

    def test_numbers_of_64_bits_are_kept(self, writing: sa.Connection) -> None:
        for number, size in enumerate([0, 2**63 - 1]):
            run_files.put(writing, run_of(writing, f"r{number}"), "f", Blob("ff", "m", size), "t")
        sizes = writing.execute(sa.select(tables.run_files.c.size).order_by("size")).scalars()
        assert list(sizes) == [0, 2**63 - 1]
        with pytest.raises(UnfitError, match="more than 64 bits"):
            run_files.put(writing, run_of(writing), "f", Blob("ff", "m", 2**63), "t")
