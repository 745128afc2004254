"""The sweep file as it is stored: what it says, and what the backend makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from sweepcnn.config import EarlyTerminate, Metric, SweepConfig
from sweepcnn.config.doubts import doubts
from sweepcnn.errors import InputError, Problem
from sweepcnn.search import feasibility, obstacles
from sweepcnn.search.space import Space

_MOST_RUNS = 2**31 - 1  # GraphQL's Int ends there
_MOST_WARNINGS = 50  # lines of a creation's answer


def read(text: str) -> SweepConfig:
    """Read a stored sweep file that can be searched.

    Raises:
        InputError: it cannot be searched, as its creator was told; names every reason.
    """
    config = readable(text)
    if isinstance(config, InputError):
        raise InputError(config.problems)
    return config


@lru_cache(maxsize=128)  # agents ask every 5 s, and YAML is slow to read
def readable(text: str) -> SweepConfig | InputError:
    """Read a stored sweep file; give the reason instead where it cannot be searched."""
    try:
        config, _ = SweepConfig.read(yaml.safe_load(text))
    except InputError as error:
        return error
    problems = obstacles(config)
    return InputError(problems) if problems else config


def is_finite(config: SweepConfig) -> bool:
    """Tell whether the points of a sweep that can be searched have an end."""
    return Space.of(config.parameters).size is not None


def metric(text: str) -> Metric | None:
    """Give what a stored sweep optimises, whatever else is wrong with it; null for nothing."""
    found = aim(text)
    return found.metric if found else None


@dataclass(frozen=True)
class Aim:
    """What a sweep optimises, by which rule it stops runs early, and whether they are ours."""

    metric: Metric
    rule: EarlyTerminate | None
    is_ours: bool


@lru_cache(maxsize=256)  # each line of history and each page asks
def aim(text: str) -> Aim | None:
    """Give the aim of a stored sweep; null for one that names no metric."""
    document = yaml.safe_load(text)
    try:
        found = SweepConfig(method="custom", metric=document.get("metric")).metric
    except InputError:
        return None
    if found is None:
        return None
    keys = ("program", "command", "early_terminate")
    try:
        config, _ = SweepConfig.read({"method": "custom"} | {k: document.get(k) for k in keys})
    except InputError:  # it hands out no runs; those that name it are not stopped
        return Aim(found, None, is_ours=False)
    return Aim(found, config.early_terminate, config.is_ours)


def warnings(document: Mapping[str, Any]) -> list[str]:
    """Say what of a new sweep will not be acted on, or what W&B does not take, a line each.

    A sweep that cannot be searched is created all the same, as on W&B's cloud.
    """
    try:
        config, unknown = SweepConfig.read(document)
    except InputError as error:
        return _shortened(_no_runs(error.problems))
    found = obstacles(config)
    doubtful = [*unknown, *doubts(document, config)]
    if not found:
        doubtful += feasibility.doubts(config)
    return _shortened(_no_runs(found) + [str(problem) for problem in doubtful])


@lru_cache(maxsize=256)  # the points of a grid are counted
def expected_runs(text: str) -> int | None:
    """Give the number of points after which a stored sweep ends; null where it has no end."""
    config = readable(text)
    if isinstance(config, InputError):
        return None
    points = feasibility.grid_size(config) if config.method == "grid" else None
    least = min((end for end in (config.run_cap, points) if end is not None), default=None)
    return None if least is None or least > _MOST_RUNS else least


def _no_runs(problems: list[Problem] | tuple[Problem, ...]) -> list[str]:
    return [f"this sweep will hand out no runs: {problem}" for problem in problems]


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_WARNINGS:
        return lines
    return [*lines[:_MOST_WARNINGS], f"and {len(lines) - _MOST_WARNINGS} more of this kind"]
