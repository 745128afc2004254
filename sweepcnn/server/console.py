"""Lines of a run's console, in the two forms in which clients send them."""

import json
import re
from typing import Any

# Clients before 0.20: `ERROR ` where it came from the standard error, the time in UTC, the text.
_PLAIN = re.compile(r"(ERROR )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?) (.*?)\n?", re.DOTALL)


def read_line(number: int, text: str) -> dict[str, Any]:
    """Read a line: JSON with level, time and content, or plain text that begins with the time.

    Args:
        number: its place, counted from 0.
        text: as it was sent; of any other form, it is given as it is.
    """
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    if isinstance(parsed, dict) and "content" in parsed:
        return {
            "number": number,
            "line": str(parsed["content"]),
            "timestamp": parsed.get("ts"),
            "level": parsed.get("level"),
            "label": parsed.get("label"),
        }
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        return {"number": number, "line": text}
    error, timestamp, line = plain.groups()
    return {
        "number": number,
        "line": line,
        "timestamp": timestamp,
        "level": "error" if error else None,
    }
