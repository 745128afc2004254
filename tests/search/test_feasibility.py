"""Points that build no network are known before they are handed out."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.agent import Outcome, run, train_run
from sweepcnn.cli.options import read_values
from sweepcnn.config import PRESETS, SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.search.feasibility import checker, doubts, grid_size
from sweepcnn.search.space import Space

BAYES = yaml.safe_load((Path(__file__).parents[2] / "sweeps/bayes.yaml").read_text("utf-8"))
TRAIN = ["sweepcnn", "train"]
SHRUNK = {"image_size": 16, "blocks": 5}
"""Five poolings of 16 pixels leave nothing."""


def sweep(command: list[str], **changes: Any) -> SweepConfig:
    return SweepConfig.model_validate({"method": "random", "command": command} | changes)


def builds(point: Mapping[str, Any], command: list[str] = TRAIN, **changes: Any) -> bool:
    return checker(sweep(command, **changes))(point)


class Unwritten:
    """Stands for the W&B run, which has no part in the question."""

    id, url = "run", None

    def __init__(self, chosen: Mapping[str, Any]) -> None:
        self._chosen = dict(chosen)

    def sweep_values(self) -> dict[str, Any]:
        return self._chosen

    def set_config(self, values: Mapping[str, Any]) -> None:
        pass

    def set_summary(self, values: Mapping[str, Any]) -> None:
        pass


@pytest.fixture
def ends_as(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    return agent(monkeypatch)


def agent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Give what tells how a run of `sweepcnn train` ends: the agent itself but for its training."""
    chosen: dict[str, Any] = {}

    @contextmanager
    def tracked_run() -> Iterator[Unwritten]:
        yield Unwritten(chosen)

    def trained(*_: object) -> Outcome:
        return Outcome("run", "ok", 1, 1, 1, 1, None, None)

    monkeypatch.setenv("SWEEPCNN_DATASET", "digits")
    monkeypatch.setattr(run, "in_sweep", lambda: True)
    monkeypatch.setattr(run, "tracked_run", tracked_run)
    monkeypatch.setattr(run, "_train", trained)

    def ending(point: Mapping[str, Any], settings: tuple[str, ...] = ()) -> str:
        chosen.clear()
        chosen.update(point)
        try:
            return train_run(read_values(None, list(settings))).status
        except InputError:
            return "failed"

    return ending


def test_exactly_those_points_are_left_out_whose_runs_end_as_infeasible(
    ends_as: Callable[..., str],
) -> None:
    sizes = {"image_size": {"values": [32, 48, 64, 96, 128]}, "filters": {"values": [8, 16, 32]}}
    config = SweepConfig.model_validate(BAYES | {"parameters": BAYES["parameters"] | sizes})
    space, rng, is_feasible = Space.of(config.parameters), np.random.default_rng(0), checker(config)
    points = [space.sample(rng) for _ in range(500)]
    endings = [ends_as(point) for point in points]
    assert set(endings) == {"ok", "infeasible"}
    assert [is_feasible(point) for point in points] == [end != "infeasible" for end in endings]


odd = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
NETWORKS: dict[str, st.SearchStrategy[Any]] = {
    "preset": st.sampled_from([*PRESETS, "a-bets", None]),
    "image_size": st.integers(1, 256) | st.sampled_from([0, 1024, 1025, "32"]) | odd,
    "blocks": st.integers(1, 17) | odd,
    "filters": st.integers(0, 64) | st.lists(st.integers(1, 8), max_size=6) | odd,
    "filter_strategy": st.sampled_from(["same", "double", "half", "doubled"]),
    "convs_per_block": st.integers(1, 9),
    "kernel_size": st.integers(1, 64) | st.lists(st.integers(1, 7), max_size=6),
    "stride": st.integers(1, 9) | odd,
    "padding": st.sampled_from(["same", "valid", "0", 2, 64, 65]) | odd,
    "pool": st.sampled_from(["max", "none"]) | st.lists(st.sampled_from(["avg", "none"])),
    "dense_units": st.integers(0, 8) | st.lists(st.integers(1, 8), max_size=3) | odd,
    "optimiser": st.sampled_from(["adam", "sgd", "adma"]),
    "learning_rate": st.floats(1e-5, 1) | odd,
    "epoch": odd,
}


@given(st.fixed_dictionaries({}, optional=NETWORKS))
def test_whatever_a_point_holds_it_is_judged_as_its_run_would_end(point: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        ending = agent(patch)(point)
    assert builds(point) == (ending != "infeasible")


@pytest.mark.parametrize(
    "point",
    [{"learning_rat": 1}, {"learning_rate": -1}, {"padding": {"of": "conv"}}, {"preset": "a-bets"}],
    ids=lambda point: next(iter(point)),
)
def test_a_fault_of_the_sweep_file_is_left_to_the_run_to_tell(
    point: dict[str, Any], ends_as: Callable[..., str]
) -> None:
    assert ends_as(SHRUNK | point) == "failed"
    assert builds(SHRUNK | point)


@pytest.mark.parametrize(
    "settings",
    [
        ("image_size=16",),
        ("image_size=64", "image_size=16"),
        ("preset=c-lenet", "image_size=8"),
        ("optimiser=sgd", "image_size='16'"),
    ],
    ids=" ".join,
)
def test_what_the_command_sets_itself_is_known(
    settings: tuple[str, ...], ends_as: Callable[..., str]
) -> None:
    apart = [word for setting in settings for word in ("--set", setting)]
    joined = [f"--set={setting}" for setting in settings]
    for arguments in (apart, ["--json", *joined]):
        assert ends_as({"epochs": 1}, settings) == "infeasible"
        assert not builds({"epochs": 1}, TRAIN + arguments)
        assert ends_as({"image_size": 64, "optimizer": "adam"}, settings) == "ok"
        assert builds({"image_size": 64, "optimizer": "adam"}, TRAIN + arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["config.yaml"],
        ["--help"],
        ["--set"],
        ["--set", "image_size"],
        ["--set", "image_size=["],
        ["${args}"],
        ["--set", "${args_no_hyphens}"],
    ],
    ids=" ".join,
)
def test_nothing_is_certain_of_arguments_that_only_the_agent_can_read(arguments: list[str]) -> None:
    assert not builds(SHRUNK)
    assert builds(SHRUNK, TRAIN + arguments)


@pytest.mark.parametrize("command", [["${program}", "train"], ["python", "train.py"], []])
def test_another_programs_points_are_not_judged(command: list[str]) -> None:
    assert builds(SHRUNK, command, program="train.py")
    assert builds({"image_size": "any", "anything": object()}, command, program="train.py")


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize(
    ("method", "parameters", "tried"),
    [
        ("grid", {"image_size": {"values": [8, 16]}, "blocks": {"min": 5, "max": 16}}, 24),
        ("random", {"image_size": {"values": [8]}, "seed": {"min": 0, "max": 10**9}}, 500),
        ("bayes", {"image_size": {"value": 8}, "dropout": {"min": 0.0, "max": 0.5}}, 500),
    ],
)
def test_a_sweep_without_a_point_that_builds_a_network_is_warned_of(
    method: str, parameters: dict[str, Any], tried: int, seed: int | None
) -> None:
    metric = {"name": "loss"}
    config = sweep(TRAIN, method=method, parameters=parameters, metric=metric, seed=seed)
    (doubt,) = doubts(config)
    assert f"none of {tried} points that were tried builds a network" in str(doubt)
    assert "block 4: a 2 x 2 pooling on 1 x 1 pixels leaves nothing" in str(doubt)
    assert "use a larger image_size" in str(doubt)
    assert doubts(config.model_copy(update={"command": ("python", "train.py")})) == []


@pytest.mark.parametrize(
    "extra", [{"image_size": {"values": [8, 64]}}, {"learning_rat": {"value": 1}}]
)
def test_a_sweep_with_a_point_worth_a_run_is_not(extra: dict[str, Any]) -> None:
    parameters = {"image_size": {"value": 8}} | extra
    assert doubts(sweep(TRAIN, method="grid", parameters=parameters)) == []


def test_a_grid_counts_its_points_that_build_a_network() -> None:
    parameters = {"image_size": {"values": [8, 16, 32]}, "blocks": {"values": [3, 4, 5]}}
    config = sweep(TRAIN, method="grid", parameters=parameters)
    assert grid_size(config) == 6
    assert grid_size(config.model_copy(update={"command": ("python", "train.py")})) == 9


def test_a_large_grid_counts_all_its_points() -> None:
    parameters = {"image_size": {"value": 8}, "seed": {"min": 1, "max": 10**9}}
    assert grid_size(sweep(TRAIN, method="grid", parameters=parameters)) == 10**9


def test_it_loads_no_torch() -> None:
    program = (
        "import sys; from sweepcnn.search.feasibility import checker, doubts, grid_size;"
        "from sweepcnn.config import SweepConfig;"
        "c = SweepConfig(method='random', command=('sweepcnn', 'train'));"
        "assert not checker(c)({'image_size': 16});"
        "assert not {'torch', 'optuna', 'wandb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
