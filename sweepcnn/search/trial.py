"""What the search is told and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sweepcnn.search.points import Point


@dataclass(frozen=True)
class Trial:
    """A point that was handed out, and what came of it.

    Args:
        point: the searched values, and whatever else its run's configuration has.
        state: a run that broke off, diverged or was no network has failed.
        value: the best that was seen of the sweep's metric; null for a run without one. Of a run
            that failed or is still going on it counts only where the sweep's file imputes it.
        latest: the last that was seen of it.
    """

    point: Mapping[str, Any]
    state: Literal["running", "finished", "failed"]
    value: float | None = None
    latest: float | None = None


@dataclass(frozen=True)
class Suggestion:
    """A point to try, and in a few words how the search came to it."""

    point: Point
    origin: str
