"""The command line: each verb parses, calls one room and prints. Rooms load inside their verb."""

import sys

import typer

from sweepcnn import __doc__ as about
from sweepcnn.cli.best import best
from sweepcnn.cli.data import app as data
from sweepcnn.cli.demo import demo
from sweepcnn.cli.describe import describe
from sweepcnn.cli.server import server
from sweepcnn.cli.train import train
from sweepcnn.errors import SweepcnnError

app = typer.Typer(
    help=about,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (demo, server, train, describe, best):
    app.command()(verb)
app.add_typer(data, name="data")


def main() -> None:
    """Run the command line; our errors are told in a line each, never as a traceback."""
    try:
        app()
    except SweepcnnError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        sys.exit(error.exit_code)
