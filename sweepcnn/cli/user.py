"""`sweepcnn user`: who may log in to the backend."""

from typing import Annotated

import typer

from sweepcnn.cli.options import DatabaseUrl, DataDir, Json, help_of, place_of

app = typer.Typer(rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Also of the user's own entity.")]


@app.callback()
def user() -> None:
    """Users of the backend and their API keys, also while the server runs."""


def add(
    name: Name,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="40 or more letters, digits, - or _ (after a prefix that ends at the first -, if"
            " any), as hard to guess as you need; default: 160 random bits, shown once.",
        ),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="An admin of the whole server.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json_: Json = False,
) -> None:
    """Add a user, or give one who is there another key, which voids the old one.

    Nobody is demoted. A user who was removed comes back with all that they made.

    Examples:
      sweepcnn user add ann
      sweepcnn user add ann --key 0123456789abcdef0123456789abcdef01234567 --admin --json
    """
    import json

    from sweepcnn.server import administration

    place = place_of(data_dir, database_url)
    done = administration.add_user(place, name, key=key, admin=admin)
    if json_:
        line = {"name": done.name, "admin": done.admin, "api_key": done.key, "added": done.added}
        typer.echo(json.dumps(line))
        return
    standing = "an admin" if done.admin else "a user"
    typer.echo(f"{done.name} is {standing} of this backend", err=True)
    if done.key and not key:
        typer.echo("their API key, which is shown this once:", err=True)
        typer.echo(done.key)


def list_(data_dir: DataDir = None, database_url: DatabaseUrl = None, json_: Json = False) -> None:
    """List the users, their teams, and who is an admin of the server.

    Examples:
      sweepcnn user list
      sweepcnn user list --data-dir runs/ --json
    """
    import dataclasses
    import json

    from sweepcnn.server import administration

    found = administration.list_users(place_of(data_dir, database_url))
    if json_:
        typer.echo(json.dumps({"users": [dataclasses.asdict(user) for user in found]}))
        return
    for user in found:
        marks = (["admin"] if user.admin else []) + [f"in {team}" for team in user.teams]
        typer.echo(f"{user.name}{': ' if marks else ''}{', '.join(marks)}")


def remove(
    name: Name, data_dir: DataDir = None, database_url: DatabaseUrl = None, json_: Json = False
) -> None:
    """Remove a user: key, sessions and memberships end at once, what they made stays.

    Examples:
      sweepcnn user remove ann
      sweepcnn user remove ann --data-dir runs/ --json
    """
    import json

    from sweepcnn.server import administration

    administration.remove_user(place_of(data_dir, database_url), name)
    if json_:
        typer.echo(json.dumps({"name": name}))
    else:
        typer.echo(f"{name} is removed", err=True)


app.command(help=help_of(add))(add)
app.command("list", help=help_of(list_))(list_)
app.command(help=help_of(remove))(remove)
