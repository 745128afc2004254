"""Points, and when two of them are the same."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.search import point_key
from sweepcnn.search.points import value_key


def test_point_key_knows_numbers_from_truth_values() -> None:
    assert point_key({"a": 1, "b": [2.0]}) == point_key({"b": [2], "a": 1.0})
    assert point_key({"a": 1}) != point_key({"a": True})
    assert point_key({"a": 0}) != point_key({"a": False})
    assert point_key({"a": 0.1}) != point_key({"a": 0})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_point_key_outlives_storage_as_json(point: dict[str, Any]) -> None:
    assert point_key(json.loads(json.dumps(point))) == point_key(point)


@given(json_values, json_values)
def test_value_keys_are_equal_where_point_keys_are(one: Any, other: Any) -> None:
    same = point_key({"a": one}) == point_key({"a": other})
    assert (value_key(one) == value_key(other)) == same
    assert value_key(json.loads(json.dumps(one))) == value_key(one)
