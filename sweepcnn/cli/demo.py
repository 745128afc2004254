"""`sweepcnn demo`."""

from typing import Annotated

import typer

from sweepcnn.cli.options import Json


def demo(
    json_: Json = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the backend and its pages up until Ctrl-C.")
    ] = False,
) -> None:
    """Run a whole sweep on this machine in a few minutes: no account, no download, no settings.

    Examples:
      sweepcnn demo
      sweepcnn demo --json
    """
    import dataclasses
    import json
    import signal
    import tempfile
    from pathlib import Path

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from sweepcnn.demo import story

    console = Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="sweepcnn-demo-"))
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, TextColumn("{task.description}"), console=console)

    def say(command: str) -> None:
        console.print(f"$ {command}", soft_wrap=True, highlight=False, style="bold")

    say(f"sweepcnn server --port 0 --data-dir {folder / 'server'}")
    with story.backend(folder) as announced:
        with bar:
            task = bar.add_task("", total=None)

            def progress(done: int, total: int, note: str) -> None:
                bar.update(task, completed=done, total=total, description=note)

            told = story.tell(folder, announced, say, progress)
        for picture in told.pictures:
            console.print(f"picture: {picture}", soft_wrap=True, highlight=False)
        best = told.best
        console.print(
            f"best run {best.run_id}: validation accuracy {best.value:.4f} at epoch {best.epoch}",
            highlight=False,
        )
        console.print(f"checkpoint: {best.checkpoint}", soft_wrap=True, highlight=False)
        if keep:
            console.print(f"page: {told.page}", soft_wrap=True, highlight=False)
            console.print(f"log in with the API key {announced['api_key']}; end with Ctrl-C")
        else:
            again = f"sweepcnn server --data-dir {folder / 'server'}"
            console.print(
                f"all of it is in {folder}; to look at the pages: {again}",
                soft_wrap=True,
                highlight=False,
            )
        if json_:
            typer.echo(json.dumps(dataclasses.asdict(best)))
        if keep:
            signal.pause()
