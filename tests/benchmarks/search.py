"""How good the best point of a search is after 15, 30 and 60 runs, and what a suggestion costs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from sweepcnn.search import Trial
from tests.benchmarks.measurement import Mean, Report, Settings, Spread
from tests.benchmarks.objectives import OBJECTIVES, PARAMETERS, Objective
from tests.benchmarks.searchers import Searcher, by_chance, engine, ours, tree_parzen
from tests.clients import installations

_CONFIG = {
    "method": "bayes",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": PARAMETERS,
}
_MARKS = (15, 30, 60)
_SIZES = (30, 300, 1000)
_NOTES = (
    "Accuracy without noise, 0.1 to 0.93, of the run whose accuracy with noise was the best of the "
    "first so many; three made-up objectives over 12 mixed parameters, a seed a repetition. "
    "engine: W&B's sweeps 0.3.0; tpe: Optuna's TPESampler; ours_8_agents: with seven runs still "
    "going on at each suggestion. minus: differences in pairs, of equal seeds. cpu_s: CPU seconds "
    "of the process that suggests. Of figures with a mean the error is the standard error."
)


@dataclass(frozen=True)
class Contestant:
    """A search, and how many runs of its go on at a time."""

    searcher: Searcher
    agents: int = 1


def run(settings: Settings) -> Report:
    """Let each search have its runs of each objective, with as many seeds as repetitions."""
    marks, sizes = ((6, 7, 8), (8,)) if settings.smoke else (_MARKS, _SIZES)
    seeds = range(settings.repetitions)
    figures: dict[str, Mean | Spread] = {}
    with _contestants() as contestants:
        for name, objective in OBJECTIVES.items():
            found = {
                who: np.array([_bests(objective, contestant, seed, marks) for seed in seeds])
                for who, contestant in contestants.items()
            }
            figures |= {f"{name}_{what}": mean for what, mean in _compared(found, marks)}
        for size, (who, contestant) in product(sizes, contestants.items()):
            costs = [_cost_s(contestant, size, seed) for seed in seeds]
            figures[f"{who}_at_{size}_cpu_s"] = Spread.of(costs)
    return Report(figures, notes=_NOTES)


@contextmanager
def _contestants() -> Iterator[dict[str, Contestant]]:
    """Give all searches, W&B's where it is installed."""
    found = {
        "ours": Contestant(ours(_CONFIG)),
        "ours_8_agents": Contestant(ours(_CONFIG), agents=8),
        "tpe": Contestant(tree_parzen(_CONFIG)),
        "random": Contestant(by_chance(_CONFIG)),
    }
    if installations.python(installations.ENGINE) is None:
        yield found
    else:
        with engine(_CONFIG) as searcher:
            yield found | {"engine": Contestant(searcher)}


def _bests(
    objective: Objective, contestant: Contestant, seed: int, marks: Sequence[int]
) -> list[float]:
    """Search once; gives the noiseless accuracy of the best run seen after each mark."""
    noise = np.random.default_rng(seed)
    trials: list[Trial] = []
    seen: list[float] = []
    for number in range(marks[-1]):
        ended = max(number - contestant.agents + 1, 0)
        known = trials[:ended] + [Trial(trial.point, "running") for trial in trials[ended:]]
        point, _ = contestant.searcher(known, seed * 1000 + number)
        seen.append(objective.seen(point, noise))
        trials.append(Trial(point, "finished", seen[-1]))
    return [objective.true(trials[int(np.argmax(seen[:mark]))].point) for mark in marks]


def _compared(
    found: dict[str, npt.NDArray[np.float64]], marks: Sequence[int]
) -> Iterator[tuple[str, Mean]]:
    """Give the mean of each search at each mark, and the differences to ours."""
    for who, bests in found.items():
        for mark, values in zip(marks, bests.T, strict=True):
            yield f"{who}_at_{mark}", Mean.of(values.tolist())
    for who, bests in found.items():
        if who == "ours":
            continue
        for mark, column in ((marks[1], 1), (marks[2], 2)):
            ahead = found["ours"][:, column] - bests[:, 2]
            yield f"ours_at_{mark}_minus_{who}_at_{marks[2]}", Mean.of(ahead.tolist())


def _cost_s(contestant: Contestant, size: int, seed: int) -> float:
    """Measure one suggestion after so many random runs; gives its CPU seconds."""
    objective, noise = OBJECTIVES["bowl"], np.random.default_rng(seed)
    draw = by_chance(_CONFIG)
    trials: list[Trial] = []
    for number in range(size):
        point, _ = draw([], seed * 1000 + number)
        trials.append(Trial(point, "finished", objective.seen(point, noise)))
    running = [draw([], 10**6 + number)[0] for number in range(1, contestant.agents)]
    _, seconds = contestant.searcher([*trials, *(Trial(p, "running") for p in running)], seed)
    return seconds
