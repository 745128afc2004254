"""The values of runs that filters and orders find."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sweepcnn.storage import projects, runs, tables, users
from sweepcnn.storage.database import Database
from sweepcnn.storage.run_values import LONGEST_KEY, Value, rows


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[sa.Connection]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.write() as connection:
        users.add(connection, "someone", "k" * 40, admin=False)
        projects.get_or_create(connection, "someone", "p")
        yield connection
    database.close()


def stored(connection: sa.Connection, source: str) -> dict[tuple[str, int], Any]:
    """Give what is stored of the only run: numbers, texts or else kinds."""
    table = tables.run_values
    found = connection.execute(sa.select(table).where(table.c.source == source))
    values = {"number": lambda row: row.number, "text": lambda row: row.text}
    return {
        (row.key, row.position): values.get(row.kind, lambda row: row.kind)(row) for row in found
    }


def test_whatever_writes_a_run_keeps_its_values(writing: sa.Connection) -> None:
    config = {"lr": {"value": 0.1}, "plain": 1, "_wandb": {"value": {"cli_version": "0.31"}}}
    run = runs.add(
        writing, project_id=1, user_id=1, name="r", config=json.dumps(config), tags='["a", "b"]'
    )
    assert stored(writing, "config") == {("lr", 0): 0.1, ("plain", 0): 1}
    assert stored(writing, "tags") == {("tags", 0): "list", ("tags", 1): "a", ("tags", 2): "b"}
    runs.update(writing, run, summary='{"loss": NaN, "a": {"b": 1}}', tags="[]")
    found = {("loss", 0): None, ("a", 0): "map", ("a.b", 0): 1}
    assert stored(writing, "summary") == found
    assert stored(writing, "tags") == {("tags", 0): "list"}
    runs.update(writing, run, summary='{"loss": "none"}')
    assert stored(writing, "summary") == {("loss", 0): "none"}
    runs.update(writing, run, state="finished")
    assert stored(writing, "config") == {("lr", 0): 0.1, ("plain", 0): 1}


def test_values_that_did_not_change_are_not_written_again(writing: sa.Connection) -> None:
    run = runs.add(writing, project_id=1, user_id=1, name="r")
    summary = {f"m{n}": n for n in range(40)} | {"nan": float("nan"), "odd": "a\0\ud800"}
    runs.update(writing, run, summary=json.dumps(summary))
    written: list[Any] = []

    @sa.event.listens_for(writing, "before_cursor_execute")
    def _watch(
        _connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
    ) -> None:
        if "run_values" in statement and not statement.startswith("SELECT"):
            written.extend(values if many else [values])

    runs.update(writing, run, summary=json.dumps(summary))
    assert written == []
    runs.update(writing, run, summary=json.dumps(summary | {"m7": 0.5}))
    assert len(written) == 1


def test_deleted_runs_take_their_values_along(writing: sa.Connection) -> None:
    runs.add(writing, project_id=1, user_id=1, name="r", summary='{"loss": 1}')
    writing.execute(tables.runs.delete())
    assert stored(writing, "summary") == {}


def test_what_is_nested_least_has_the_row_of_its_dotted_key() -> None:
    found = rows({"a": {"b": 2, "c": {"d": 3}}, "a.b": 1, "a.c": [5]})
    assert {place: value.number for place, value in found.items()} == {
        ("a", 0): None,
        ("a.b", 0): 1,
        ("a.c", 0): 1,
        ("a.c", 1): 5,
        ("a.c.d", 0): 3,
    }


def test_lists_of_media_have_a_row_for_themselves_only() -> None:
    histogram = {"_type": "histogram", "bins": [0, 1], "values": [3]}
    assert set(rows({"h": histogram})) == {("h", 0), ("h._type", 0), ("h.bins", 0), ("h.values", 0)}


def test_equal_lists_have_equal_values() -> None:
    same = ([1, "a", [-0.0]], [1.0, "a", [0]])
    first, second = (rows({"l": item})["l", 0] for item in same)
    assert first == second
    others = ([1, "a"], [1, "a", [1]], ["a", 1, [0]], [True, "a", [0]], [1, "a", [False]])
    assert first not in [rows({"l": item})["l", 0] for item in others]


def test_documents_beyond_all_measure_have_bounded_rows() -> None:
    assert len(rows({f"k{n}": n for n in range(50_000)})) == 10_000
    assert len(rows({"l": list(range(50_000))})) == 1_001
    long = {"k" * LONGEST_KEY: 1, "k" * (LONGEST_KEY + 1): 2, "é" * LONGEST_KEY: 3}
    assert list(rows({"short": long} | long)) == [("short", 0), ("k" * LONGEST_KEY, 0)]
    deep: Any = 1
    for _ in range(900):
        deep = {"k": deep}
    assert len(rows({"k": deep})) == 500  # each level takes two characters of the key
    nested: Any = []
    for _ in range(5_000):
        nested = [nested]
    assert rows({"l": nested})["l", 0] == Value("list", 1.0, None)  # and so equal to no other
