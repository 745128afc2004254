"""What the metrics of a history look like, kept up line by line."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sweepcnn.server import history

_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "list"}
_LONGEST_TEXT = 1000  # of a last value; longer ones, lists and maps are left out


@dataclass
class HistoryKeys:
    """Describes the metrics of the lines that were folded in.

    Made empty, filled by `fold`, kept as text between two requests.
    """

    types: dict[str, Counter[str]] = field(default_factory=dict)
    monotonic: dict[str, bool] = field(default_factory=dict)
    """Whether a metric never fell, from its second number on."""
    last: dict[str, Any] = field(default_factory=dict)
    last_step: int = -1
    """The greatest step; -1 where no line has one."""
    ordered: bool = True
    """Whether each line's step is greater than the one before."""

    @classmethod
    def load(cls, document: str) -> "HistoryKeys":
        """Read what `dump` wrote."""
        known = json.loads(document)
        known["types"] = {key: Counter(counts) for key, counts in known["types"].items()}
        return cls(**known)

    def dump(self) -> str:
        """Give the text that is kept."""
        return json.dumps(vars(self))

    def fold(self, lines: Iterable[str]) -> None:
        """Take in the lines that follow."""
        for line in lines:
            row = history.parse_line(line)
            step = history.step(row)
            self.ordered = self.ordered and step > self.last_step
            self.last_step = max(self.last_step, step)
            for key, value in history.flatten(row).items():
                self._fold_value(key, value)

    def _fold_value(self, key: str, value: Any) -> None:
        type_ = _TYPES.get(type(value), "map")
        if key not in self.types:
            self.types[key] = Counter()
        self.types[key][type_] += 1
        if type_ == "number":
            before = self.last.get(key)
            if history.is_number(before):
                self.monotonic[key] = self.monotonic.get(key, True) and value >= before
        elif type_ in ("list", "map") or (type_ == "string" and len(value) > _LONGEST_TEXT):
            value = None
        self.last[key] = value

    def as_json(self) -> dict[str, Any]:
        """Give the description in the client's form."""
        described = {
            key: {
                "typeCounts": [{"type": name, "count": n} for name, n in counts.items()],
                "monotonic": self.monotonic.get(key, False),
                "previousValue": history.finite(self.last[key]),
            }
            for key, counts in self.types.items()
        }
        return {"sets": [], "keys": described, "lastStep": self.last_step}
