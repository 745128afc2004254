"""`sweepcnn best`."""

from pathlib import Path
from typing import Annotated

import typer

from sweepcnn.cli.options import Json


def best(
    project: Annotated[str, typer.Option(help="The project.")],
    entity: Annotated[str | None, typer.Option(help="Its owner; default: yours.")] = None,
    sweep: Annotated[str | None, typer.Option(help="One sweep; default: all runs.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="Default: the sweep's, else best_val_accuracy.")
    ] = None,
    download: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Download the checkpoint.")
    ] = None,
    json_: Json = False,
) -> None:
    """Show the best finished run by its best epoch, with its parameters and its checkpoint.

    Examples:
      sweepcnn best --project da6401
      sweepcnn best --project da6401 --sweep abcd1234 --download best/ --json
    """
    import dataclasses
    import json

    from sweepcnn.tracking.reading import download_checkpoint, find_best

    found = find_best(project, entity=entity, sweep=sweep, metric=metric)
    if download and found.checkpoint:
        path = download_checkpoint(found.checkpoint, download)
        found = dataclasses.replace(found, checkpoint=str(path))
    if json_:
        typer.echo(json.dumps(dataclasses.asdict(found)))
        return

    from rich.console import Console
    from rich.table import Table

    when = f" at epoch {found.epoch}" if found.epoch is not None else ""
    table = Table("parameter", "value", title=f"run {found.run_id}", title_justify="left")
    for name, value in found.config.items():
        table.add_row(name, str(value))
    console = Console()
    console.print(table)
    console.print(f"{found.metric} {found.value:.4f}{when}", highlight=False)
    console.print(f"checkpoint: {found.checkpoint or 'none'}", highlight=False, soft_wrap=True)
    console.print(found.url, soft_wrap=True)
