"""A team with a user of each role, and one who is not in it."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sweepcnn.storage import people
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend
from tests.server.conftest import Wire

PEOPLE = {"ann": Role.ADMIN, "bob": Role.MEMBER, "vera": Role.VIEWER, "zoe": None}


@dataclass(frozen=True)
class Lab:
    """A team of ann (admin), bob (member) and vera (viewer); zoe is not in it."""

    team: str
    names: dict[str, str]
    """Of each of them as a user."""
    keys: dict[str, str]
    wires: dict[str, Wire]
    database: Database

    def ask(self, who: str, query: str, **variables: Any) -> Any:
        return self.wires[who].ask(query, **variables)


@contextmanager
def gathered(server: RunningBackend) -> Iterator[Lab]:
    """Make a team under names that nobody has."""
    mark = secrets.token_hex(4)
    names = {who: f"{who}-{mark}" for who in PEOPLE}
    database = Database(server.database_url)
    with database.write() as connection:
        keys = {who: people.enrol(connection, name).key or "" for who, name in names.items()}
        members = {names[who]: role for who, role in PEOPLE.items() if role}
        people.gather(connection, f"lab-{mark}", members)
    with ExitStack() as stack:
        wires = {who: Wire(server.url, key) for who, key in keys.items()}
        for wire in wires.values():
            stack.enter_context(wire.http)
        yield Lab(f"lab-{mark}", names, keys, wires, database)
    database.close()
