"""Numbers in what runs log."""

import pytest

from sweepcnn.scheduler.metric_values import value_in


@pytest.mark.parametrize(
    ("summary", "value"),
    [
        ('{"a": 1}', 1.0),
        ('{"a": true}', None),
        ('{"a": "1"}', None),
        ('{"a": Infinity}', None),
        ('{"a": {"b": 1}}', None),
        ("{}", None),
        ('{"a": 1' + "0" * 400 + "}", None),
    ],
)
def test_only_finite_numbers_count(summary: str, value: float | None) -> None:
    assert value_in(summary, "a") == value
