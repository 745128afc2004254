"""Cursor paging; in a list, a cursor is the position of its item."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sweepcnn.server.errors import ApiError

_MOST = 10_000


def connection(
    items: Sequence[Any],
    first: int | None = None,
    after: str | None = None,
    edge: Callable[[Any], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Give a page of items as a GraphQL connection.

    Args:
        items: all items in order.
        first: the most items of the page; null for all.
        after: the cursor of the item before the page; null for the beginning.
        edge: further fields of an item's edge.

    Raises:
        ApiError: the cursor is not one of ours.
    """
    start, limit = page_bounds(first, after)
    end = start + limit
    page = items[start:end]
    edges = [
        {"node": item, "cursor": str(start + index)} | (edge(item) if edge else {})
        for index, item in enumerate(page)
    ]
    return {
        "edges": edges,
        "pageInfo": {
            "endCursor": str(start + len(page) - 1) if page else after,
            "hasNextPage": end < len(items),
        },
        "totalCount": len(items),
    }


def page_bounds(first: int | None, after: str | None = None) -> tuple[int, int]:
    """Give the position that a page begins at and the most items that it has.

    Raises:
        ApiError: the cursor is not one of ours.
    """
    if after and not (after.isdecimal() and len(after) < 19):
        raise ApiError(f"cursor {after[:40]!r} is not one of this server's", 400)
    return int(after) + 1 if after else 0, min(_MOST if first is None else max(first, 0), _MOST)


def read_page(
    read: Callable[[int, int], Sequence[Any]],
    arguments: Mapping[str, Any],
    edge: Callable[[Any], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Give a page as a GraphQL connection without reading more than it has.

    Args:
        read: gives as many items as the first argument says, from the position of the second on.
        arguments: of the field, of which `first` and `after` are heeded.
        edge: further fields of an item's edge.

    Raises:
        ApiError: the cursor is not one of ours.
    """
    after = arguments.get("after")
    start, limit = page_bounds(arguments.get("first"), after)
    found = read(limit + 1, start)  # one more than the page has tells whether another follows
    edges = [
        {"node": item, "cursor": str(start + index)} | (edge(item) if edge else {})
        for index, item in enumerate(found[:limit])
    ]
    return page_of(edges, after, more=len(found) > limit)


def page_of(edges: list[dict[str, Any]], after: str | None, *, more: bool) -> dict[str, Any]:
    """Give edges that were read page by page as a GraphQL connection."""
    end = edges[-1]["cursor"] if edges else after
    return {"edges": edges, "pageInfo": {"endCursor": end, "hasNextPage": more}}
