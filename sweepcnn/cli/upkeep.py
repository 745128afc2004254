"""`sweepcnn server gc` and `sweepcnn server doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweepcnn.cli.options import DatabaseUrl, DataDir, Json, place_of, resolve_data_dir

if TYPE_CHECKING:
    from rich.progress import Progress

    from sweepcnn.server.upkeep.gc import Removed


def _progress() -> "Progress":
    """Give a bar for people to watch; a log gets nothing of it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def gc(
    keep_checkpoints: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="Also remove checkpoints beyond the best K runs of each ended sweep.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be removed, and remove nothing.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json_: Json = False,
) -> None:
    """Remove files that nothing refers to and leftovers of uploads, also while the server runs.

    With --keep-checkpoints, artifacts of type model that training made, but none that has an alias
    of yours, is linked, or is used by another run. Nothing younger than an hour is touched.

    Examples:
      sweepcnn server gc --dry-run
      sweepcnn server gc --keep-checkpoints 5 --data-dir runs/
    """
    import dataclasses
    import json

    from sweepcnn.server.upkeep.gc import collect

    folder = resolve_data_dir(data_dir)
    with (
        place_of(folder, database_url).open() as database,
        _progress() as bar,
    ):
        task = bar.add_task("files", total=None)
        removed = collect(
            database,
            folder,
            keep_checkpoints=keep_checkpoints,
            dry_run=dry_run,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json_:
        typer.echo(json.dumps(dataclasses.asdict(removed) | {"dry_run": dry_run}))
    else:
        _tell(removed, dry_run=dry_run)


def _tell(removed: "Removed", *, dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removed"
    for checkpoint in removed.checkpoints:
        size = f"{checkpoint.size / 2**20:.1f} MiB"
        typer.echo(f"{verb} checkpoint {checkpoint.name} of run {checkpoint.run}, {size}")
    typer.echo(f"{verb} {removed.blobs} files, {removed.blob_bytes / 2**20:.1f} MiB")
    typer.echo(f"{verb} {removed.leftovers} leftovers, {removed.leftover_bytes / 2**20:.1f} MiB")


def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at the size of each file, not at its content.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json_: Json = False,
) -> None:
    """Look for what is wrong: database, files, permissions, room; changes nothing.

    Examples:
      sweepcnn server doctor
      sweepcnn server doctor --quick --json
    """
    import json

    from sweepcnn.server.upkeep.doctor import examine

    folder = resolve_data_dir(data_dir)
    with _progress() as bar:
        task = bar.add_task("files", total=None)
        found = examine(
            folder,
            database_url,
            quick=quick,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json_:
        lists = {"problems": found.problems, "notes": found.notes}
        told = {name: [str(problem) for problem in problems] for name, problems in lists.items()}
        typer.echo(json.dumps({"ok": not found.problems, **told, "blobs": found.blobs}))
    else:
        for problem in found.problems:
            typer.echo(f"problem: {problem}")
        for note in found.notes:
            typer.echo(f"note: {note}")
        typer.echo(f"{len(found.problems)} problems; {found.blobs} files looked at")
    if found.problems:
        raise typer.Exit(1)
