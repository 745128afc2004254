"""The reference of the sweep file names what there is."""

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from sweepcnn.config import EarlyTerminate, Metric, Parameter, SweepConfig
from sweepcnn.config.parameter import Distribution
from sweepcnn.scheduler import sweep_files
from sweepcnn.search import obstacles
from sweepcnn.search.bayes import WARM_UP
from sweepcnn.search.space import dimension
from sweepcnn.search.stopping import rungs

FOLDER = Path(__file__).parents[1] / "sweeps"
TEXT = (FOLDER / "README.md").read_text("utf-8")
BOUNDS = {"value": 3, "values": [1, 2], "probabilities": [0.2, 0.8], "min": 1, "max": 3}


def section(title: str) -> str:
    """Give what stands under a heading, up to the next one."""
    return re.split(r"^#+ ", TEXT.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> list[list[str]]:
    """Give the cells of the table under a heading, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def keys(title: str) -> set[str]:
    return {word for row in rows(title) for word in words(row[0])}


def fields(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("title", "model"),
    [("Keys", SweepConfig), ("Metric", Metric), ("Early stopping", EarlyTerminate)],
)
def test_its_tables_have_every_key_and_no_other(title: str, model: type[BaseModel]) -> None:
    assert keys(title) == fields(model)


def test_every_method_that_searches_is_in_it() -> None:
    assert keys("Methods") == {"grid", "random", "bayes"}


def test_the_warm_up_is_as_long_as_it_says() -> None:
    assert f"random until {WARM_UP} runs have ended" in section("Methods")


def test_every_distribution_is_in_it() -> None:
    assert keys("Distributions") == set(get_args(Distribution))


@pytest.mark.parametrize("row", rows("Distributions"), ids=lambda row: row[0].strip("`"))
def test_a_distribution_needs_the_keys_and_has_the_defaults_that_it_says(row: list[str]) -> None:
    needed = re.findall(r"`(\w+)`(?! = )", row[1])
    defaults = {key: float(value) for key, value in re.findall(r"`(\w+)` = (\d+)", row[1])}
    assert {*needed, *defaults} <= fields(Parameter)
    given = {"distribution": words(row[0])[0]} | {key: BOUNDS[key] for key in needed}

    def read(values: dict[str, Any]) -> Parameter:
        config = SweepConfig.model_validate({"method": "random", "parameters": {"x": values}})
        assert obstacles(config) == []
        return config.parameters["x"]

    assert dimension(read(given)) == dimension(read(given | defaults))
    for key in needed:
        with pytest.raises(Exception, match=f"lacks .*{key}"):
            read({name: value for name, value in given.items() if name != key})
    for key, value in defaults.items():
        assert dimension(read(given | {key: value + 1})) != dimension(read(given))


def test_grids_take_the_distributions_that_it_names() -> None:
    (sentence,) = re.findall(r"^Grids take ([^;]*);", TEXT, re.MULTILINE)
    named = set(words(sentence))
    taken = set()
    for row in rows("Distributions"):
        needed = re.findall(r"`(\w+)`(?! = )", row[1])
        values = {"distribution": words(row[0])[0]} | {key: BOUNDS[key] for key in needed}
        config = SweepConfig.model_validate({"method": "grid", "parameters": {"x": values}})
        if not obstacles(config):
            taken |= set(words(row[0]))
    assert taken == named


def test_runs_are_compared_where_it_says() -> None:
    ((rule, first),) = re.findall(r"`(\{type: .*?\})` compares at epochs ([\d, ]+) and", TEXT)
    config = EarlyTerminate.model_validate(yaml.safe_load(rule))
    numbers = [int(number) for number in first.split(",")]
    assert list(islice(rungs(config), len(numbers))) == numbers


OUT: dict[str, dict[str, Any]] = {
    "metrics": {"metrics": [{"name": "a"}, {"name": "b"}]},
    "method: custom": {"method": "custom"},
    "scheduler": {"scheduler": {"engine": "optuna"}},
    "controller: {type: local}": {"controller": {"type": "local"}},
    "job": {"job": "job"},
    "image_uri": {"image_uri": "image"},
}


@pytest.mark.parametrize("key", OUT)
def test_what_is_out_is_told_in_the_words_that_it_gives(key: str) -> None:
    (row,) = [row for row in rows("What is out") if key in words(row[0])]
    document = {"method": "grid", "parameters": {"x": {"values": [1]}}} | OUT[key]
    (warning,) = sweep_files.warnings(document)
    assert warning.startswith("this sweep will hand out no runs")
    assert row[1] in warning


def test_its_commands_are_those_of_the_client() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wandb", "sweep", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    options = keys("Commands")
    assert options == {"--pause", "--resume", "--stop", "--cancel", "--update", "--prior_run"}
    assert [option for option in options if option not in done.stdout] == []


def test_its_links_lead_to_every_shipped_file() -> None:
    links = set(re.findall(r"\]\(([^)]+)\)", TEXT))
    assert [link for link in links if not (FOLDER / link).exists()] == []
    assert {path.name for path in FOLDER.glob("*.yaml")} <= links
