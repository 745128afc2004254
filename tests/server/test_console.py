"""Lines of the console as clients send them."""

import json

import pytest

from sweepcnn.server.console import read_line


def test_a_structured_line_has_level_time_and_label() -> None:
    sent = {"level": "error", "ts": "2026-11-21T14:51:53", "label": "l", "content": "hi"}
    told = {"level": "error", "timestamp": "2026-11-21T14:51:53", "label": "l", "line": "hi"}
    assert read_line(3, json.dumps(sent)) == {"number": 3} | told


@pytest.mark.parametrize(
    ("text", "level", "line"),
    [
        ("2026-11-21T14:50:25.294525 trained with 1\n", None, "trained with 1"),
        ("ERROR 2026-11-21T14:50:25 oh no", "error", "oh no"),
        ("2026-11-21T14:50:25 \n", None, ""),
    ],
)
def test_a_plain_line_begins_with_its_time(text: str, level: str | None, line: str) -> None:
    found = read_line(0, text)
    assert (found["level"], found["line"]) == (level, line)
    assert found["timestamp"].startswith("2026-11-21T14:50:25")


@pytest.mark.parametrize("text", ["", "plain", "[1]", '{"a": 1}', "[" * 100_000, "ERROR at noon"])
def test_any_other_line_stays_as_it_is(text: str) -> None:
    assert read_line(7, text) == {"number": 7, "line": text}
