"""People: users, their keys, teams, and who may do what."""

import pytest
import sqlalchemy as sa

from sweepcnn.storage import access, tables, teams, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import Database
from tests.storage.rows import person

_KEY = "secret-key-" + "k" * 40


class People:
    def test_a_key_opens_but_is_not_stored(self, writing: sa.Connection) -> None:
        users.add(writing, "ann", _KEY, admin=False)
        owner = users.by_key(writing, _KEY)
        assert owner is not None
        assert owner.name == "ann"
        assert users.by_key(writing, _KEY + "x") is None
        assert users.by_key(writing, owner.key_hash or "") is None
        row = writing.execute(tables.users.select()).one()
        assert not any(_KEY in str(value) for value in row)

    def test_a_new_key_voids_the_old_one(self, writing: sa.Connection) -> None:
        users.update(writing, users.add(writing, "ann", _KEY, admin=False), key="another-key")
        assert users.by_key(writing, _KEY) is None
        assert users.by_key(writing, "another-key") is not None

    def test_two_users_have_two_names_and_two_keys(self, database: Database) -> None:
        with database.write() as connection:
            users.add(connection, "ann", _KEY, admin=False)
        for name, key in (("ann", "another-key"), ("bob", _KEY)):
            with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
                users.add(connection, name, key, admin=False)

    def test_one_is_the_admin_of_oneself_and_nothing_to_others(
        self, writing: sa.Connection
    ) -> None:
        ann, bob = person(writing, "ann"), person(writing, "bob")
        assert access.role_in(writing, ann, "ann") is Role.ADMIN
        assert access.role_in(writing, ann, "bob") is None
        assert access.role_in(writing, ann, "nobody") is None
        assert access.entities_of(writing, bob) == ["bob"]

    @pytest.mark.parametrize("role", Role)
    def test_a_member_of_a_team_has_the_role_that_was_given(
        self, writing: sa.Connection, role: Role
    ) -> None:
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

    def test_the_servers_admin_sees_every_entity_that_there_is(
        self, writing: sa.Connection
    ) -> None:
        root, _ = person(writing, "root", admin=True), person(writing, "ann")
        teams.add(writing, "lab")
        assert access.role_in(writing, root, "ann") is Role.ADMIN
        assert access.role_in(writing, root, "lab") is Role.ADMIN
        assert access.role_in(writing, root, "nobody") is None
        assert access.entities_of(writing, root) == ["root", "ann", "lab"]

    def test_one_who_was_removed_has_no_key_and_no_team(self, writing: sa.Connection) -> None:
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
