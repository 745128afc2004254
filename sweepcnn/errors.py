"""The errors that people see: what was given, which rule it breaks, what to do next.

Every room may import this module; it imports nothing of ours.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault in three parts, so that no message can leave out the remedy."""

    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.value}: {self.rule}; {self.remedy}"


class SweepcnnError(Exception):
    """Base of all errors that the command line prints as `error: ...` instead of a traceback."""

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(SweepcnnError):
    """What the user gave cannot be used; found before any work is done."""

    exit_code = 2


class InfeasibleError(InputError):
    """The values are well formed, yet no network can be built from them."""


class WorkError(SweepcnnError):
    """The input was fine and the work failed: no data, no connection, no usable run."""
