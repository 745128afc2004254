"""What is common to all benchmarks: spread, order of the two sides, the form of a report."""

import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How a benchmark is to be run.

    Args:
        repetitions: how often each side is measured, after one unmeasured time.
        smoke: a tiny size, to see that the benchmark works; its figures mean nothing.
        database_url: PostgreSQL to be measured as well, where the benchmark knows how.
    """

    repetitions: int
    smoke: bool = False
    database_url: str | None = None


@dataclass(frozen=True)
class Spread:
    """The median of repetitions, and the quartiles around it."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Describe values, at least one."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high, len(values))

    def __str__(self) -> str:
        return f"{self.median:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class Mean:
    """The mean of repetitions and its standard error, which one alone does not tell (null)."""

    mean: float
    error: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean":
        """Describe values, at least one."""
        n = len(values)
        error = statistics.stdev(values) / n**0.5 if n > 1 else None
        return cls(statistics.fmean(values), error, n)

    def __str__(self) -> str:
        return f"{self.mean:.4f}" + ("" if self.error is None else f" +- {self.error:.4f}")


@dataclass(frozen=True)
class Report:
    """What a benchmark found: figures by name, the unit being the end of the name.

    Args:
        figures: medians and quartiles, or means and errors, over the repetitions.
        ratio: the reference's cost over ours, where there is a reference.
        notes: what the figures are of.
    """

    figures: Mapping[str, Spread | Mean]
    ratio: Spread | None = None
    notes: str = ""
    machine: dict[str, Any] = field(default_factory=lambda: machine())

    def as_json(self) -> dict[str, Any]:
        """Give the report as one JSON object; `ratio` is a number, its spread stands beside it."""
        compared = self.ratio and {
            "ratio": self.ratio.median,
            "ratio_interval": [self.ratio.low, self.ratio.high],
        }
        figures = {name: vars(spread) for name, spread in self.figures.items()}
        return (compared or {}) | {
            "figures": figures,
            "notes": self.notes,
            "machine": self.machine,
        }

    def lines(self) -> list[str]:
        """Give the report for people."""
        rows = ({"ratio": self.ratio} if self.ratio else {}) | dict(self.figures)
        width = max(map(len, rows))
        told = [f"{name:<{width}}  {spread}  n={spread.n}" for name, spread in rows.items()]
        return [*told, self.notes, ", ".join(f"{k} {v}" for k, v in self.machine.items())]


def alternate(sides: Sequence[Callable[[], T]], repetitions: int) -> list[list[T]]:
    """Run each side once to warm up, then so many times, turning the order round each time.

    Returns:
        One list a side, in the order of repetition, so that equal places make a pair.
    """
    for side in sides:
        side()
    found: list[list[T]] = [[] for _ in sides]
    for repetition in range(repetitions):
        order = range(len(sides)) if repetition % 2 == 0 else reversed(range(len(sides)))
        for index in order:
            found[index].append(sides[index]())
    return found


def cpu_s(pid: int | None = None) -> float:
    """Give the CPU seconds that a process (null: this one) and its living children have used."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def machine() -> dict[str, Any]:
    """Say on what, and with what, was measured; the load tells whether others were at work."""
    packages = ("wandb", "sqlalchemy", "starlette", "uvicorn", "graphql-core", "optuna")
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "revision": described.stdout.strip() or "unknown",
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
