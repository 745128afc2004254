"""`sweepcnn data`: public data sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def data() -> None:
    """Image data sets on this machine."""


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="inaturalist, cifar10 or cifar100")],
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder to put it into; default: SWEEPCNN_DATA_DIR or the user's own."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print one line {"name", "path"} on stdout.')
    ] = False,
) -> None:
    """Download a public data set, check it and unpack it.

    A download that was broken off is resumed; a data set that is there already is left alone.

    \b
    Examples:
      sweepcnn data fetch inaturalist
      sweepcnn data fetch cifar10 --data-dir /data --json
    """  # noqa: D301 - click wants the character itself
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from sweepcnn.data.fetch import fetch as fetch_data
    from sweepcnn.data.locations import FETCHED, fetched_folder

    already = name in FETCHED and fetched_folder(name, data_dir).is_dir()
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        path = fetch_data(
            name,
            data_dir=data_dir,
            progress=lambda done, total: bar.update(task, completed=done, total=total or None),
        )
    if as_json:
        typer.echo(json.dumps({"name": name, "path": str(path)}))
    else:
        typer.echo(f"{name}: {path}" + (" (was there already)" if already else ""))
