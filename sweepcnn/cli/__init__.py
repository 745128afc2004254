"""The command line: each verb parses, calls one room and prints. Rooms load inside their verb."""

import sys
from typing import Any

import typer

from sweepcnn import __doc__ as about
from sweepcnn.cli.best import best
from sweepcnn.cli.data import app as data
from sweepcnn.cli.demo import demo
from sweepcnn.cli.describe import describe
from sweepcnn.cli.options import help_of
from sweepcnn.cli.server import app as server
from sweepcnn.cli.team import app as team
from sweepcnn.cli.train import train
from sweepcnn.cli.user import app as user
from sweepcnn.errors import SweepcnnError

# What the parser raises for words that it cannot take; Typer exports its subclasses only.
_UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    help=about,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (demo, train, describe, best):
    app.command(help=help_of(verb))(verb)
for name, group in (("server", server), ("data", data), ("user", user), ("team", team)):
    app.add_typer(group, name=name)


def main() -> None:
    """Run the command line; errors are told in a line each, never as a traceback."""
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except SweepcnnError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        sys.exit(error.exit_code)
    except _UsageError as error:
        verb = error.ctx.command_path if error.ctx else "sweepcnn"
        message = error.format_message().rstrip(".")
        typer.echo(f"error: {message}; see `{verb} --help`", err=True)
        sys.exit(error.exit_code)
