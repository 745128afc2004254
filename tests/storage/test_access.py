"""Roles: one's own entity, teams, the server's admins, and everybody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sweepcnn.storage import access, teams, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import Database
from sweepcnn.storage.users import User


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[sa.Connection]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.write() as connection:
        yield connection
    database.close()


def person(connection: sa.Connection, name: str, *, admin: bool = False) -> User:
    found = users.by_id(connection, users.add(connection, name, f"key of {name}", admin=admin))
    assert found is not None
    return found


def test_one_is_the_admin_of_oneself_and_nothing_to_others(writing: sa.Connection) -> None:
    ann, bob = person(writing, "ann"), person(writing, "bob")
    assert access.role_in(writing, ann, "ann") is Role.ADMIN
    assert access.role_in(writing, ann, "bob") is None
    assert access.role_in(writing, ann, "nobody") is None
    assert access.entities_of(writing, bob) == ["bob"]


@pytest.mark.parametrize("role", Role)
def test_a_member_of_a_team_has_the_role_that_was_given(writing: sa.Connection, role: Role) -> None:
    ann, bob = person(writing, "ann"), person(writing, "bob")
    lab = teams.add(writing, "lab")
    teams.set_member(writing, lab, bob.id, Role.VIEWER)
    teams.set_member(writing, lab, bob.id, role)
    assert access.role_in(writing, bob, "lab") is role
    assert access.role_in(writing, ann, "lab") is None
    assert access.entities_of(writing, bob) == ["bob", "lab"]
    assert teams.members(writing, lab) == [(bob, role)]
    teams.remove_member(writing, lab, bob.id)
    assert access.role_in(writing, bob, "lab") is None


def test_the_servers_admin_sees_every_entity_that_there_is(writing: sa.Connection) -> None:
    root, _ = person(writing, "root", admin=True), person(writing, "ann")
    teams.add(writing, "lab")
    assert access.role_in(writing, root, "ann") is Role.ADMIN
    assert access.role_in(writing, root, "lab") is Role.ADMIN
    assert access.role_in(writing, root, "nobody") is None
    assert access.entities_of(writing, root) == ["root", "ann", "lab"]


def test_one_who_was_removed_has_no_key_and_no_team(writing: sa.Connection) -> None:
    ann = person(writing, "ann", admin=True)
    lab = teams.add(writing, "lab")
    teams.set_member(writing, lab, ann.id, Role.ADMIN)
    users.remove(writing, ann.id)
    assert users.by_key(writing, "key of ann") is None
    assert users.all_active(writing) == []
    assert teams.members(writing, lab) == []
    gone = users.by_name(writing, "ann")
    assert gone is not None
    assert not gone.admin
