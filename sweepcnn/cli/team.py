"""`sweepcnn team`: entities whose projects several people share."""

from typing import TYPE_CHECKING, Annotated

import typer

from sweepcnn.cli.options import DatabaseUrl, DataDir, Json, help_of, place_of
from sweepcnn.errors import InputError, Problem

if TYPE_CHECKING:
    from sweepcnn.storage.access import Role

app = typer.Typer(rich_markup_mode=None)

Team = Annotated[str, typer.Argument(metavar="TEAM", help="Also of the entity.")]


@app.callback()
def team() -> None:
    """Teams of the backend: viewers see, members add, change and delete, admins invite."""


def add(
    name: Team,
    member: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:ROLE]",
            help="Repeatable; the role is admin, member or viewer; left out, it is member for"
            " who is new.",
        ),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json_: Json = False,
) -> None:
    """Make a team, or take users into one that is there, or give its members other roles.

    Examples:
      sweepcnn team add lab --member ann:admin --member bob
      sweepcnn team add lab --member bob:viewer --json
    """
    import json

    from sweepcnn.server import administration

    place = place_of(data_dir, database_url)
    given = dict(map(_read_member, member or []))
    added = administration.add_team(place, name, given)
    members = administration.list_teams(place)[name]
    if json_:
        typer.echo(json.dumps(_described(name, members) | {"added": added}))
        return
    told = "is made" if added else "was there already"
    typer.echo(f"team {name} {told}", err=True)
    for user in given:
        role = members[user].name.lower()
        typer.echo(f"{user} is {'an' if role == 'admin' else 'a'} {role} of {name}", err=True)


def _read_member(text: str) -> tuple[str, "Role | None"]:
    from sweepcnn.storage.access import Role

    name, colon, role = text.partition(":")
    if not colon:
        return name, None
    if role.upper() not in Role.__members__:
        known = ", ".join(role.name.lower() for role in reversed(Role))
        raise InputError(Problem(f"--member {text}", f"{role!r} is no role", f"use one of {known}"))
    return name, Role[role.upper()]


def _described(name: str, members: "dict[str, Role]") -> dict[str, object]:
    listed = [{"name": user, "role": role.name.lower()} for user, role in members.items()]
    return {"name": name, "members": listed}


def list_(data_dir: DataDir = None, database_url: DatabaseUrl = None, json_: Json = False) -> None:
    """List the teams with their members' roles.

    Examples:
      sweepcnn team list
      sweepcnn team list --data-dir runs/ --json
    """
    import json

    from sweepcnn.server import administration

    found = administration.list_teams(place_of(data_dir, database_url))
    if json_:
        teams = [_described(name, members) for name, members in found.items()]
        typer.echo(json.dumps({"teams": teams}))
        return
    for name, members in found.items():
        people = ", ".join(f"{user} ({role.name.lower()})" for user, role in members.items())
        typer.echo(f"{name}: {people or 'nobody'}")


def remove_member(
    name: Team,
    member: Annotated[list[str], typer.Argument(metavar="NAME...", help="Members of it.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    json_: Json = False,
) -> None:
    """Take users out of a team; what they made in it stays.

    Examples:
      sweepcnn team remove-member lab bob
      sweepcnn team remove-member lab bob carl --json
    """
    import json

    from sweepcnn.server import administration

    place = place_of(data_dir, database_url)
    administration.remove_members(place, name, member)
    if json_:
        typer.echo(json.dumps(_described(name, administration.list_teams(place)[name])))
    else:
        typer.echo(f"{', '.join(member)} left team {name}", err=True)


app.command(help=help_of(add))(add)
app.command("list", help=help_of(list_))(list_)
app.command("remove-member", help=help_of(remove_member))(remove_member)
