"""What is said of a new sweep's file, beside what W&B's engine says of it."""

import json
import random
import sys
from typing import Any, get_args

import pytest
import yaml

from sweepcnn.config.parameter import Distribution
from sweepcnn.scheduler import sweep_files
from tests.oracle import ask

SOUND: dict[str, Any] = {"method": "random", "parameters": {"x": {"value": 1}}}
BAYES = SOUND | {"method": "bayes", "metric": {"name": "loss"}}
NO_RUNS = "this sweep will hand out no runs: "


def with_x(**keys: Any) -> dict[str, Any]:
    return {"method": "random", "parameters": {"x": keys}}


TOLD: list[tuple[dict[str, Any], str]] = [
    (SOUND | {"run_capp": 3}, "run_capp = 3: unknown key; it is kept and not acted on"),
    (SOUND | {"name": 5}, "name = 5: is no text; put it in quotes"),
    (SOUND | {"apiVersion": 1}, "apiVersion = 1: is no text; put it in quotes"),
    (SOUND | {"kind": "job"}, "kind = 'job': is no sweep; write kind: sweep"),
    (SOUND | {"program": None}, "program: is null; leave it out"),
    (
        SOUND | {"command": "python train.py"},
        "command: is one text, which wandb agent ignores; give a list of words",
    ),
    (SOUND | {"run_cap": "3"}, "run_cap = '3': is text; write 3"),
    (
        SOUND | {"controller": {}},
        "controller.type = None: is neither cloud nor local; leave controller out",
    ),
    (
        SOUND | {"controller": {"type": "local"}},
        NO_RUNS + "controller.type = 'local': wandb controller is not served; leave controller"
        " out: the backend searches",
    ),
    (
        SOUND | {"scheduler": {}},
        "scheduler: has no engine; write engine: wandb or leave scheduler out",
    ),
    (
        SOUND | {"scheduler": {"engine": "wandb", "optimizer": "f"}},
        "scheduler.optimizer: is not acted on; use grid, random or bayes",
    ),
    (
        SOUND | {"scheduler": {"engine": "wandb", "resource": "k8s"}},
        "scheduler.resource: unknown key; it is kept and not acted on",
    ),
    (
        SOUND | {"scheduler": {"engine": "optuna"}},
        NO_RUNS + "scheduler.engine = 'optuna': is another search engine, which is not run here;"
        " leave scheduler out and use grid, random or bayes",
    ),
    (
        {"method": "custom", "scheduler": {"engine": "ax"}, "parameters": SOUND["parameters"]},
        NO_RUNS + "method = 'custom': has no search here; use grid, random or bayes",
    ),
    (
        BAYES
        | {
            "scheduler": {"engine": "wandb"},
            "early_terminate": {"type": "hyperband", "min_iter": 3},
        },
        "early_terminate: is not allowed by W&B beside scheduler; leave scheduler out",
    ),
    (
        BAYES | {"metrics": [{"name": "a"}, {"name": "b"}]},
        NO_RUNS + "metrics: several objectives are not searched; give one metric",
    ),
    (
        SOUND | {"job": "a"},
        NO_RUNS + "job: W&B Launch is not served; leave it out, give program or command, and"
        " start wandb agent",
    ),
    (
        SOUND | {"early_terminate": {"type": "hyperband", "min_iter": 3}},
        "early_terminate: has no metric to compare runs by; give metric.name and goal; until then"
        " no run is stopped",
    ),
    (
        BAYES | {"early_terminate": {"type": "hyperband", "min_iter": 3, "s": 2}},
        "early_terminate: reads max_iter and s together; give both or neither",
    ),
    (
        BAYES | {"early_terminate": {"type": "hyperband", "min_iter": 3, "bands": 2}},
        "early_terminate.bands = 2: unknown key; it is kept and not acted on",
    ),
    (
        BAYES | {"metric": {"name": "loss", "target": "1e-3"}},
        "metric.target = '1e-3': is text; write 0.001",
    ),
    (
        BAYES | {"metric": {"name": "loss", "impute_while_running": False}},
        "metric.impute_while_running = False: is no text; put false in quotes",
    ),
    (
        BAYES | {"metric": {"name": "loss", "gaol": "maximize"}},
        NO_RUNS + "metric.gaol = 'maximize': unknown key; did you mean goal?",
    ),
    (
        SOUND | {"order": "shuffled"},
        "order = 'shuffled': is of a grid only; leave it out",
    ),
    (
        {"method": "random", "parameters": {"2 x": {"value": 1}}},
        "parameters.2 x: is a name that W&B does not take; use letters, digits, _, . and -",
    ),
    (
        with_x(min=1, max=1),
        "parameters.x: min and max are both 1; give value instead",
    ),
    (
        with_x(min=2, max=1),
        NO_RUNS + "parameters.x = {'min': 2, 'max': 1}: min = 2 is more than max = 1; swap them",
    ),
    (
        with_x(min="1e-5", max=1.0),
        "parameters.x.min = '1e-5': is text; write 1.0e-05",
    ),
    (
        with_x(value=1, min=None),
        "parameters.x.min: is null; leave it out",
    ),
    (
        with_x(distribution="int_uniform", min=1.0, max=3),
        "parameters.x: int_uniform takes whole numbers; write min and max without a point",
    ),
    (
        with_x(distribution="log_uniform", min=-3, max=0),
        "parameters.x: log_uniform takes min and max as exponents of e; use log_uniform_values to"
        " give the bounds themselves",
    ),
    (
        with_x(values=[1, 2], probabilities=[1, 2]),
        "parameters.x: the probabilities have the sum 3; make it 1; they are taken as weights",
    ),
    (
        with_x(values=[1, 2], probabilities=[1]),
        NO_RUNS + "parameters.x = {'values': [1, 2], 'probabilities': [1]}: has not as many"
        " probabilities as values; give one probability a value",
    ),
    (
        with_x(distribution="categorical", values=[1, 2], probabilities=[0.5, 0.5]),
        "parameters.x.distribution = 'categorical': has no probabilities; leave it out or write"
        " categorical_w_probabilities",
    ),
    (
        with_x(values=[1, 2], probabilities=["0.5", 0.5]),
        "parameters.x.probabilities: are partly text; write numbers without quotes",
    ),
    (
        with_x(parameters={"y": {"min": 3.0, "max": 3.0}}),
        "parameters.x.parameters.y: min and max are both 3.0; give value instead",
    ),
    (
        with_x(parameters={"y": {"min": 3.0, "mix": 3.0}}),
        NO_RUNS + "parameters.x.parameters.y.mix = 3.0: unknown key; did you mean min?",
    ),
]


@pytest.mark.parametrize(("document", "line"), TOLD, ids=[line for _, line in TOLD])
def test_a_fault_is_told_in_a_line(document: dict[str, Any], line: str) -> None:
    assert line in sweep_files.warnings(document)


OURS: list[tuple[dict[str, Any], str]] = [
    (
        {
            "method": "grid",
            "parameters": {"x": {"values": [1, 2], "probabilities": [0.5, 0.5]}},
        },
        "parameters.x.probabilities: have no effect in a grid; leave them out",
    ),
    (
        {
            "method": "grid",
            "parameters": {"x": {"distribution": "q_uniform", "min": 0, "max": 4}},
        },
        "parameters.x: a grid of q_uniform goes up to max = 4 without it, as W&B's does; give a"
        " larger max or values to have it",
    ),
]


@pytest.mark.parametrize(("document", "line"), OURS, ids=[line for _, line in OURS])
def test_what_surprises_in_a_grid_is_told(document: dict[str, Any], line: str) -> None:
    assert sweep_files.warnings(document) == [line]


@pytest.mark.parametrize(
    "document",
    [
        SOUND,
        BAYES,
        SOUND | {"seed": 3, "controller": {"type": "cloud"}, "scheduler": {"engine": "wandb"}},
        SOUND | {"method": "grid", "order": "shuffled"},
        BAYES | {"early_terminate": {"type": "asha", "min_iter": 1, "eta": 2, "max_iter": 9}},
        BAYES | {"early_terminate": {"type": "hyperband", "max_iter": 27, "s": 2}},
        BAYES | {"command": ["${env}", "python", "--epochs", 3], "run_cap": 8, "name": "n"},
        with_x(parameters={"y": {"distribution": "q_beta"}, "z": {"min": 1, "max": 2}}),
    ],
    ids=str,
)
def test_of_a_sound_file_nothing_is_said(document: dict[str, Any]) -> None:
    assert sweep_files.warnings(document) == []


THEIRS = """
    from sweeps.config.cfg import schema_violations_from_proposed_config
    def violations(document):
        try:
            return schema_violations_from_proposed_config(document)
        except Exception as error:
            return [str(error)]
    return [violations(document) for document in question]
"""
NUMBERS = [0, 1, 2, -1, 0.5, 1.0, 3.0, 1e-3, "1e-3", "2", None, True, 10]
DISTRIBUTIONS = [*get_args(Distribution), "no_such"]
SECTIONS: dict[str, list[Any]] = {
    "method": ["grid", "random", "bayes", "custom", "x", None, 1],
    "metric": [
        *({"name": "a"} | more for more in ({}, {"goal": "maximise"}, {"goal": "maximize"})),
        *({"name": "a"} | more for more in ({"target": "0.5"}, {"impute": "x"}, {"x": 1})),
        *({}, "a", None, {"name": 1}, {"name": "a", "impute_while_running": False}),
    ],
    "metrics": [[{"name": "a"}], [{"name": "a"}, {"name": "b"}], None, "a"],
    "early_terminate": [
        *({"type": "hyperband", "min_iter": n} for n in (3, 0, "3", 3.0, 3.5, None)),
        *({"type": "hyperband", "min_iter": 3} | more for more in ({"eta": 1}, {"x": 1})),
        *({"type": "hyperband", "min_iter": 3, "strict": s} for s in ("yes", 1, False)),
        *({"type": "hyperband"}, {"type": "hyperband", "max_iter": 27}, {"type": "x"}),
        *({"type": "hyperband", "max_iter": 27, "s": 2}, {"min_iter": 1}, "hyperband", None),
    ],
    "scheduler": [
        *({"engine": engine} for engine in ("wandb", "optuna", "x")),
        *({"engine": "wandb", "optimizer": "f"}, {}, {"resource": "k8s"}, None, "wandb"),
        {"engine": "ax", "source": "a.py", "search_space": "f"},
    ],
    "controller": [{"type": "cloud"}, {"type": "local"}, {}, {"type": "x"}, "local", None],
    "run_cap": [1, 0, -1, "3", 3.0, 3.5, None, True],
    "command": ["a b", ["a"], ["a", 3], None, []],
    "name": ["a", 1, None],
    "description": ["a", ["b"]],
    "program": ["t.py", 3, None],
    "entity": ["a", 3],
    "project": ["a", 3],
    "job": ["j", 3, None],
    "image_uri": ["i", 3],
    "apiVersion": ["1", 1],
    "kind": ["sweep", "x", 1],
    "foo": [1],
    "parameters": [{}, None, [1], {"1a": {"value": 1}}, {"p": 3}, {"p": {"value": 1}, "q": {}}],
}


def any_parameter(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    if depth < 2 and rng.random() < 0.1:
        names = rng.sample(["q", "r-1", "1x"], rng.randint(0, 2))
        return {"parameters": {name: any_parameter(rng, depth + 1) for name in names}}
    found: dict[str, Any] = {}
    if rng.random() < 0.6:
        found["distribution"] = rng.choice(DISTRIBUTIONS)
    for key in ("min", "max"):
        if rng.random() < 0.5:
            found[key] = rng.choice(NUMBERS)
    for key in ("q", "mu", "sigma", "a", "b"):
        if rng.random() < 0.15:
            found[key] = rng.choice(NUMBERS)
    if rng.random() < 0.2:
        found["value"] = rng.choice([*NUMBERS, [1], {"a": 1}])
    if rng.random() < 0.3:
        found["values"] = rng.choice([[], [1], [1, 2], ["a", "b"], [1, 1.0], 3, None])
    if rng.random() < 0.2:
        given: list[Any] = [[], [1], [0.5, 0.5], [1, 1], ["0.5", 0.5], [0.5, -0.5], [0, 0]]
        found["probabilities"] = rng.choice(given)
    return found


def any_document(rng: random.Random) -> dict[str, Any]:
    document = {"method": rng.choice(["grid", "random", "bayes"]), "metric": {"name": "a"}}
    document["parameters"] = {"x": any_parameter(rng) if rng.random() < 0.5 else {"value": 1}}
    for key in rng.sample(list(SECTIONS), rng.randint(0, 2)):
        document[key] = rng.choice(SECTIONS[key])
    return document


def test_of_whatever_w_and_b_warns_we_warn() -> None:
    rng = random.Random(4)
    documents = [document for document, _ in TOLD if document.get("order") is None]
    documents += [any_document(rng) for _ in range(1200)]
    theirs = ask(THEIRS, documents)
    warned = [document for document, found in zip(documents, theirs, strict=True) if found]
    assert len(warned) > 700
    assert [document for document in warned if not sweep_files.warnings(document)] == []


class Compared(int):
    """A number whose comparisons are calls."""

    def __eq__(self, other: object) -> bool:
        return int(self) == other

    def __hash__(self) -> int:
        return hash(int(self))


EFFORT = {
    "different values": lambda n: with_x(values=list(map(Compared, range(n)))),
    "equal values": lambda n: with_x(values=[1] * n),
    "empty lists": lambda n: with_x(values=[[]] * n),
    "probabilities": lambda n: with_x(values=[1] * n, probabilities=[1] * n),
    "wrong probabilities": lambda n: with_x(values=[1] * n, probabilities=["a"] * n),
    "parameters": lambda n: SOUND | {"parameters": {f"p{i}": {"value": 1} for i in range(n)}},
    "unknown keys": lambda n: SOUND | {f"k{i}": 1 for i in range(n)},
    "unknown parameter keys": lambda n: with_x(**{f"k{i}": 1 for i in range(n)}),
}


@pytest.mark.parametrize("make", EFFORT.values(), ids=EFFORT)
def test_judging_a_file_takes_work_in_proportion_to_its_length(make: Any) -> None:
    short, long = (calls(make(count)) for count in (250, 2000))
    assert long < 9 * short  # 8 times the length


def calls(document: dict[str, Any]) -> int:
    """Count the function calls of a judgement."""
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        sweep_files.warnings(document)
    finally:
        sys.setprofile(before)
    return count


def test_many_faults_are_cut_short() -> None:
    lines = sweep_files.warnings(SOUND | {f"k{i}": 1 for i in range(60)})
    assert len(lines) == 51
    assert lines[-1] == "and 10 more of this kind"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"method": "random"}, None),
        ({"method": "random", "run_cap": 7}, 7),
        ({}, 8),
        ({"run_cap": 3}, 3),
        ({"run_cap": 30}, 8),
        ({"method": "custom"}, None),
        ({"parameters": {"a": {"min": 0, "max": 2**40}}}, None),
    ],
    ids=str,
)
def test_the_expected_number_of_runs_counts_nested_parameters(
    changed: dict[str, Any], expected: int | None
) -> None:
    document = {
        "method": "grid",
        "parameters": {
            "a": {"values": [1, 2]},
            "p": {
                "parameters": {
                    "q": {"min": 1, "max": 2},
                    "r": {"parameters": {"s": {"values": ["x", "y"]}, "t": {"value": 0}}},
                }
            },
        },
    }
    assert sweep_files.expected_runs(yaml.safe_dump(document | changed)) == expected


def test_a_nested_file_as_deep_as_yaml_reads_is_judged() -> None:
    parameter: dict[str, Any] = {"value": 1}
    for _ in range(90):
        parameter = {"parameters": {"p": parameter}}
    text = json.dumps({"method": "grid", "parameters": {"p": parameter}})
    assert sweep_files.expected_runs(text) == 1
    assert sweep_files.warnings(yaml.safe_load(text)) == []
