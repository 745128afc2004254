"""The searches that are compared: each is given the runs so far and answers a point."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sweepcnn.config import SweepConfig
from sweepcnn.search import Trial, suggest
from tests.clients import installations
from tests.requirements import missing

Searcher = Callable[[Sequence[Trial], int], tuple[dict[str, Any], float]]
"""Of the runs so far and a seed: the next point, and the CPU seconds that it took."""

_ENGINE = """
import json, sys, time
import numpy as np
from sweeps import SweepRun, next_run

config = json.loads(sys.stdin.readline())
for line in sys.stdin:
    question = json.loads(line)
    runs = [
        SweepRun(
            config={key: {"value": value} for key, value in point.items()},
            state=state,
            summary_metrics={} if value is None else {config["metric"]["name"]: value},
        )
        for point, state, value in question["runs"]
    ]
    np.random.seed(question["seed"])
    started = time.process_time()
    found = next_run(config, runs)
    seconds = time.process_time() - started
    point = {key: entry["value"] for key, entry in found.config.items()}
    print(json.dumps([point, seconds], default=lambda value: value.tolist()), flush=True)
"""


def ours(config: dict[str, Any]) -> Searcher:
    """Ask our own search."""
    typed = SweepConfig.model_validate(config)

    def answer(trials: Sequence[Trial], seed: int) -> tuple[dict[str, Any], float]:
        started = time.process_time()
        suggestion = suggest(typed, trials, seed)
        assert suggestion is not None
        return suggestion.point, time.process_time() - started

    return answer


def tree_parzen(config: dict[str, Any]) -> Searcher:
    """Ask Optuna's TPESampler as it comes."""
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {name: _distribution(p) for name, p in config["parameters"].items()}

    def answer(trials: Sequence[Trial], seed: int) -> tuple[dict[str, Any], float]:
        started = time.process_time()
        sampler = optuna.samplers.TPESampler(seed=seed)
        study = optuna.create_study(direction=config["metric"]["goal"], sampler=sampler)
        states = {"running": TrialState.RUNNING, "finished": TrialState.COMPLETE}
        for trial in trials:
            study.add_trial(
                create_trial(
                    params=dict(trial.point),
                    distributions=distributions,
                    state=states[trial.state],
                    value=trial.value,
                )
            )
        point = study.ask(distributions).params
        return point, time.process_time() - started

    return answer


def _distribution(parameter: dict[str, Any]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if "values" in parameter:
        return CategoricalDistribution(parameter["values"])
    low, high = parameter["min"], parameter["max"]
    if "q" in parameter:
        return FloatDistribution(low, high, step=parameter["q"])
    if isinstance(low, int):
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log="distribution" in parameter)


def by_chance(config: dict[str, Any]) -> Searcher:
    """Draw at random."""
    return ours(config | {"method": "random"})


@contextmanager
def engine(config: dict[str, Any]) -> Iterator[Searcher]:
    """Ask W&B's own engine, in one process beside its own libraries."""
    python = installations.python(installations.ENGINE)
    if python is None:
        missing("engine")
    process = subprocess.Popen(
        [python, "-W", "ignore", "-c", _ENGINE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers = process.stdin, process.stdout

    def tell(value: Any) -> None:
        questions.write(json.dumps(value) + "\n")
        questions.flush()

    def answer(trials: Sequence[Trial], seed: int) -> tuple[dict[str, Any], float]:
        runs = [(trial.point, trial.state, trial.value) for trial in trials]
        tell({"runs": runs, "seed": seed})
        point, seconds = json.loads(answers.readline())
        return point, float(seconds)

    with process:
        tell(config)
        try:
            yield answer
        finally:
            process.stdin.close()
