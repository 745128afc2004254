"""Lines of history: described as they come, found by their steps, whatever order they come in."""

import itertools
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.server import history, history_lines
from sweepcnn.server.history_keys import HistoryKeys
from sweepcnn.storage import history_keys, projects, runs, streams, users
from sweepcnn.storage.database import Database

HISTORY = streams.HISTORY
values = st.one_of(
    st.integers(-3, 3),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=3),
    st.lists(st.integers(0, 1), max_size=2),
    st.dictionaries(st.sampled_from(["a", "b.c", "_type"]), st.integers(0, 2), max_size=2),
)
rows = st.dictionaries(st.sampled_from(["x", "y", "deep", "_timestamp"]), values, max_size=3)
lines = st.builds(
    lambda row, step: json.dumps(row | ({} if step is None else {"_step": step})),
    rows,
    st.none() | st.integers(-1, 12) | st.floats(0, 12),
)
requests = st.lists(st.tuples(st.integers(0, 14), st.lists(lines, max_size=5)), max_size=6)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path_factory.mktemp('lines') / 'test.db'}")
    with found.write() as writing:
        user = users.add(writing, "ann", "k" * 40, admin=False)
        assert user is not None
        projects.get_or_create(writing, "ann", "p")
    yield found
    found.close()


def new_run(database: Database) -> int:
    with database.write() as writing:
        name = f"r{runs.count(writing)}"
        return runs.add(writing, project_id=1, user_id=1, name=name)


def described(database: Database, run: int) -> HistoryKeys:
    """Give the description as a reader gets it."""
    with database.write() as writing:
        known = history_lines.current(writing, run)
        while known is None:
            history_lines.catch_up(writing, run)
            known = history_lines.current(writing, run)
    return known


def rising(steps: list[int]) -> list[str]:
    return [json.dumps({"_step": step, "x": step / 3}) for step in steps]


@given(requests, st.integers(-2, 14), st.integers(0, 6))
def test_what_is_told_of_lines_is_what_they_are(
    database: Database, sent: list[tuple[int, list[str]]], low: int, width: int
) -> None:
    run = new_run(database)
    for offset, content in sent:
        for _ in range(2):
            with database.write() as writing:
                history_lines.write(writing, run, offset, content)
    known = described(database, run)
    with database.read() as reading:
        stored = streams.read(reading, run, HISTORY)
        page = history_lines.page(reading, run, low, low + width)
    anew = HistoryKeys()
    anew.fold(stored)
    assert known.dump() == anew.dump()
    assert page == history.between(stored, low, low + width)


@given(st.lists(st.integers(0, 200), min_size=1, unique=True).map(sorted), st.data())
def test_a_page_of_rising_steps_is_found_without_reading_all(
    database: Database, steps: list[int], data: st.DataObject
) -> None:
    run = new_run(database)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(steps)), max_size=4)) | {0, len(steps)})
    with database.write() as writing:
        for start, end in itertools.pairwise(cuts):
            history_lines.write(writing, run, start, rising(steps[start:end]))
        known = history_lines.current(writing, run)
    assert known is not None
    assert known.ordered
    low = data.draw(st.integers(-5, 205))
    high = data.draw(st.integers(low, 210))
    with database.read() as reading:
        page = history_lines.page(reading, run, low, high)
    assert page == rising([step for step in steps if low <= step < high])


@given(st.lists(st.integers(0, 30), min_size=1, unique=True).map(sorted), st.integers(-1, 31))
def test_what_is_cut_is_what_came_after(database: Database, steps: list[int], last: int) -> None:
    run = new_run(database)
    with database.write() as writing:
        history_lines.write(writing, run, 0, rising(steps))
        kept = history_lines.cut(writing, run, last)
        assert kept == streams.read(writing, run, HISTORY)
        history_lines.write(writing, run, len(kept), rising([last + 1]))
    assert kept == rising([step for step in steps if step <= last])
    assert described(database, run).last_step == last + 1


def test_lines_sent_again_with_new_ones_leave_all_described(database: Database) -> None:
    run, sent = new_run(database), rising(list(range(15)))
    with database.write() as writing:
        history_lines.write(writing, run, 0, sent[:10])
        history_lines.write(writing, run, 5, sent[5:])
    with database.read() as reading:
        known = history_lines.current(reading, run)
    assert known is not None
    assert known.types["x"] == {"number": 15}


def test_lines_that_were_never_described_are_described_in_portions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_lines, "_AT_ONCE", 3)
    run = new_run(database)
    with database.write() as writing:
        streams.write(writing, run, HISTORY, 0, rising(list(range(8))))
        portions = [history_lines.catch_up(writing, run) for _ in range(3)]
        assert portions == [False, False, True]
        assert history_lines.current(writing, run) is not None
    assert described(database, run).types["x"] == {"number": 8}


def test_a_long_text_is_not_kept_twice(database: Database) -> None:
    run = new_run(database)
    with database.write() as writing:
        history_lines.write(writing, run, 0, [json.dumps({"_step": 0, "t": "x" * 5000})])
        kept = history_keys.get(writing, run)
    assert kept is not None
    assert len(kept[1]) < 1000


def test_a_line_of_any_depth_does_no_harm(database: Database) -> None:
    run = new_run(database)
    deep = ['{"a":' * levels + "1" + "}" * levels for levels in (300, 900, 5000)]
    with database.write() as writing:
        history_lines.write(writing, run, 0, deep)
        history_lines.write(writing, run, len(deep), deep)
        assert streams.count(writing, run, HISTORY) == 2 * len(deep)
