"""The lines of a run's history: written with their description, read by steps."""

import json
from itertools import takewhile
from typing import NamedTuple

import sqlalchemy as sa

from sweepcnn.server import history
from sweepcnn.server.history_keys import HistoryKeys
from sweepcnn.storage import history_keys, streams

_AT_ONCE = 5000  # lines described in one transaction


class Change(NamedTuple):
    """What a request brought: the numbers of the first line and after the last one.

    `replaces` tells whether lines that were there gave way to them.
    """

    first: int
    end: int
    replaces: bool


def write(writing: sa.Connection, run_id: int, offset: int, lines: list[str]) -> Change | None:
    """Write lines from a line number on, and fold them into the description if they follow it.

    A request may come twice. A client that replays a run (`wandb sync` of one that was partly sent)
    sends its lines anew, under higher numbers: rows that are here already are not kept twice.

    Returns:
        What of it was not here yet; null for nothing.
    """
    count = streams.count(writing, run_id, streams.HISTORY)
    known = _read(writing, run_id, count)
    resent = _resent(writing, run_id, offset, count, lines)
    offset, lines = offset + resent, lines[resent:]
    fresh = [(0, lines)] if lines else []
    if known is not None:
        fresh = _without_replayed(writing, run_id, count, known, lines)
    if not fresh:
        return None
    for start, part in fresh:
        streams.write(writing, run_id, streams.HISTORY, offset + start, part)
    first, end = offset + fresh[0][0], offset + fresh[-1][0] + len(fresh[-1][1])
    if first < count:
        history_keys.forget(writing, run_id)
    elif known is not None:
        for _, part in fresh:
            known.fold(part)
        history_keys.put(writing, run_id, end, known.dump())
    return Change(first, end, replaces=first < count)


def _resent(writing: sa.Connection, run_id: int, offset: int, count: int, lines: list[str]) -> int:
    """Count the lines at the beginning that are stored just so."""
    if offset >= count:
        return 0
    stored = streams.numbered(writing, run_id, streams.HISTORY, offset, len(lines))
    pairs = zip(stored, enumerate(lines, offset), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _without_replayed(
    writing: sa.Connection, run_id: int, count: int, known: HistoryKeys, lines: list[str]
) -> list[tuple[int, list[str]]]:
    """Give the pieces of new lines that are not stored yet, with their places."""
    if not lines:
        return []
    step = history.step(history.parse_line(lines[0]))
    if not known.ordered or step > known.last_step:
        return [(0, lines)]
    first = _first_line(writing, run_id, count, step)
    stored = {
        _canonical(s) for s in streams.between(writing, run_id, streams.HISTORY, first, count)
    }
    return [(place, [line]) for place, line in enumerate(lines) if _canonical(line) not in stored]


def _canonical(line: str) -> str:
    """Write a line's row so that the order of its keys, which the client leaves open, is one."""
    try:
        return json.dumps(history.parse_line(line), sort_keys=True)
    except RecursionError:
        return line


def current(connection: sa.Connection, run_id: int) -> HistoryKeys | None:
    """Give the description of all lines; null where it has yet to be made by `catch_up`."""
    return _read(connection, run_id, streams.count(connection, run_id, streams.HISTORY))


def _read(connection: sa.Connection, run_id: int, count: int) -> HistoryKeys | None:
    kept = history_keys.get(connection, run_id)
    if kept is None:
        return HistoryKeys() if count == 0 else None
    return HistoryKeys.load(kept[1]) if kept[0] == count else None


def catch_up(writing: sa.Connection, run_id: int) -> bool:
    """Describe some more lines; gives whether all are described now."""
    kept = history_keys.get(writing, run_id)
    described, keys = (kept[0], HistoryKeys.load(kept[1])) if kept else (0, HistoryKeys())
    found = streams.numbered(writing, run_id, streams.HISTORY, described, _AT_ONCE)
    if found:
        keys.fold(line for _, line in found)
        history_keys.put(writing, run_id, found[-1][0] + 1, keys.dump())
    return len(found) < _AT_ONCE


def page(connection: sa.Connection, run_id: int, low: int, high: int) -> list[str]:
    """Give the lines whose step is `low` or more and less than `high`.

    Where steps rise from line to line, only those lines are read.
    """
    count = streams.count(connection, run_id, streams.HISTORY)
    known = _read(connection, run_id, count)
    if known is None or not known.ordered:
        return history.between(streams.read(connection, run_id, streams.HISTORY), low, high)
    first = _first_line(connection, run_id, count, low)
    end = _first_line(connection, run_id, count, high)
    return streams.between(connection, run_id, streams.HISTORY, first, end)


def _first_line(connection: sa.Connection, run_id: int, count: int, step: int) -> int:
    """Find by bisection the number from which on all lines have that step or a greater one."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        found = streams.numbered(connection, run_id, streams.HISTORY, middle, 1)
        number, line = found[0] if found else (high, "")
        if number >= high or history.step(history.parse_line(line)) >= step:
            high = middle
        else:
            low = number + 1
    return low


def cut(writing: sa.Connection, run_id: int, last_step: int) -> list[str]:
    """Delete the lines from the first one on whose step is greater; gives those that stay."""
    numbered = streams.numbered(writing, run_id, streams.HISTORY, 0, 2**31 - 1)
    kept: list[str] = []
    end = 0
    for number, line in numbered:
        if history.step(history.parse_line(line)) > last_step:
            break
        kept.append(line)
        end = number + 1
    streams.cut(writing, run_id, streams.HISTORY, end)
    keys = HistoryKeys()
    keys.fold(kept)
    history_keys.put(writing, run_id, end, keys.dump())
    return kept
