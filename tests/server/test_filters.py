"""Filters and orders over runs, as W&B's public API sends them."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.server.errors import ApiError
from sweepcnn.server.filters import MISSING, Read, matches, ordered

RUN = {
    "n": 3,
    "f": 0.5,
    "s": "finished",
    "flag": True,
    "none": None,
    "nan": math.nan,
    "tags": ["a", "b"],
    "huge": 10**400,
}


def reader(values: Mapping[str, Any]) -> Read:
    return lambda key: values.get(key, MISSING)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"n": 3}, True),
        ({"n": 3.0}, True),
        ({"n": 4}, False),
        ({"n": 3, "s": "failed"}, False),
        ({"flag": True}, True),
        ({"flag": 1}, False),
        ({"n": True}, False),
        ({"none": None}, True),
        ({"absent": None}, True),
        ({"absent": 1}, False),
        ({"tags": "a"}, True),
        ({"tags": "c"}, False),
        ({"tags": ["a", "b"]}, True),
        ({"n": {"$eq": 3}}, True),
        ({"n": {"$ne": 3}}, False),
        ({"absent": {"$ne": 3}}, True),
        ({"n": {"$gt": 2}}, True),
        ({"n": {"$gt": 3}}, False),
        ({"n": {"$gte": 3}}, True),
        ({"n": {"$lt": 3}}, False),
        ({"n": {"$lte": 3, "$gt": 2}}, True),
        ({"n": {"$lt": "4"}}, False),
        ({"s": {"$gt": "a"}}, True),
        ({"nan": {"$lt": 1}}, False),
        ({"nan": {"$gte": 1}}, False),
        ({"huge": {"$gt": 1.5}}, True),
        ({"absent": {"$lt": 1}}, False),
        ({"s": {"$in": ["finished", "failed"]}}, True),
        ({"s": {"$in": []}}, False),
        ({"s": {"$nin": ["failed"]}}, True),
        ({"tags": {"$in": ["b"]}}, True),
        ({"n": {"$exists": True}}, True),
        ({"absent": {"$exists": True}}, False),
        ({"absent": {"$exists": False}}, True),
        ({"s": {"$regex": "^fin"}}, True),
        ({"s": {"$regex": "x"}}, False),
        ({"n": {"$regex": "3"}}, False),
        ({"s": {"$contains": "nish"}}, True),
        ({"s": {"$contains": 3}}, False),
        ({"tags": {"$contains": "a"}}, True),
        ({"tags": {"$all": ["a", "b"]}}, True),
        ({"tags": {"$all": ["a", "c"]}}, False),
        ({"n": {"$not": {"$gt": 5}}}, True),
        ({"$not": {"n": 3}}, False),
        ({"$and": [{"n": 3}, {"s": "finished"}]}, True),
        ({"$and": [{"n": 3}, {"s": "failed"}]}, False),
        ({"$or": [{"n": 4}, {"s": "finished"}]}, True),
        ({"$or": []}, False),
        ({"$nor": [{"n": 4}, {"s": "failed"}]}, True),
        ({"$and": [{"$or": [{"n": 1}, {"n": 3}]}, {"flag": {"$ne": False}}]}, True),
    ],
    ids=str,
)
def test_each_operator(condition: dict[str, Any], expected: bool) -> None:
    assert matches(condition, reader(RUN)) is expected


@pytest.mark.parametrize(
    "condition",
    [
        [],
        {"$unknown": 1},
        {"n": {"$unknown": 1}},
        {"$and": {"n": 3}},
        {"n": {"$in": 3}},
        {"n": {"$gt": 1, "x": 2}},
        {"$not": 3},
        {"s": {"$regex": "("}},
        {"s": {"$regex": "x" * 201}},
        {"s": {"$regex": "a{99999999999}"}},
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_read_is_refused(condition: Any) -> None:
    with pytest.raises(ApiError) as refusal:
        matches(condition, reader(RUN))
    assert refusal.value.status == 400


values = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-5, 5)
    | st.sampled_from([math.nan, math.inf, -math.inf, 10**400, "a", "b", "", MISSING])
    | st.lists(st.integers(), max_size=2)
)


def is_known(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) or (number and (isinstance(value, int) or math.isfinite(value)))


@given(st.lists(values, max_size=12), st.sampled_from(["x", "+x", "-x"]))
def test_an_order_is_a_sorted_permutation_with_the_unknown_last(
    column: list[Any], order: str
) -> None:
    items = [{"x": value, "n": number} for number, value in enumerate(column)]
    found = ordered(items, order, reader)
    assert sorted(item["n"] for item in found) == list(range(len(items)))
    known = [item["x"] for item in found if is_known(item["x"])]
    assert [item["x"] for item in found[: len(known)]] == known
    numbers = [value for value in known if not isinstance(value, str)]
    texts = [value for value in known if isinstance(value, str)]
    descending = order.startswith("-")
    assert numbers == sorted(numbers, reverse=descending)
    assert texts == sorted(texts, reverse=descending)
    unknown = [item["n"] for item in found[len(known) :]]
    assert unknown == sorted(unknown), "ties keep their order"


def test_later_keys_break_ties_of_earlier_ones() -> None:
    items = [{"a": a, "b": b} for a, b in ((1, 1), (2, 1), (1, 2), (2, 2))]
    found = ordered(items, "-a, +b", reader)
    assert [(item["a"], item["b"]) for item in found] == [(2, 1), (2, 2), (1, 1), (1, 2)]
