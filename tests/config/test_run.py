import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sweepcnn.config import PRESETS, RunConfig, overridden
from sweepcnn.errors import InputError, Problem


def faults(values: Any) -> list[Problem]:
    """Give the problems for which a configuration is refused."""
    with pytest.raises(InputError) as caught:
        RunConfig.model_validate(values)
    return list(caught.value.problems)


def fault(values: Any) -> Problem:
    """Give the one problem for which a configuration is refused."""
    (problem,) = faults(values)
    return problem


def test_defaults_are_those_of_study_a() -> None:
    config = RunConfig()
    assert config.blocks == 5
    assert (config.padding, config.pool, config.optimizer) == ("same", "max", "adam")
    assert (config.val_fraction, config.normalize) == (0.2, "half")


BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    ("blocks", [1, 16], [0, 17]),
    ("filters", [1, 8192], [0, 8193]),
    ("convs_per_block", [1, 8], [0, 9]),
    ("kernel_size", [1, 63], [0, 64]),
    ("stride", [1, 8], [0, 9]),
    ("padding", [0, 64, "same", "valid"], [-1, 65, "full"]),
    ("filter_strategy", ["same", "double", "half"], ["triple"]),
    ("conv_bias", [True, False], ["maybe", 2]),
    ("batch_norm", [True, False], ["maybe", 2]),
    ("dense_batch_norm", [True, False], ["maybe", 2]),
    (
        "activation",
        ["relu", "gelu", "silu", "mish", "elu", "leaky_relu", "tanh", "none"],
        ["swish", None],
    ),
    ("dense_activation", ["relu", "none", None], ["swish"]),
    ("pool", ["max", "avg", "none"], ["min", None]),
    ("dropout", [0, 0.999], [-0.1, 1, None]),
    ("conv_dropout", [0, 0.999, None], [-0.1, 1]),
    ("dense_dropout", [0, 0.999, None], [-0.1, 1]),
    ("dense_units", [1, 65536, [], [8] * 64], [0, 65537]),
    ("preset", ["a-best", None], ["a-worst", 3]),
    ("dataset", ["digits"], [3, None]),
    ("image_size", [1, 1024], [0, 1025]),
    ("augment", ["none", "flip_crop", "flip_crop_rotate"], ["flip", True]),
    ("normalize", ["none", "half"], ["imagenet"]),
    ("val_fraction", [0.001, 0.999], [0, 1]),
    ("test_fraction", [0.001, 0.999], [0, 1]),
    ("split_seed", [0, 2**32 - 1], [-1, 2**32]),
    ("optimizer", ["adam", "sgd"], ["lion"]),
    ("learning_rate", [1e-12, 1e6], [0, 1.1e6]),
    ("momentum", [0, 0.999], [-0.1, 1]),
    ("weight_decay", [0, 1e6], [-1e-9, 1.1e6]),
    ("epochs", [1, 100_000], [0, 100_001, 1.5]),
    ("patience", [1, None], [0]),
    ("batch_size", [2, 65536], [1, 65537]),
    ("seed", [0, 2**32 - 1], [-1, 2**32]),
    ("precision", ["auto", "float32", "bfloat16"], ["float16"]),
]


def test_every_field_has_its_bounds_tested() -> None:
    assert {name for name, _, _ in BOUNDS} == set(RunConfig.model_fields)


@pytest.mark.parametrize(("name", "good", "bad"), BOUNDS, ids=[name for name, _, _ in BOUNDS])
def test_values_up_to_the_bounds_are_taken_and_those_beyond_are_told(
    name: str, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        found = getattr(RunConfig.model_validate({name: value}), name)
        assert found == (tuple(value) if isinstance(value, list) else value)
    for value in bad:
        problem = fault({name: value})
        assert problem.value == f"{name} = {value!r}"
        assert problem.rule
        assert problem.remedy


def test_a_network_of_a_giant_list_of_dense_layers_is_refused() -> None:
    problem = fault({"dense_units": [8] * 65})
    assert problem.rule == "lists 65 layers"
    assert problem.remedy == "give 64 widths or fewer"


def test_a_message_has_value_rule_and_meaning() -> None:
    assert str(fault({"batch_size": 1})) == (
        "batch_size = 1: must be greater than or equal to 2;"
        " batch_size is the number of images in a step, 2 or more"
    )


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    assert str(fault({"learning_rte": 1e-3})) == (
        "learning_rte = 0.001: unknown key; did you mean learning_rate?"
    )


def test_an_unknown_key_like_no_other_names_all_that_are_known() -> None:
    remedy = fault({"zzz": 1}).remedy
    assert remedy.startswith("known are activation, ")
    assert set(remedy.removeprefix("known are ").split(", ")) == {
        *RunConfig.model_fields,
        "optimiser",
    }


def test_all_errors_are_told_at_once() -> None:
    problems = faults(
        {
            "preset": "a-bst",
            "epochs": 0,
            "zzz": 1,
            "kernel_size": [3, 5],
            "optimizer": "adam",
            "optimiser": "sgd",
        }
    )
    told = "\n".join(str(problem) for problem in problems)
    assert len(problems) == 5
    assert "preset = 'a-bst': unknown preset; did you mean a-best?" in told
    assert "epochs = 0: must be greater than or equal to 1" in told
    assert "zzz = 1: unknown key" in told
    assert (
        "kernel_size = [3, 5]: lists 2 values for 5 blocks;"
        " set blocks: 2 or give one value a block" in told
    )
    assert (
        "optimiser = 'sgd', optimizer = 'adam': are one parameter given twice; give one of them"
        in told
    )


@pytest.mark.parametrize("name", ["filters", "kernel_size", "pool"])
def test_a_list_must_fit_the_blocks(name: str) -> None:
    value = "max" if name == "pool" else 3
    assert getattr(RunConfig.model_validate({"blocks": 2, name: [value] * 2}), name) == (value,) * 2
    problem = fault({"blocks": 2, name: [value] * 3})
    assert problem.rule == "lists 3 values for 2 blocks"
    assert problem.remedy == "set blocks: 3 or give one value a block"


@pytest.mark.parametrize("count", [0, 17])
def test_no_number_of_blocks_is_proposed_that_would_be_refused(count: int) -> None:
    assert fault({"filters": [8] * count}).remedy == "give one value a block"


@pytest.mark.parametrize("blocks", [2, 2.0, "2", "2.0"])
def test_lists_fit_the_blocks_however_their_number_is_written(blocks: object) -> None:
    assert RunConfig.model_validate({"blocks": blocks, "filters": [8, 16]}).filters == (8, 16)


def test_lists_are_not_held_against_blocks_that_are_wrong_themselves() -> None:
    assert fault({"blocks": "many", "filters": [8, 16]}).value == "blocks = 'many'"


def test_one_entry_of_a_list_is_named_by_its_place() -> None:
    assert fault({"blocks": 2, "filters": [8, 0]}).value == "filters[1] = 0"


def test_a_strategy_beside_a_list_of_filters_is_dead_and_told() -> None:
    problem = fault({"blocks": 2, "filters": [8, 16], "filter_strategy": "double"})
    assert problem.value == "filter_strategy = 'double'"
    assert problem.remedy == "leave it out or give one number of filters"


def test_a_synonym_is_the_same_parameter() -> None:
    assert RunConfig.model_validate({"optimiser": "sgd"}).optimizer == "sgd"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", "1e-5", 1e-5),
        ("epochs", "32", 32),
        ("epochs", "3e1", 30),
        ("seed", "4294967295", 4294967295),
        ("padding", "3", 3),
    ],
)
def test_numeric_text_is_a_number(name: str, text: str, value: float) -> None:
    found = getattr(RunConfig.model_validate({name: text}), name)
    assert found == value
    assert not isinstance(found, str)


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "filters", "padding", "dropout"])
@pytest.mark.parametrize("value", [True, False])
def test_truth_values_are_no_numbers(name: str, value: bool) -> None:
    assert fault({name: value}).rule == "must be a number, not true or false"


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "patience", "weight_decay"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", float("nan"), float("inf"), 10**400])
def test_what_is_not_finite_is_refused(name: str, value: object) -> None:
    assert fault({name: value}).rule == "must be a finite number"


@pytest.mark.parametrize("text", ["None", "none", "null", "NULL"])
@pytest.mark.parametrize("name", ["patience", "conv_dropout"])
def test_none_as_text_is_told_to_be_null(name: str, text: str) -> None:
    assert str(fault({name: text})) == f"{name} = {text!r}: is text, not a value; write null"


@pytest.mark.parametrize("name", ["activation", "augment", "pool", "normalize"])
def test_none_with_a_capital_is_told_to_be_the_word_none(name: str) -> None:
    assert fault({name: "None"}).remedy == "did you mean none?"


def test_none_as_text_is_not_told_to_be_null_where_null_is_refused() -> None:
    assert "write null" not in str(fault({"epochs": "None"}))
    assert "write null" not in str(fault({"padding": "None"}))


def test_a_misspelt_word_names_the_right_one() -> None:
    assert fault({"activation": "ReLU"}).remedy == "did you mean relu?"


@pytest.mark.parametrize("value", [None, [], "epochs: 3", 3])
def test_what_is_no_mapping_is_refused(value: object) -> None:
    assert str(fault(value)) == (
        f"{value!r}: is not a mapping of keys to values; write one `key: value` a line"
    )


def test_a_key_that_is_no_text_is_refused() -> None:
    assert str(fault({1: 2})) == "key 1: is not text; put it in quotes"


def test_long_values_are_cut_in_messages() -> None:
    assert len(fault({"epochs": "x" * 1000}).value) < 100
    assert fault({"epochs": 16**5000}).value == "epochs = a huge number"


def test_given_keys_override_a_preset() -> None:
    config = RunConfig(preset="a-best", dropout=0.1, image_size=64)
    assert (config.dropout, config.image_size) == (0.1, 64)
    assert (config.filters, config.kernel_size, config.activation) == (64, 5, "gelu")


def test_dropout_overrides_the_dense_dropout_of_a_preset() -> None:
    assert RunConfig(preset="b-1-block").dense_dropout == 0.5
    config = RunConfig(preset="b-1-block", dropout=0.1)
    assert (config.dropout, config.dense_dropout) == (0.1, None)


def test_a_list_of_filters_overrides_the_strategy_of_a_preset() -> None:
    config = RunConfig(preset="b-2-blocks", filters=(8, 32))
    assert (config.filters, config.filter_strategy) == ((8, 32), "same")


def test_lists_of_a_preset_must_fit_the_blocks_that_are_given() -> None:
    assert {problem.value for problem in faults({"preset": "c-lenet", "blocks": 3})} == {
        "filters = [6, 16]"
    }


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid(name: str) -> None:
    config = RunConfig(preset=name)
    for key, value in PRESETS[name].items():
        assert getattr(config, key) == (tuple(value) if isinstance(value, list) else value)


def test_a_configuration_is_frozen() -> None:
    config = RunConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize("name", [None, *PRESETS])
def test_a_configuration_survives_json(name: str | None) -> None:
    config = RunConfig(preset=name, seed=3, learning_rate=1e-5)
    plain = json.loads(json.dumps(config.model_dump(mode="json")))
    assert RunConfig.model_validate(plain) == config


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["none", "None", "same", "double", "max", "relu", "adam", "1e-3", "5", "a-best", "c-lenet"]
)
KEYS = st.sampled_from([*RunConfig.model_fields, "optimiser"]) | st.text(max_size=8)


@given(st.dictionaries(KEYS, JSON | WORDS | st.lists(WORDS | st.integers(1, 64)), max_size=6))
def test_any_mapping_gives_a_configuration_or_an_input_error(values: dict[str, Any]) -> None:
    try:
        config = RunConfig.model_validate(values)
    except InputError as error:
        assert error.problems  # noqa: PT017 - there are two good outcomes
    else:
        assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_overriding_values_win_under_whichever_name_they_are_given() -> None:
    values = overridden({"optimizer": "adam", "epochs": 3}, {"optimiser": "sgd"})
    assert values == {"epochs": 3, "optimiser": "sgd"}
    assert RunConfig.model_validate(values).optimizer == "sgd"
