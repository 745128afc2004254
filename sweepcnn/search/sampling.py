"""Random points: drawn by their distributions, without repeats where points can run out."""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from collections.abc import Set as AbstractSet
from itertools import islice

import numpy as np

from sweepcnn.search.feasibility import MOST_JUDGED
from sweepcnn.search.permutation import Permutation
from sweepcnn.search.points import Point
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Suggestion

_DRAWS = 200  # before the unused points of a finite space are counted off


def random_point(
    space: Space,
    taken: AbstractSet[Hashable],
    is_free: Callable[[Point], bool],
    rng: np.random.Generator,
    origin: str,
) -> Suggestion | None:
    """Draw a free point; null where a finite space has no free one left.

    Points are drawn by their distributions. Where `_DRAWS` of them are not free, a finite space is
    nearly used up, or most of its points build no network: then its unused points are tried in
    random order, each once, without listing them.

    Args:
        space: where the point lies.
        taken: the keys of the points handed out, of those that lie in the space.
        is_free: tells whether a point may be handed out; false for those that are taken.
        rng: the source of all chance.
        origin: what is said of the point.
    """
    size = space.size
    if size is not None and len(taken) >= size:
        return None
    drawn = (space.sample(rng) for _ in range(_DRAWS if size is not None else MOST_JUDGED))
    point = next(filter(is_free, drawn), None)
    if point is None and size is not None:
        point = next(filter(is_free, islice(_unused(space, size, taken, rng), MOST_JUDGED)), None)
        if point is None and size - len(taken) <= MOST_JUDGED:
            return None
    if point is not None:
        return Suggestion(point, origin)
    return _unjudged(space, size, taken, rng)


def _unjudged(
    space: Space, size: int | None, taken: AbstractSet[Hashable], rng: np.random.Generator
) -> Suggestion | None:
    """Give an unused point that builds no network: its run tells what is wrong with the space."""
    if size is not None:
        candidates = _unused(space, size, taken, rng)
    else:
        candidates = (space.sample(rng) for _ in range(_DRAWS))
    for point in candidates:
        if space.key(point) not in taken:
            return Suggestion(point, f"random: none of {MOST_JUDGED} builds a network")
    return None  # a continuous parameter does not repeat itself so often by chance


def _unused(
    space: Space, size: int, taken: AbstractSet[Hashable], rng: np.random.Generator
) -> Iterator[Point]:
    """Give the unused points of a finite space in random order."""
    used = sorted(index for index in taken if isinstance(index, int))
    order = Permutation(size - len(used), int(rng.integers(2**62)))
    for position in range(order.size):
        rank = order.at(position)
        # used[i] - i unused points lie before used[i]
        before = bisect_right(range(len(used)), rank, key=lambda i: used[i] - i)
        yield space.at(rank + before)
