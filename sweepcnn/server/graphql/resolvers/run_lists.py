"""Lists of runs and of sweeps, filtered, ordered and page by page."""

from typing import Any

from sweepcnn.server import filters
from sweepcnn.server.context import Info
from sweepcnn.server.graphql.paging import read_page
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
    selection, reading = _selection(project, fields, arguments), info.context.connection

    def read(limit: int, offset: int) -> Any:
        return by_ids(reading, selection.page(reading, offset, limit))

    return read_page(read, arguments)


RESOLVERS = {
    "Project": {
        "runs": _runs,
        "runCount": _count,
        "sweeps": _sweeps,
        "totalSweeps": _sweep_count,
    },
}
