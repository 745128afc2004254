"""A grid: its points one after the other, each once, to an exact end."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sweepcnn.search.feasibility import MOST_JUDGED
from sweepcnn.search.permutation import Permutation
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Suggestion, Trial


def next_of_grid(
    space: Space,
    trials: Sequence[Trial],
    taken: AbstractSet[Hashable],
    is_feasible: Callable[[Mapping[str, Any]], bool],
    shuffle: int | None = None,
) -> Suggestion | None:
    """Give the first unused point behind the one handed out last, then from the start again.

    So the usual suggestion looks at one point. The order is W&B's: parameters by name, the last
    varying fastest.

    Args:
        space: a finite one.
        trials: all points handed out so far, in the order in which they were.
        taken: the keys of those that lie in the space.
        is_feasible: tells whether a point is worth a run; others are left out.
        shuffle: the seed of another order, which is computed and not listed.
    """
    size = space.size
    assert size is not None, "a grid over an endless space is an obstacle"
    if len(taken) >= size:
        return None
    order = None if shuffle is None else Permutation(size, shuffle)
    start, judged = _start(space, trials, order), 0
    for step in range(size):
        position = (start + step) % size
        index = position if order is None else order.at(position)
        if index in taken:
            continue
        point = space.at(index)
        origin = f"{'grid' if order is None else 'grid, shuffled'}: {position + 1} of {size}"
        if judged == MOST_JUDGED:
            return Suggestion(point, f"{origin}, none of {judged} before it builds a network")
        if is_feasible(point):
            return Suggestion(point, origin)
        judged += 1
    return None


def _start(space: Space, trials: Sequence[Trial], order: Permutation | None) -> int:
    """Give the position behind the last trial; the first where no trial lies in the grid."""
    for trial in reversed(trials):
        index = space.key(trial.point)
        if isinstance(index, int):
            return (index if order is None else order.position_of(index)) + 1
    return 0
