"""The log: one line an event on stderr, as logfmt (`key=value`) or as JSON.

Whatever a client sent is escaped, so that nobody can write a line of their own.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, Literal

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

_PLAIN = re.compile(r'[^\s"=\\\x00-\x1f\x7f-\uffff]+')


def configure(format_: Format, level: Level) -> None:
    """Send the log of this process to stderr.

    Libraries are heard from warnings up, whatever the level: their details hold people's data.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if format_ == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("sweepcnn", "uvicorn"):
        logging.getLogger(name).setLevel(level.upper())


def fields(**values: Any) -> dict[str, Any]:
    """Give what is to stand in a line beside its message, as `extra` of a logging call."""
    return {"fields": {key: value for key, value in values.items() if value is not None}}


def _all_fields(record: logging.LogRecord) -> dict[str, Any]:
    when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return {
        "time": when.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
        **getattr(record, "fields", {}),
    }


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = _all_fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _Text(logging.Formatter):
    """As logfmt; a traceback follows on lines of its own, for people to read."""

    def format(self, record: logging.LogRecord) -> str:
        line = " ".join(f"{key}={_word(value)}" for key, value in _all_fields(record).items())
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _word(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
