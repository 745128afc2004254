"""Projects, runs, their streams and files, and views."""

from itertools import count

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.storage import projects, run_files, runs, streams, users, views
from sweepcnn.storage.blobs import Blob
from sweepcnn.storage.database import Database
from tests.storage.rows import person, project_of, run_of

_numbers = count()
_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_writes = st.lists(st.tuples(st.integers(0, 12), st.lists(_texts)), max_size=8)


class Runs:
    def test_a_project_is_made_once(self, writing: sa.Connection) -> None:
        first, is_new = projects.get_or_create(writing, "ann", "p")
        assert is_new
        assert projects.get_or_create(writing, "ann", "p") == (first, False)
        other, is_new = projects.get_or_create(writing, "bob", "p")
        assert is_new
        assert projects.by_id(writing, other.id) == other != first
        newest, _ = projects.get_or_create(writing, "ann", "q")
        assert projects.of_entity(writing, "ann") == [newest, first]
        assert projects.get(writing, "ann", "P") is None

    def test_a_run_is_found_by_its_name_in_its_project(self, writing: sa.Connection) -> None:
        run = run_of(writing, "r1", tags='["t"]')
        found = runs.by_id(writing, run)
        assert found is not None
        assert (found.state, found.config, found.tags) == ("running", "{}", '["t"]')
        assert not found.stop_requested
        assert runs.get(writing, found.project_id, "r1") == found
        assert runs.get(writing, found.project_id, "R1") is None
        assert runs.get(writing, project_of(writing, "ann", "q"), "r1") is None
        assert runs.by_id(writing, run + 1) is None

    def test_a_changed_run_keeps_what_is_not_named(self, writing: sa.Connection) -> None:
        run = run_of(writing, notes="kept")
        runs.update(writing, run, summary='{"a": NaN}', exit_code=-1, stop_requested=True)
        found = runs.by_id(writing, run)
        assert found is not None
        assert (found.notes, found.summary, found.exit_code) == ("kept", '{"a": NaN}', -1)
        assert found.stop_requested is True

    @given(parts=_writes, resend=st.booleans())
    def test_lines_read_back_as_last_written_and_resent_ones_change_nothing(
        self, kept_database: Database, parts: list[tuple[int, list[str]]], resend: bool
    ) -> None:
        expected: dict[int, str] = {}
        with kept_database.write() as connection:
            run = run_of(connection, f"lines{next(_numbers)}")
            for offset, lines in parts:
                for _ in range(1 + resend):
                    streams.write(connection, run, streams.HISTORY, offset, lines)
                expected |= {offset + index: line for index, line in enumerate(lines)}
            in_order = [expected[line] for line in sorted(expected)]
            assert streams.read(connection, run, streams.HISTORY) == in_order
            assert streams.count(connection, run, streams.HISTORY) == max(expected, default=-1) + 1
            assert streams.last(connection, run, streams.HISTORY) == (
                in_order[-1] if in_order else None
            )
            assert streams.read(connection, run, streams.CONSOLE) == []

    def test_streams_of_two_runs_are_apart(self, writing: sa.Connection) -> None:
        one, other = run_of(writing, "one"), run_of(writing, "other")
        streams.write(writing, one, streams.EVENTS, 0, ["a"])
        streams.write(writing, other, streams.EVENTS, 0, ["b"])
        assert streams.read(writing, one, streams.EVENTS) == ["a"]

    def test_a_file_of_a_run_is_its_newest_content(self, writing: sa.Connection) -> None:
        run = run_of(writing)
        for sha256 in ("aa", "bb"):
            run_files.put(writing, run, "a/b c.txt", Blob(sha256, "md5", 2), "text/plain")
        (found,) = run_files.of_run(writing, run)
        assert (found.name, found.sha256, found.size) == ("a/b c.txt", "bb", 2)

    def test_views_are_kept_as_they_came(self, writing: sa.Connection) -> None:
        ann, bob = person(writing, "ann"), person(writing, "bob")
        project = project_of(writing, "ann")
        given = {"project_id": project, "name": "n", "spec": '{"a": [1.0, "\u00fc"]}'}
        report = views.add(writing, **given, type="runs", user_id=ann.id)
        space = views.add(writing, **given, type="project-view", user_id=bob.id)
        assert views.spec(writing, report) == given["spec"]
        assert [v.id for v in views.of_project(writing, project)] == [space, report]
        assert [v.id for v in views.of_project(writing, project, type_="runs")] == [report]
        assert [v.id for v in views.of_project(writing, project, user_name="bob")] == [space]
        views.update(writing, report, display_name="shown")
        found = views.by_id(writing, report)
        assert found is not None
        assert (found.display_name, found.name) == ("shown", "n")
        views.delete(writing, report)
        assert views.by_id(writing, report) is None
        assert users.by_id(writing, ann.id) == ann

    def test_files_are_listed_by_a_pattern_that_heeds_the_case_of_no_ascii_letter(
        self, writing: sa.Connection
    ) -> None:
        run = run_of(writing)
        for name in ("\u00c4RGER.txt", "a_b", "aXb"):
            run_files.put(writing, run, name, Blob("0" * 64, "md5", 1), "text/plain")

        def like(pattern: str) -> list[str]:
            found = run_files.page(writing, run, like=pattern, after="", limit=9)
            return [file.name for file in found]

        assert like("\u00c4rger%") == ["\u00c4RGER.txt"]
        assert like("\u00e4rger%") == []
        assert like("A\\_%") == ["a_b"]
        assert like("A_B") == ["aXb", "a_b"]
