"""Sweeps as they are made and changed."""

from typing import Any

import sqlalchemy as sa
import yaml

from sweepcnn.scheduler import StateError, change_state, reports, sweep_files
from sweepcnn.scheduler.names import new_id
from sweepcnn.server import ids, prior_runs
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.projects import check_name
from sweepcnn.storage import projects, sweeps
from sweepcnn.storage.access import Role
from sweepcnn.storage.sweeps import Sweep

_LONGEST_CONFIG = 65_536  # it is read anew whenever the sweep is asked for work
_TEXTS = {
    "description": "description",
    "displayName": "display_name",
    "controller": "controller",
    "scheduler": "scheduler",
}


def _upsert(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    """Make a sweep, or change the one of an id: its configuration, texts or state."""
    request: Request = info.context
    values, warnings = _values(input)
    names = prior_runs.names(input.get("priorRunsFilters"))
    with request.write() as writing:
        if input.get("id"):
            sweep = _found(request, writing, input["id"])
            if values:
                sweeps.update(writing, sweep.id, **values)
                reports.config_changed(writing, sweep)
                sweep = sweeps.by_id(writing, sweep.id) or sweep
        else:
            sweep = _made(request, writing, input, values)
        warnings = warnings + prior_runs.attach(writing, sweep, names)
        if input.get("state"):
            try:
                change_state(writing, sweep, input["state"])
            except StateError as error:
                raise ApiError(str(error), 400) from None
        changed = sweeps.by_id(writing, sweep.id)
    return {"sweep": changed, "configValidationWarnings": warnings}


def _found(request: Request, writing: sa.Connection, wire_id: str) -> Sweep:
    sweep = sweeps.by_id(writing, ids.decode("Sweep", wire_id))
    return request.owned(writing, sweep, "sweep", role=Role.MEMBER)


def _made(
    request: Request, writing: sa.Connection, given: dict[str, Any], values: dict[str, Any]
) -> Sweep:
    if "config" not in values:
        raise ApiError("a new sweep needs a config", 400)
    owner = request.entity(writing, given.get("entityName"), role=Role.MEMBER)
    name = check_name(given.get("projectName") or "uncategorized")
    project, _ = projects.get_or_create(writing, owner, name)
    of = {"project_id": project.id, "user_id": request.user.id, "name": new_id()}
    sweep = sweeps.by_id(writing, sweeps.add(writing, **of, **values))
    assert sweep is not None
    return sweep


def _values(given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Turn what is given into columns, and judge the configuration."""
    values = {c: given[field] for field, c in _TEXTS.items() if given.get(field) is not None}
    if given.get("config") is None:
        return values, []
    if len(given["config"]) > _LONGEST_CONFIG:
        rule = f"has more than {_LONGEST_CONFIG} characters"
        raise ApiError(f"the sweep config {rule}; write long lists of values as a range", 400)
    try:
        document = yaml.safe_load(given["config"])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ApiError(f"the sweep config is no YAML: {error}", 400) from None
    if not isinstance(document, dict):
        raise ApiError("the sweep config must be a mapping", 400)
    _check_expanded(document)
    values |= {"config": given["config"], "method": str(document.get("method") or "custom")}
    for key, column in (("name", "display_name"), ("description", "description")):
        if isinstance(document.get(key), str):
            values.setdefault(column, document[key])
    return values, sweep_files.warnings(document)


def _check_expanded(document: dict[str, Any]) -> None:
    """Check how much a config is when its aliases stand for what they mean.

    Raises:
        ApiError: it is more than could be written without them.
    """
    levels: list[Any] = [document]
    count = 0
    while levels:
        level = levels.pop()
        count += len(level)
        if count > _LONGEST_CONFIG:
            raise ApiError("the sweep config has too many values; use fewer aliases (*name)", 400)
        values = level.values() if isinstance(level, dict) else level
        levels += [value for value in values if isinstance(value, dict | list | tuple)]


RESOLVERS = {"Mutation": {"upsertSweep": _upsert}}
