"""Runs from elsewhere that a sweep is to learn from, as the client names them."""

from typing import Any

import sqlalchemy as sa

from sweepcnn.scheduler import prior_runs as learning
from sweepcnn.server import documents
from sweepcnn.server.errors import ApiError
from sweepcnn.storage import prior_runs, runs
from sweepcnn.storage.sweeps import Sweep

_MOST = 1_000  # of a sweep; the search reads them for each point
_MOST_TOLD = 10


def names(filters: str | None) -> list[str]:
    """Read the names of runs from the filter that `--prior_run` becomes, each once.

    Raises:
        ApiError: it is another filter, or names too many.
    """
    document = documents.read(filters or "null", "priorRunsFilters")
    if document is None:
        return []
    conditions = document.get("$or") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(conditions, list) or not all(_is_name(part) for part in conditions):
        rule = 'must be {"$or": [{"name": "RUN"}, ...]}'
        raise ApiError(f"priorRunsFilters {rule}; name the runs by wandb sweep --prior_run", 400)
    if len(conditions) > _MOST:
        raise ApiError(f"{len(conditions)} prior runs: a sweep takes at most {_MOST}", 400)
    return list(dict.fromkeys(part["name"] for part in conditions))


def _is_name(condition: Any) -> bool:
    return (
        isinstance(condition, dict)
        and condition.keys() == {"name"}
        and isinstance(condition["name"], str)
    )


def attach(writing: sa.Connection, sweep: Sweep, wanted: list[str]) -> list[str]:
    """Let a sweep learn from runs of its project; gives what its user should be warned of.

    Raises:
        ApiError: the project has no run of a name, or there would be too many.
    """
    if not wanted:
        return []
    found = runs.by_names(writing, sweep.project_id, wanted)
    if len(found) < len(wanted):
        known = {run.name for run in found}
        raise ApiError(_unknown([name for name in wanted if name not in known]), 400)
    foreign = [run for run in found if run.sweep_id != sweep.id]
    prior_runs.add(writing, sweep.id, [run.id for run in foreign])
    count = prior_runs.count(writing, sweep.id)
    if count > _MOST:
        raise ApiError(f"{count} prior runs with those of before: a sweep takes {_MOST}", 400)
    told = "is of this sweep, which learns from it anyway; name runs from elsewhere"
    own_names = [run.name for run in found if run.sweep_id == sweep.id]
    warnings = [f"prior run {name!r} {told}" for name in own_names]
    return warnings + learning.obstacles(sweep.config, foreign)


def _unknown(missing: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in missing[:_MOST_TOLD])
    more = f" and {len(missing) - _MOST_TOLD} more" if len(missing) > _MOST_TOLD else ""
    step = "give the id of a run, as its page and Api().runs() show it"
    return f"prior run {shown}{more} not found in the sweep's project; {step}"
