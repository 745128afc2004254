"""Which points build a network: told from the plan, before a run is started for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sweepcnn.config import RunConfig, SweepConfig, overridden
from sweepcnn.config.command import train_arguments
from sweepcnn.config.settings import read_settings
from sweepcnn.errors import InfeasibleError, InputError
from sweepcnn.plan import expand


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
    return lambda point: _builds(overridden(base, point))


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


def _builds(values: Mapping[str, Any]) -> bool:
    try:
        config = RunConfig.model_validate(values)
    except InputError:
        return True
    # Dense layers take whatever the blocks leave, and a list of them may be long.
    blocks = config.model_copy(update={"dense_units": ()})
    try:
        expand(blocks, image_size=config.image_size, classes=2)
    except InfeasibleError:
        return False
    return True
