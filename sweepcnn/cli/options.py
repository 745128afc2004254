"""Options that several verbs share."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweepcnn.errors import InputError, Problem

if TYPE_CHECKING:
    from sweepcnn.server.administration import Place

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout.")]
ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="CONFIG.yaml", help="A file of parameters.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a parameter; repeatable, YAML values."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(readable=False, help="Where everything is kept; default: your data folder."),
]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="A SQLAlchemy URL; default: SQLite in the data folder.")
]


def resolve_data_dir(given: Path | None) -> Path:
    """Give the data folder that is meant, by default the user's own."""
    from platformdirs import user_data_path

    return (given or user_data_path("sweepcnn") / "server").absolute()


def place_of(data_dir: Path | None, database_url: str | None) -> "Place":
    """Give the backend that is meant, by default that of the user's own data folder."""
    from sweepcnn.server.administration import Place

    known = data_dir is not None or database_url is None
    return Place(resolve_data_dir(data_dir) if known else None, database_url)


def help_of(verb: Callable[..., None]) -> str:
    """Give a verb's docstring as its help; the lines of its examples are kept as they are."""
    return (inspect.getdoc(verb) or "").replace("\nExamples:", "\n\b\nExamples:")


def read_values(file: Path | None, settings: list[str] | None) -> dict[str, Any]:
    """Read parameters from a YAML file and from KEY=VALUE settings, which override it.

    Raises:
        InputError: the file cannot be read as a mapping, or a setting is not of that form.
    """
    import yaml

    from sweepcnn.config.settings import read_settings

    values: dict[str, Any] = {}
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
    return values | read_settings(settings or ())
