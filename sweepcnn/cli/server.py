"""`sweepcnn server`."""

from typing import Annotated

import typer

from sweepcnn.cli.options import DatabaseUrl, DataDir, Json, resolve_data_dir


def server(
    host: Annotated[
        str, typer.Option(help="Others than this machine's own take `sweepcnn user add` first.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json_: Json = False,
) -> None:
    """Run the embedded, W&B-compatible backend until Ctrl-C.

    Examples:
      sweepcnn server
      sweepcnn server --port 0 --data-dir runs/ --json
    """
    import json
    import signal

    from starlette.routing import BaseRoute

    from sweepcnn.server.context import Backend
    from sweepcnn.server.serve import Ready, serve
    from sweepcnn.web import pages

    def end(_signal: int, _frame: object) -> None:
        raise typer.Exit

    def announce(ready: Ready) -> None:
        if json_:
            line = {"url": ready.url, "api_key": ready.api_key, "data_dir": str(ready.data_dir)}
            typer.echo(json.dumps(line))
            return
        typer.echo(f"export WANDB_BASE_URL={ready.url}")
        if ready.api_key:
            typer.echo(f"export WANDB_API_KEY={ready.api_key}")
        else:
            typer.echo("everybody logs in with the key that `sweepcnn user add` gave", err=True)
        typer.echo(f"the backend listens at {ready.url}; its data is in {ready.data_dir}", err=True)

    def site(backend: Backend) -> list[BaseRoute]:
        def picture(sha256: str, mimetype: str, name: str) -> str:
            return backend.addresses.download("", sha256, mimetype, name)

        return pages.routes(backend.database, backend.secret, picture)

    signal.signal(signal.SIGTERM, end)  # to be told to end is no failure
    serve(
        host=host,
        port=port,
        data_dir=resolve_data_dir(data_dir),
        database_url=database_url,
        on_ready=announce,
        pages=site,
    )
