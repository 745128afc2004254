"""`sweepcnn data`: public data sets."""

from pathlib import Path
from typing import Annotated

import typer

from sweepcnn.cli.options import Json, help_of

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def data() -> None:
    """Image data sets on this machine."""


def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="inaturalist, cifar10 or cifar100")],
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder to put it into; default: SWEEPCNN_DATA_DIR or the user's own."),
    ] = None,
    json_: Json = False,
) -> None:
    """Download a public data set, check it and unpack it.

    A download that was broken off is resumed; a data set that is there already is left alone.

    Examples:
      sweepcnn data fetch inaturalist
      sweepcnn data fetch cifar10 --data-dir /data --json
    """
    import json

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
    if json_:
        typer.echo(json.dumps({"name": name, "path": str(path)}))
    else:
        typer.echo(f"{name}: {path}" + (" (was there already)" if already else ""))


app.command(help=help_of(fetch))(fetch)
