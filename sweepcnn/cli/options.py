"""Options that several verbs share."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sweepcnn.errors import InputError, Problem

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout.")]
ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="CONFIG.yaml", help="A file of parameters.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a parameter; repeatable, YAML values."),
]


def help_of(verb: Callable[..., None]) -> str:
    """Give a verb's docstring as its help; the lines of its examples are kept as they are."""
    return (inspect.getdoc(verb) or "").replace("\nExamples:", "\n\b\nExamples:")


def read_values(file: Path | None, settings: list[str] | None) -> dict[str, Any]:
    """Read parameters from a YAML file and from KEY=VALUE settings, which override it.

    Raises:
        InputError: the file cannot be read as a mapping, or a setting is not of that form.
    """
    import yaml

    values: dict[str, Any] = {}
    problems = []
    if file is not None:
        try:
            loaded = yaml.safe_load(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise InputError(Problem(str(file), reason, "name a YAML file of parameters")) from None
        if loaded is not None and not isinstance(loaded, dict):
            rule, remedy = "is not a mapping of keys to values", "write one `key: value` a line"
            raise InputError(Problem(str(file), rule, remedy))
        values = loaded or {}
        if "parameters" in values and "method" in values:
            rule, remedy = "is a sweep file, not one run's parameters", f"use `wandb sweep {file}`"
            raise InputError(Problem(str(file), rule, remedy))
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            problems.append(Problem(f"--set {setting}", "is not KEY=VALUE", "such as epochs=20"))
            continue
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            problems.append(Problem(f"--set {setting}", "has no YAML value", "quote the value"))
    if problems:
        raise InputError(problems)
    return values
