"""What the command line does to the people of a backend, also while its server runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweepcnn.errors import InputError, Problem, WorkError
from sweepcnn.server import data_folder, first_user
from sweepcnn.storage import access, people, teams, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import Database
from sweepcnn.storage.people import Enrolled


@dataclass(frozen=True)
class Place:
    """Where a backend keeps its people.

    Args:
        data_dir: its data folder; null where only the database is known.
        database_url: null is SQLite in the data folder.
    """

    data_dir: Path | None
    database_url: str | None

    @contextmanager
    def open(self, *, make: bool = False) -> Iterator[Database]:
        """Open the database.

        Args:
            make: makes data folder and database where they are new.

        Raises:
            InputError: there is no database, or it cannot be used.
            WorkError: the data folder cannot be written.
        """
        database = Database(self.database_url or self._own_url(make=make))
        try:
            yield database
        finally:
            database.close()

    def _own_url(self, *, make: bool) -> str:
        assert self.data_dir is not None
        url = data_folder.default_url(self.data_dir)
        file = data_folder.sqlite_file(url)
        try:
            if make:
                self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            elif not (file and file.exists()):
                rule = "no backend keeps its data there yet"
                remedy = "name the --data-dir of `sweepcnn server`, or run `sweepcnn user add NAME`"
                raise InputError(Problem(f"--data-dir {self.data_dir}", rule, remedy))
        except OSError as error:
            remedy = "name a folder you may write to"
            raise WorkError(Problem(f"--data-dir {self.data_dir}", str(error), remedy)) from None
        return url


def add_user(place: Place, name: str, *, key: str | None, admin: bool) -> Enrolled:
    """Add a user, or give one who is there another key or the standing of an admin.

    Raises:
        InputError: the name or the key is no good, belongs to another, or there is nothing to do.
    """
    if name == first_user.NAME and place.data_dir is None:
        rule = f"is the first user, whose key lies in the file {first_user.KEY_FILE} of the server"
        raise InputError(Problem(f"user {name}", rule, "name its folder by --data-dir"))
    with place.open(make=True) as database, database.write() as writing:
        done = people.enrol(writing, name, key=key, admin=admin)
        if name == first_user.NAME and place.data_dir and done.key:
            first_user.keep_key(place.data_dir, done.key)
    return done


@dataclass(frozen=True)
class Listed:
    """A user as they are listed."""

    name: str
    admin: bool
    teams: list[str]


def list_users(place: Place) -> list[Listed]:
    """List the users who may log in, by name."""
    with place.open() as database, database.read() as reading:
        return [
            Listed(user.name, user.admin, access.teams_of(reading, user))
            for user in users.all_active(reading)
        ]


def remove_user(place: Place, name: str) -> None:
    """Remove a user; what they made stays.

    Raises:
        InputError: there is no such user.
    """
    with place.open() as database, database.write() as writing:
        people.dismiss(writing, name)


def add_team(place: Place, name: str, members: Mapping[str, Role | None]) -> bool:
    """Make a team, or take people into it; tells whether it is new.

    Raises:
        InputError: the name is no good or belongs to a user, or a user is not known.
    """
    with place.open() as database, database.write() as writing:
        return people.gather(writing, name, members)


def list_teams(place: Place) -> dict[str, dict[str, Role]]:
    """List the teams with their members' roles, by name."""
    with place.open() as database, database.read() as reading:
        return {
            team.name: {user.name: role for user, role in teams.members(reading, team.id)}
            for team in teams.all_teams(reading)
        }


def remove_members(place: Place, team: str, members: Sequence[str]) -> None:
    """Take people out of a team.

    Raises:
        InputError: there is no such team, or one of them is not in it.
    """
    with place.open() as database, database.write() as writing:
        people.part(writing, team, members)
