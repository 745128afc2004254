from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.config import Parameter, SweepConfig
from sweepcnn.config.doubts import doubts
from sweepcnn.errors import InputError, Problem


def faults(values: Any) -> list[str]:
    """Give the problems for which a sweep is refused."""
    with pytest.raises(InputError) as caught:
        SweepConfig.model_validate(values)
    return [str(problem) for problem in caught.value.problems]


def grid(**parameter: Any) -> dict[str, Any]:
    """Give a sweep over one parameter, x."""
    return {"method": "grid", "parameters": {"x": parameter}}


def parameter(**keys: Any) -> Parameter:
    """Read one parameter."""
    return SweepConfig.model_validate(grid(**keys)).parameters["x"]


FULL: dict[str, Any] = {
    "method": "bayes",
    "parameters": {"x": {"min": 0, "max": 1}},
    "metric": {
        "name": "best_val_accuracy",
        "goal": "maximize",
        "target": 0.9,
        "impute": "worst",
        "impute_while_running": "latest",
    },
    "name": "sweep",
    "description": "a text",
    "entity": "local",
    "project": "p",
    "program": "train.py",
    "command": ["${env}", "sweepcnn", "train"],
    "run_cap": 8,
    "early_terminate": {
        "type": "hyperband",
        "min_iter": 3,
        "max_iter": 27,
        "s": 2,
        "eta": 3,
        "strict": False,
    },
    "seed": 1,
    "order": "shuffled",
    "controller": {"type": "cloud"},
    "metrics": [{"name": "a"}],
    "scheduler": {"name": "s"},
    "job": "job",
    "image_uri": "image",
    "apiVersion": "1",
    "kind": "sweep",
}


def test_every_key_of_the_schema_is_read() -> None:
    config = SweepConfig.model_validate(FULL)
    assert config.model_fields_set == set(SweepConfig.model_fields)
    assert config.metric is not None
    assert config.metric.model_fields_set == set(type(config.metric).model_fields)
    assert config.early_terminate is not None
    assert config.early_terminate.strict is False
    assert config.command == ("${env}", "sweepcnn", "train")
    assert config.api_version == "1"


def test_a_command_may_have_numbers_for_words() -> None:
    config = SweepConfig.model_validate({"method": "grid", "command": ["a", "--epochs", 3]})
    assert config.command == ("a", "--epochs", "3")


def test_asha_reads_its_brackets() -> None:
    config = SweepConfig.model_validate(
        {"method": "grid", "early_terminate": {"type": "asha", "min_iter": 2, "eta": 4}}
    )
    assert config.early_terminate is not None
    stop = config.early_terminate
    assert (stop.type, stop.min_iter, stop.max_iter, stop.eta) == ("asha", 2, None, 4)


def test_a_command_may_be_one_text() -> None:
    assert SweepConfig.model_validate({"method": "grid", "command": "a b"}).command == "a b"


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"value": 3}, "constant"),
        ({"value": None}, "constant"),
        ({"values": [1, "two", None, [3]]}, "categorical"),
        ({"values": [1, 2], "probabilities": [0.5, 0.5]}, "categorical_w_probabilities"),
        ({"min": 1, "max": 3}, "int_uniform"),
        ({"min": "1", "max": "3"}, "int_uniform"),
        ({"min": 1, "max": 3.5}, "uniform"),
        ({"min": 1.0, "max": 3.0}, "uniform"),
        ({"min": "1e-4", "max": 1}, "uniform"),
        ({"distribution": "log_uniform_values", "min": 1e-4, "max": 1}, "log_uniform_values"),
        ({"distribution": "uniform", "min": 1, "max": 3}, "uniform"),
        ({"distribution": "normal", "mu": 0, "sigma": 1}, "normal"),
        ({"distribution": "q_beta"}, "q_beta"),
    ],
)
def test_a_distribution_is_inferred_as_w_and_b_does(keys: dict[str, Any], kind: str) -> None:
    assert parameter(**keys).kind == kind


def test_numeric_text_in_bounds_is_read() -> None:
    found = parameter(distribution="log_uniform_values", min="1e-4", max="1e-2")
    assert (found.min, found.max) == (1e-4, 1e-2)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "has nothing to choose from; give value, values, or min and max"),
        ({"min": 1}, "has nothing to choose from; give value, values, or min and max"),
        ({"distribution": "constant"}, "is constant and lacks value; give value"),
        ({"values": []}, "is categorical and lacks values; give values"),
        (
            {"distribution": "uniform", "max": 1},
            "is uniform and lacks min; give min and max",
        ),
        (
            {"distribution": "categorical_w_probabilities", "values": [1]},
            "is categorical_w_probabilities and lacks probabilities; give values and probabilities",
        ),
        (
            {"values": [1, 2], "probabilities": [1]},
            "has not as many probabilities as values; give one probability a value",
        ),
        ({"min": 2, "max": 1}, "min = 2 is more than max = 1; swap them"),
        (
            {"distribution": "log_uniform_values", "min": 0, "max": 1},
            "min = 0 has no logarithm; give a min above 0",
        ),
        (
            {"distribution": "q_log_uniform_values", "min": -1, "max": 1},
            "min = -1 has no logarithm; give a min above 0",
        ),
        (
            {"distribution": "normal", "min": 0, "mu": 0},
            "is normal, which does not read min; leave out min or correct distribution",
        ),
        (
            {"min": 0, "max": 1, "mu": 0},
            "is int_uniform, which does not read mu; leave out mu or correct distribution",
        ),
        (
            {"value": 1, "min": 0},
            "is constant, which does not read min; leave out min or correct distribution",
        ),
        (
            {"min": 0, "max": 1, "q": 2, "mu": 1},
            "is int_uniform, which does not read q and mu;"
            " leave out q and mu or correct distribution",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_told(keys: dict[str, Any], told: str) -> None:
    assert faults(grid(**keys)) == [f"parameters.x = {keys!r}: {told}"]


@pytest.mark.parametrize("bounds", [(0, 0), (-1, 0), (0.0, 1)])
def test_a_bound_of_zero_is_a_bound(bounds: tuple[float, float]) -> None:
    found = parameter(min=bounds[0], max=bounds[1])
    assert (found.min, found.max) == bounds


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "method: is missing; method is the way of searching: grid, random or bayes"),
        (
            {"method": "bays"},
            "method = 'bays': must be 'grid', 'random', 'bayes' or 'custom'; did you mean bayes?",
        ),
        (
            {"method": "grid", "parametrs": {}},
            "parametrs = {}: unknown key; did you mean parameters?",
        ),
        (
            {"method": "grid", "apiVersoin": "1"},
            "apiVersoin = '1': unknown key; did you mean apiVersion?",
        ),
        (
            {"method": "grid", "metric": {"name": "a", "goal": "maximise"}},
            "metric.goal = 'maximise': must be 'minimize' or 'maximize'; did you mean maximize?",
        ),
        (
            {"method": "grid", "metric": {}},
            "metric.name: is missing; name is the metric's name as the runs log it",
        ),
        (
            {"method": "grid", "metric": "accuracy"},
            "metric = 'accuracy': must be a mapping of keys to values;"
            " metric is what the sweep optimises: name and goal",
        ),
        (
            {"method": "grid", "early_terminate": {"type": "hyperband", "min_iter": 0}},
            "early_terminate.min_iter = 0: must be greater than or equal to 1;"
            " min_iter is the first epoch at which a run may be stopped",
        ),
        (
            {"method": "grid", "early_terminate": {"type": "hyperband", "etta": 2}},
            "early_terminate.etta = 2: unknown key; did you mean eta?",
        ),
        (
            {"method": "grid", "parameters": {"x": 0.1}},
            "parameters.x = 0.1: must be a mapping of keys to values;"
            " parameters is the searched parameters by name",
        ),
        (
            {"method": "grid", "parameters": [1]},
            "parameters = [1]: must be a mapping of keys to values;"
            " parameters is the searched parameters by name",
        ),
        (
            {"method": "grid", "parameters": {1: {"value": 1}}},
            "key 1: is not text; put it in quotes",
        ),
        (grid(values=3), "parameters.x.values = 3: must be a list; values is the list of values"),
        (grid(mn=1, max=2), "parameters.x.mn = 1: unknown key; did you mean min?"),
        (
            {"method": "grid", "command": ["a", ["b"]]},
            "command[1] = ['b']: must be a valid string;"
            " command is the command that agents start, word by word",
        ),
        (
            {"method": "grid", "early_terminate": {"type": "median", "min_iter": 1}},
            "early_terminate.type = 'median': must be 'hyperband' or 'asha';",
        ),
        (
            grid(parameters={}),
            "parameters.x = {'parameters': {}}: is nested and has no parameters;",
        ),
        (
            grid(parameters={"y": {"value": 1}}, value=2),
            "parameters.x = {'parameters': {'y': {'value': 1}}, 'value': 2}: is nested, which does"
            " not read value;",
        ),
        (
            {"method": "grid", "run_cap": True},
            "run_cap = True: must be a number, not true or false;"
            " run_cap is the most runs of the sweep, 1 or more",
        ),
        (
            [],
            "[]: is not a mapping of keys to values; write one `key: value` a line",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_remedy(values: Any, told: str) -> None:
    (problem,) = faults(values)
    assert problem.startswith(told)


@pytest.mark.parametrize("name", ["one", "list", "a", "min", "parameters", "value"])
def test_a_parameter_of_any_name_is_named_in_messages(name: str) -> None:
    (problem,) = faults({"method": "grid", "parameters": {name: {"min": "low", "max": 1}}})
    assert problem.startswith(f"parameters.{name}.min = 'low': must be a number; min is the lower")


def test_nested_parameters_are_checked_too() -> None:
    (problem,) = faults(grid(parameters={"inner": {"min": 1}}))
    assert problem.startswith("parameters.x.parameters.inner = {'min': 1}: has nothing to")


def test_all_faults_are_told_at_once() -> None:
    values = {"method": "bays", "run_cap": 0, "zzz": 1, "parameters": {"x": {"mn": 1}, "y": {}}}
    assert len(faults(values)) == 5


def test_reading_leaves_out_what_no_search_depends_on_and_tells_it() -> None:
    stop = {"type": "hyperband", "min_iter": 3, "iters": 2}
    config, problems = SweepConfig.read(grid(value=1) | {"name": 5, "early_terminate": stop})
    assert config.name is None
    assert config.early_terminate is not None
    assert [str(problem) for problem in problems] == [
        "name = 5: is no text; put it in quotes",
        "early_terminate.iters = 2: unknown key; it is kept and not acted on",
    ]


def test_reading_leaves_out_unknown_keys_and_tells_them() -> None:
    config, problems = SweepConfig.read(grid(value=1) | {"my_note": "x" * 100, "apiVersion": "1"})
    assert config.parameters["x"].value == 1
    assert config.api_version == "1"
    (problem,) = problems
    assert problem.value.startswith("my_note = 'xxx")
    assert len(problem.value) < 100
    assert (problem.rule, problem.remedy) == ("unknown key", "it is kept and not acted on")


@pytest.mark.parametrize("values", [None, [], "method: grid", 3])
def test_reading_refuses_what_is_no_mapping(values: object) -> None:
    with pytest.raises(InputError, match="is not a mapping"):
        SweepConfig.read(values)


def test_reading_refuses_a_wrong_value_of_a_known_key() -> None:
    with pytest.raises(InputError, match="run_cap = 0"):
        SweepConfig.read(grid(value=1) | {"run_cap": 0, "my_note": 1})


def obstacles(**changed: Any) -> list[Problem]:
    """Tell why a sweep that is sound but for these keys cannot be searched."""
    sound = {"method": "random", "parameters": {"x": {"value": 1}}}
    return SweepConfig.model_validate(sound | changed).obstacles()


def test_a_sound_sweep_has_no_obstacles() -> None:
    assert obstacles() == []
    assert obstacles(scheduler={"engine": "wandb"}, controller={"type": "cloud"}) == []
    assert obstacles(method="grid") == []
    assert obstacles(method="bayes", metric={"name": "a"}) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"method": "custom"}, "method = 'custom': has no search here; use grid, random or bayes"),
        ({"method": "bayes"}, "metric: is missing for bayes; give metric.name and goal"),
        ({"parameters": {}}, "parameters: is empty; give one parameter or more"),
        (
            {"scheduler": {"engine": "optuna"}},
            "scheduler.engine = 'optuna': is another search engine, which is not run here;",
        ),
        ({"metrics": [{"name": "a"}, {"name": "b"}]}, "metrics: several objectives are not"),
        ({"job": "job:v1"}, "job: W&B Launch is not served; leave it out"),
        ({"image_uri": "image"}, "image_uri: W&B Launch is not served; leave it out"),
        (
            {"controller": {"type": "local"}},
            "controller.type = 'local': wandb controller is not served; leave controller out",
        ),
        (
            {
                "method": "grid",
                "parameters": {"x": {"parameters": {"y": {"distribution": "normal"}}}},
            },
            "parameters.x.parameters.y: a grid cannot run over normal; give values or use",
        ),
        (
            {"method": "grid", "parameters": {"x": {"min": 0.0, "max": 1.0}}},
            "parameters.x: a grid cannot run over uniform; give values or use method: random",
        ),
    ],
)
def test_what_cannot_be_searched_is_told(changed: dict[str, Any], told: str) -> None:
    (problem,) = obstacles(**changed)
    assert str(problem).startswith(told)


@pytest.mark.parametrize(
    "keys",
    [
        {"value": 1},
        {"values": [1]},
        {"values": [1], "probabilities": [1]},
        {"min": 1, "max": 2},
        {"distribution": "q_uniform", "min": 0, "max": 1},
    ],
)
def test_a_grid_runs_over_what_is_finite(keys: dict[str, Any]) -> None:
    assert SweepConfig.model_validate(grid(**keys)).obstacles() == []


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, "does not say at which epochs runs are compared; give min_iter, or max_iter and s"),
        (
            {"max_iter": 9},
            "does not say at which epochs runs are compared; give min_iter, or max_iter and s",
        ),
        (
            {"max_iter": 3, "s": 1, "eta": 4},
            "has no epoch at which runs are compared below max_iter = 3;"
            " give a max_iter of eta = 4 or more, or min_iter",
        ),
        ({"min_iter": 1}, None),
        ({"max_iter": 3, "s": 1}, None),
    ],
    ids=str,
)
def test_early_stopping_that_can_stop_nothing_is_named(
    given: dict[str, Any], rule: str | None
) -> None:
    metric = {"metric": {"name": "loss"}}
    for kind in ("hyperband", "asha"):
        config = grid(value=1) | metric | {"early_terminate": {"type": kind} | given}
        end = "; until then no run is stopped"
        expected = [] if rule is None else [f"early_terminate: {rule}{end}"]
        assert list(map(str, doubts(config, SweepConfig.model_validate(config)))) == expected


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
WORDS = st.sampled_from(["grid", "bayes", "uniform", "constant", "maximize", "hyperband", "1e-3"])
KEYS = st.sampled_from(
    [
        *SweepConfig.model_fields,
        *Parameter.model_fields,
        "apiVersion",
        "type",
        "goal",
        "eta",
    ]
)
YAML = st.recursive(
    SCALARS | WORDS | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS, inner, max_size=4),
    max_leaves=12,
)
SWEEPS = st.fixed_dictionaries(
    {
        "method": WORDS,
        "parameters": st.dictionaries(
            st.text(max_size=3) | KEYS, st.dictionaries(KEYS, YAML, max_size=4) | YAML, max_size=3
        ),
    }
)


@given(YAML | SWEEPS | st.tuples(SWEEPS, st.dictionaries(KEYS, YAML)).map(lambda p: p[0] | p[1]))
def test_any_document_gives_a_sweep_or_an_input_error(document: Any) -> None:
    for read in (SweepConfig.model_validate, SweepConfig.read):
        try:
            found: Any = read(document)
        except InputError as error:
            assert error.problems  # noqa: PT017 - there are two good outcomes
        else:
            config = found[0] if isinstance(found, tuple) else found
            config.obstacles()
            doubts(document, config)
