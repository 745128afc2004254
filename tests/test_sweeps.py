"""The sweep files that we ship."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import sweepcnn.demo
from sweepcnn.config import RunConfig, SweepConfig
from sweepcnn.config.doubts import doubts
from sweepcnn.errors import InfeasibleError
from sweepcnn.plan import expand
from sweepcnn.search.points import Point
from sweepcnn.search.space import Space

ROOT = Path(__file__).parents[1]
FILES = [*sorted(ROOT.glob("sweeps/**/*.yaml")), *Path(sweepcnn.demo.__path__[0]).glob("*.yaml")]
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def read(file: Path) -> SweepConfig:
    return SweepConfig.model_validate(yaml.safe_load(file.read_text("utf-8")))


def points(config: SweepConfig) -> list[Point]:
    space = Space.of(config.parameters)
    if config.method == "grid":
        assert space.size is not None
        return [space.at(index) for index in range(space.size)]
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(300)]


@EVERY_FILE
def test_a_sweep_is_searched_and_acted_on_in_full(file: Path) -> None:
    config = read(file)
    assert config.obstacles() == []
    assert doubts(yaml.safe_load(file.read_text("utf-8")), config) == []
    assert config.command == ("sweepcnn", "train")
    assert config.project


@EVERY_FILE
def test_a_sweep_optimises_a_metric_that_is_logged(file: Path) -> None:
    metric = read(file).metric
    assert metric is not None
    assert (metric.name, metric.goal) == ("best_val_accuracy", "maximize")


@EVERY_FILE
def test_a_sweep_has_an_end(file: Path) -> None:
    config = read(file)
    assert config.run_cap or config.method == "grid"


@EVERY_FILE
def test_every_point_is_a_run_and_most_build_a_network(file: Path) -> None:
    feasible = 0
    found = points(read(file))
    for point in found:
        run = RunConfig.model_validate(point)
        try:
            expand(run, image_size=run.image_size, classes=10)
            feasible += 1
        except InfeasibleError:
            pass
    assert feasible >= 0.7 * len(found)


@EVERY_FILE
def test_numbers_are_numbers_for_every_reader_of_yaml(file: Path) -> None:
    """W&B's cloud reads 1e-5 as text, as YAML says it is."""
    assert [
        text for text in texts(yaml.safe_load(file.read_text("utf-8"))) if is_number(text)
    ] == []


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    if isinstance(value, str):
        yield value


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_bayes_and_random_search_the_same_space() -> None:
    bayes, random = read(ROOT / "sweeps/bayes.yaml"), read(ROOT / "sweeps/random.yaml")
    assert bayes.parameters == random.parameters
    assert (bayes.method, random.method) == ("bayes", "random")
