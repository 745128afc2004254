"""Which points build a network: told from the plan, before a run is started for them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from sweepcnn.config import RunConfig, SweepConfig, overridden
from sweepcnn.config.command import train_arguments
from sweepcnn.config.network import NetworkConfig
from sweepcnn.config.settings import read_settings
from sweepcnn.errors import InfeasibleError, InputError, Problem
from sweepcnn.plan import expand
from sweepcnn.search.points import Point
from sweepcnn.search.space import Space

MOST_JUDGED = 5000
"""Points in a row that build no network; the next is handed out all the same, and tells why."""

_MOST_COUNTED = 5000
_MOST_TRIED = 500


def checker(config: SweepConfig) -> Callable[[Mapping[str, Any]], bool]:
    """Give the test whether a point is worth a run; false for points that build no network.

    False is said exactly where the run would end as `infeasible` whatever its images are. A point
    that is no configuration at all (an unknown parameter, a value out of range) is a fault of the
    sweep file, which its run tells. All points pass where the sweep is not ours, and where its
    command has arguments other than `--set` and `--json`: a file of parameters lies with the agent.

    Args:
        config: the sweep; the test takes its points as they are handed out.
    """
    base = _parameters_of(train_arguments(config.command, config.program))
    if base is None:
        return lambda _: True
    return lambda point: _fault(overridden(base, point)) is None


def grid_size(config: SweepConfig) -> int:
    """Give the number of points that a grid without `obstacles()` hands out.

    Points that build no network are left out of it, unless there are too many points to judge each.
    """
    space = Space.of(config.parameters, grid=True)
    assert space.size is not None, "a grid over an endless space is an obstacle"
    if not config.is_ours or space.size > _MOST_COUNTED:
        return space.size
    return sum(map(checker(config), map(space.at, range(space.size))))


def doubts(config: SweepConfig) -> list[Problem]:
    """Warn of a sweep without `obstacles()` none of whose points seems to build a network.

    All points are tried, or some hundreds at random where there are more.
    """
    base = _parameters_of(train_arguments(config.command, config.program))
    if base is None:
        return []
    faults = []
    for point in _some(config):
        fault = _fault(overridden(base, point))
        if fault is None:
            return []
        faults.append(fault)
    value, rule = faults[0].value, faults[0].rule
    tried = f"none of {len(faults)} points that were tried builds a network"
    return [Problem("parameters", f"{tried} ({value} {rule})", faults[0].remedy)]


def _some(config: SweepConfig) -> Iterator[Point]:
    """Give all points of a sweep, or some at random where there are many."""
    space = Space.of(config.parameters, grid=config.method == "grid")
    if space.size is not None and space.size <= _MOST_TRIED:
        yield from map(space.at, range(space.size))
    else:
        rng = np.random.default_rng(0)
        yield from (space.sample(rng) for _ in range(_MOST_TRIED))


def _parameters_of(arguments: Sequence[str] | None) -> dict[str, Any] | None:
    """Read the parameters that a command sets itself; null where they are not known."""
    if arguments is None:
        return None
    settings = []
    words = iter(arguments)
    for word in words:
        if word == "--set":
            settings.append(next(words, ""))
        elif word.startswith("--set="):
            settings.append(word.removeprefix("--set="))
        elif word != "--json":
            return None
    try:
        return read_settings(settings)
    except InputError:  # no run begins
        return None


def _fault(values: Mapping[str, Any]) -> Problem | None:
    """Tell why no network can be built; null where it can, or where the values are no run's."""
    try:
        config = RunConfig.model_validate(values)
    except InputError:
        return None
    network = (getattr(config, name) for name in NetworkConfig.model_fields)
    return _fault_of_network(config.image_size, *network)


@lru_cache(maxsize=4096)  # a grid asks for the same networks again and again, trained in other ways
def _fault_of_network(image_size: int, *values: Any) -> Problem | None:
    fields = dict(zip(NetworkConfig.model_fields, values, strict=True))
    network = NetworkConfig.model_construct(**fields)
    try:
        expand(network, image_size=image_size, classes=2)
    except InfeasibleError as error:
        return error.problems[0]
    return None
