"""What a run logged: history, system metrics, console."""

import json
from typing import Any

from sweepcnn.server import console, documents, history, history_lines
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import page_bounds, page_of
from sweepcnn.storage import streams
from sweepcnn.storage.runs import Run

_MOST_SPECS = 100  # each may read the whole history; the client sends one
_EVERY_STEP = (-(2**63), 2**63)


def _history(run: Run, info: Info, **arguments: Any) -> list[str]:
    low, high = arguments.get("minStep"), arguments.get("maxStep")
    reading = info.context.connection
    if low is not None or high is not None:  # a page of a scan: never sampled
        low = _EVERY_STEP[0] if low is None else low
        high = _EVERY_STEP[1] if high is None else high
        return history_lines.page(reading, run.id, low, high)
    return _spread(run, info, streams.HISTORY, arguments.get("samples"))


def _events(run: Run, info: Info, samples: int | None = None) -> list[str]:
    return _spread(run, info, streams.EVENTS, samples)


def _spread(run: Run, info: Info, file: str, samples: int | None) -> list[str]:
    if samples is None:
        return streams.read(info.context.connection, run.id, file)
    return streams.spread(info.context.connection, run.id, file, samples)


def _sampled_history(run: Run, info: Info, specs: list[Any]) -> list[Any]:
    if len(specs) > _MOST_SPECS:
        raise ApiError(f"{len(specs)} history specifications: at most {_MOST_SPECS} at once", 400)
    read = [history.check_spec(documents.read(spec, "a history specification")) for spec in specs]
    return [history.sampled(_lines_for(run, info, spec), spec) for spec in read]


def _lines_for(run: Run, info: Info, spec: history.Row) -> list[str]:
    reading = info.context.connection
    low, high = spec.get("minStep"), spec.get("maxStep")
    if not spec.get("keys"):
        return []
    if low is None and high is None:
        return streams.read(reading, run.id, streams.HISTORY)
    first = _EVERY_STEP[0] if low is None else int(low)
    end = _EVERY_STEP[1] if high is None else int(high) + 1
    return history_lines.page(reading, run.id, first, end)


def _history_keys(run: Run, info: Info) -> dict[str, Any] | None:
    request: Request = info.context
    keys = history_lines.current(request.connection, run.id)
    if keys is None:
        described = False
        while not described:
            with request.write() as writing:
                described = history_lines.catch_up(writing, run.id)
        keys = history_lines.current(request.connection, run.id)
    return keys.as_json() if keys and keys.types else None


def _parquet(run: Run, info: Info, **_unused: Any) -> dict[str, Any]:
    """Say that all history is live: none of it has been put into parquet files."""
    some = streams.count(info.context.connection, run.id, streams.HISTORY)
    return {"parquetUrls": [], "liveData": [{"_step": 0}] if some else []}


def _tail(run: Run, info: Info, file: str) -> str:
    """Give the last line in a list, from which a resumed client takes its step and time."""
    last = streams.last(info.context.connection, run.id, file)
    return json.dumps([] if last is None else [_with_whole_step(last)])


def _with_whole_step(line: str) -> str:
    """Write a step such as 5.0 as 5: the client takes no other number for one."""
    row = history.parse_line(line)
    step = row.get("_step")
    if isinstance(step, float) and step.is_integer():
        return json.dumps(row | {"_step": int(step)})
    return line


def _line_count(file: str) -> Any:
    return lambda run, info: streams.count(info.context.connection, run.id, file)


def _log_lines(run: Run, info: Info, **arguments: Any) -> dict[str, Any]:
    reading = info.context.connection
    start, limit = page_bounds(arguments.get("first"), arguments.get("after"))
    if arguments.get("last") is not None:
        _, limit = page_bounds(arguments["last"])
        found, more = streams.tail(reading, run.id, streams.CONSOLE, limit), False
    else:
        found = streams.numbered(reading, run.id, streams.CONSOLE, start, limit + 1)
        found, more = found[:limit], len(found) > limit
    edges = [{"node": console.read_line(n, text), "cursor": str(n)} for n, text in found]
    return page_of(edges, arguments.get("after"), more=more)


RESOLVERS = {
    "Run": {
        "historyLineCount": _line_count(streams.HISTORY),
        "eventsLineCount": _line_count(streams.EVENTS),
        "logLineCount": _line_count(streams.CONSOLE),
        "historyTail": lambda run, info: _tail(run, info, streams.HISTORY),
        "eventsTail": lambda run, info: _tail(run, info, streams.EVENTS),
        "historyKeys": _history_keys,
        "history": _history,
        "events": _events,
        "sampledHistory": _sampled_history,
        "parquetHistory": _parquet,
        "logLines": _log_lines,
    },
}
