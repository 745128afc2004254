"""Lists of runs and of sweeps, filtered, ordered and page by page."""

from typing import Any

from sweepcnn.server import filters
from sweepcnn.server.context import Info
from sweepcnn.server.graphql.paging import page_bounds, page_of
from sweepcnn.storage import run_fields, runs, sweeps
from sweepcnn.storage.fields import Fields
from sweepcnn.storage.projects import Project
from sweepcnn.storage.selections import Selection

_DEFAULT_ORDER = "+created_at"


def _selection(project: Project, fields: Fields, arguments: dict[str, Any]) -> Selection:
    kept = filters.read(arguments.get("filters"), fields)
    order = filters.read_order(arguments.get("order") or _DEFAULT_ORDER, fields)
    return Selection(fields, project.id, kept, order)


def _runs(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    return _page(project, info, run_fields.RUNS, runs.by_ids, arguments)


def _count(project: Project, info: Info, **arguments: Any) -> int:
    return _selection(project, run_fields.RUNS, arguments).count(info.context.connection)


def _sweeps(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    return _page(project, info, run_fields.SWEEPS, sweeps.by_ids, arguments)


def _sweep_count(project: Project, info: Info) -> int:
    return _selection(project, run_fields.SWEEPS, {}).count(info.context.connection)


def _page(
    project: Project, info: Info, fields: Fields, by_ids: Any, arguments: dict[str, Any]
) -> dict[str, Any]:
    after = arguments.get("after")
    start, limit = page_bounds(arguments.get("first"), after)
    # One more than the page has tells whether another follows.
    ids = _selection(project, fields, arguments).page(info.context.connection, start, limit + 1)
    found = by_ids(info.context.connection, ids[:limit])
    edges = [{"node": item, "cursor": str(start + n)} for n, item in enumerate(found)]
    return page_of(edges, after, more=len(ids) > limit)


RESOLVERS = {
    "Project": {
        "runs": _runs,
        "runCount": _count,
        "sweeps": _sweeps,
        "totalSweeps": _sweep_count,
    },
}
