"""`sweepcnn server`."""

from enum import StrEnum
from typing import Annotated

import typer

from sweepcnn.cli.options import DatabaseUrl, DataDir, Json, help_of, resolve_data_dir
from sweepcnn.cli.upkeep import doctor, gc


class LogFormat(StrEnum):
    """How the lines of the log are written."""

    text = "text"
    json = "json"


class LogLevel(StrEnum):
    """From which level on the log is written."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


app = typer.Typer(rich_markup_mode=None)


def server(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Others than this machine's own take `sweepcnn user add` first.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    public_url: Annotated[
        str | None,
        typer.Option(help="How others reach it, behind a proxy; default: by each request's Host."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Whose X-Forwarded-For and -Proto are believed; repeatable; default: loopback.",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel, typer.Option(help="Least level logged; info has a line for each request.")
    ] = LogLevel.warning,
    log_format: Annotated[
        LogFormat, typer.Option(help="Of the log on stderr: key=value, or JSON.")
    ] = LogFormat.text,
    json_: Json = False,
) -> None:
    """Run the embedded, W&B-compatible backend until Ctrl-C.

    Examples:
      sweepcnn server
      sweepcnn server --port 0 --data-dir runs/ --json
    """
    if context.invoked_subcommand:
        return
    import json
    import signal

    from starlette.routing import BaseRoute

    from sweepcnn.server.context import Backend
    from sweepcnn.server.serve import LOOPBACK, Ready, serve
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
        where = f"the backend listens at {ready.listens_at}; its data is in {ready.data_dir}"
        typer.echo(where, err=True)

    def site(backend: Backend) -> list[BaseRoute]:
        def picture(sha256: str, mimetype: str, name: str) -> str:
            return backend.addresses.download("", sha256, mimetype, name)

        return pages.routes(backend.database, backend.secret, picture)

    for number in (signal.SIGTERM, signal.SIGINT):  # to be told to end is no failure
        signal.signal(number, end)
    serve(
        host=host,
        port=port,
        data_dir=resolve_data_dir(data_dir),
        database_url=database_url,
        on_ready=announce,
        pages=site,
        nowhere=pages.nowhere,
        public_url=public_url,
        trusted_proxies=trusted_proxy or LOOPBACK,
        log_level=log_level.value,
        log_format=log_format.value,
    )


app.callback(invoke_without_command=True, help=help_of(server))(server)
for verb in (gc, doctor):
    app.command(help=help_of(verb))(verb)
