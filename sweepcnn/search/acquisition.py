"""The free row at which a surface is highest."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from sweepcnn.search.axes import Axes, Rows

_LISTED = 4096  # rows of a finite space that are all looked at
_DRAWN = 1024  # random rows
_NEIGHBOURS = 128  # of each known row
_REACHES = (0.3, 0.1, 0.1, 0.03, 0.03, 0.01)  # standard deviations of steps, one a round
_PARENTS = 16
_CHILDREN = 32  # of each parent, a round
_MOST_ASKED = 400  # of a round's rows, the highest, whether they are free


def best_free(
    surface: Callable[[Rows], npt.NDArray[np.float64]],
    axes: Axes,
    is_free: Callable[[Rows], bool],
    known: Rows,
    rng: np.random.Generator,
) -> Rows | None:
    """Find the free row at which a surface is highest.

    A small finite space is looked at as a whole. In others the best of random rows and of the
    neighbours of `known` ones are improved by random steps that get smaller (an evolution strategy
    in which the best of parents and children live on). Only free rows have children, so that the
    search leaves a region that is not free. Null where no free row was found.
    """
    if axes.size is not None and axes.size <= _LISTED:
        rows = axes.every()
        return next((rows[i] for i in _free(rows, surface(rows), is_free)), None)
    drawn = axes.drawn(rng.random((_DRAWN, len(axes.all))))
    rows = np.vstack([drawn, _children(axes, known, _NEIGHBOURS, _REACHES[0], rng)])
    heights = surface(rows)
    most = len(rows)
    found: Rows | None = None
    for reach in _REACHES:
        parents = list(islice(_free(rows, heights, is_free, most), _PARENTS))
        if not parents:  # all that were asked are taken, or build no network
            return found
        found = rows[parents[0]]
        children = _children(axes, rows[parents], _CHILDREN, reach, rng)
        heights = np.concatenate([heights[parents], surface(children)])
        rows = np.vstack([rows[parents], children])
        most = _MOST_ASKED
    return next((rows[i] for i in _free(rows, heights, is_free, most)), found)


def _free(
    rows: Rows,
    heights: npt.NDArray[np.float64],
    is_free: Callable[[Rows], bool],
    most: int | None = None,
) -> Iterator[int]:
    """Give the places of the free rows among the highest ones, the highest first, each once."""
    _, first = np.unique(rows, axis=0, return_index=True)
    order = first[np.argsort(-heights[first], kind="stable")]
    return (int(place) for place in order[:most] if is_free(rows[place]))


def _children(
    axes: Axes, parents: Rows, count: int, reach: float, rng: np.random.Generator
) -> Rows:
    """Move each parent so many times, along two axes on average and one at least."""
    found = np.repeat(parents, count, axis=0)
    number, width = found.shape
    moved = rng.random(found.shape) < 1 / width
    moved[np.arange(number), rng.integers(0, width, number)] = True
    for column, axis in enumerate(axes.all):
        chosen = moved[:, column]
        found[chosen, column] = axis.moved(found[chosen, column], reach, rng)
    return found
