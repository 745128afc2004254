"""Questions to a model: the next point of a Bayesian sweep, after some runs."""

from typing import Any

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler.questions import Question
from sweepcnn.search import Trial

CONFIG = SweepConfig.model_validate(
    {
        "method": "bayes",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}, "kind": {"values": ["a", "b"]}},
    }
)


def finished(count: int) -> list[Trial]:
    return [Trial({"x": n / 100, "kind": "a"}, "finished", float(n)) for n in range(count)]


def question(count: int = 30, *running: Any, sweep: int = 1) -> Question:
    """Ask after so many results, while points are running."""
    return Question(sweep, f"sweep-{sweep}", CONFIG, finished(count), 0).with_running(running)
