"""What the search is told and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sweepcnn.search.points import Point


@dataclass(frozen=True)
class Trial:
    """A point that was handed out, and what came of it.

    `value` is the sweep's metric; null for a run without one and for a run that has not ended.
    """

    point: Mapping[str, Any]
    state: Literal["running", "finished", "failed"]
    value: float | None = None


@dataclass(frozen=True)
class Suggestion:
    """A point to try, and in a few words how the search came to it."""

    point: Point
    origin: str
