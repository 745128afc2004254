"""Who may be added, under which name, with which key."""

import pytest
import sqlalchemy as sa

from sweepcnn.errors import InputError
from sweepcnn.storage import names, people, teams, users
from sweepcnn.storage.access import Role

KEY, OTHER = "k" * 40, "o" * 40


def roles(connection: sa.Connection, team: str) -> dict[str, str]:
    found = teams.by_name(connection, team)
    assert found is not None
    return {user.name: role.name for user, role in teams.members(connection, found.id)}


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "an-on-premise-prefix-" + KEY,
        "-" + KEY,
        "a-user-name-of-more-than-forty-characters-01",
        "k" * 1000,
        "two words: \N{SNOWMAN}-" + KEY,
        "\N{LATIN SMALL LETTER E WITH ACUTE}" * 40,
        "head.claims.signature",
    ],
)
def test_a_key_that_the_client_takes_is_taken(writing: sa.Connection, key: str) -> None:
    from wandb.sdk.lib.wbauth.validation import check_api_key

    assert check_api_key(key) is None
    people.enrol(writing, "ann", key=key)
    found = users.by_key(writing, key)
    assert found is not None
    assert found.name == "ann"


@pytest.mark.parametrize(
    "key", ["", "short", KEY[:-1], "prefix-" + KEY[:-1], KEY + "!", KEY + "\n", "a.b", "a..c"]
)
def test_a_key_that_the_client_refuses_is_refused(writing: sa.Connection, key: str) -> None:
    from wandb.sdk.lib.wbauth.validation import check_api_key

    assert check_api_key(key) is not None or key != key.strip()
    with pytest.raises(InputError, match=f"a key of {len(key)} characters: must have 40 or more"):
        people.enrol(writing, "ann", key=key)
    assert users.by_name(writing, "ann") is None


@pytest.mark.parametrize("key", ["k" * 1001, " -" + KEY, "\t-" + KEY, "a\udc80-" + KEY])
def test_a_key_that_no_header_carries_is_refused(writing: sa.Connection, key: str) -> None:
    with pytest.raises(InputError):
        people.enrol(writing, "ann", key=key)


def test_a_made_key_suits_every_version_of_the_client(writing: sa.Connection) -> None:
    ann, bob = people.enrol(writing, "ann"), people.enrol(writing, "bob")
    assert ann.key != bob.key
    for made in (ann, bob):
        assert made.key is not None
        assert len(made.key) == 40
        names.check_key(made.key)


@pytest.mark.parametrize("name", ["a", "Ann_2", "ann.b-c", "0", "n" * 128])
def test_a_name_that_an_address_can_carry_is_taken(writing: sa.Connection, name: str) -> None:
    assert people.enrol(writing, name).name == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "-a", "_a", "a b", "a/b", "a%2fb", "a:b", "a@b", "n" * 129, "a\n", "\u00e9"],
)
def test_a_name_that_no_address_can_carry_is_refused(writing: sa.Connection, name: str) -> None:
    for add in (lambda: people.enrol(writing, name), lambda: people.gather(writing, name, {})):
        with pytest.raises(InputError, match=r"is not 1 to 128 of a-z"):
            add()


@pytest.mark.parametrize("name", [*sorted(names.RESERVED), "GraphQL"])
def test_words_of_the_servers_addresses_are_no_names(writing: sa.Connection, name: str) -> None:
    with pytest.raises(InputError, match="is a word of the server's own addresses"):
        people.enrol(writing, name)


def test_users_and_teams_share_their_names(writing: sa.Connection) -> None:
    people.enrol(writing, "ann")
    people.gather(writing, "lab", {})
    with pytest.raises(InputError, match="ann: is the name of a user or a team"):
        people.gather(writing, "ann", {})
    with pytest.raises(InputError, match="lab: is the name of a user or a team"):
        people.enrol(writing, "lab")


def test_another_key_voids_the_old_one_and_leaves_the_standing(writing: sa.Connection) -> None:
    people.enrol(writing, "ann", key=KEY, admin=True)
    changed = people.enrol(writing, "ann", key=OTHER)
    assert changed == people.Enrolled("ann", admin=True, key=OTHER, added=False)
    assert users.by_key(writing, KEY) is None
    found = users.by_key(writing, OTHER)
    assert found is not None
    assert found.admin


def test_the_same_key_may_be_set_again(writing: sa.Connection) -> None:
    people.enrol(writing, "ann", key=KEY)
    assert people.enrol(writing, "ann", key=KEY).key == KEY


def test_one_who_is_there_is_not_added_again(writing: sa.Connection) -> None:
    people.enrol(writing, "ann", key=KEY)
    with pytest.raises(InputError, match="user ann: is there already; give --key KEY"):
        people.enrol(writing, "ann")
    assert users.by_key(writing, KEY) is not None


def test_one_who_is_there_is_made_an_admin_and_keeps_the_key(writing: sa.Connection) -> None:
    people.enrol(writing, "ann", key=KEY)
    assert people.enrol(writing, "ann", admin=True).key is None
    found = users.by_key(writing, KEY)
    assert found is not None
    assert found.admin
    with pytest.raises(InputError, match="is there already"):
        people.enrol(writing, "ann", admin=True)


def test_a_key_has_one_owner(writing: sa.Connection) -> None:
    people.enrol(writing, "ann", key=KEY)
    people.enrol(writing, "bob", key=OTHER)
    for name in ("bob", "carl"):
        with pytest.raises(InputError, match="the key: is another user's"):
            people.enrol(writing, name, key=KEY)


def test_one_who_was_removed_comes_back_as_the_same_user(writing: sa.Connection) -> None:
    people.enrol(writing, "ann", key=KEY, admin=True)
    before = users.by_key(writing, KEY)
    assert before is not None
    people.dismiss(writing, "ann")
    assert users.by_key(writing, KEY) is None
    with pytest.raises(InputError, match="ann: is not known here"):
        people.dismiss(writing, "ann")
    assert people.enrol(writing, "ann", key=KEY) == people.Enrolled("ann", False, KEY, added=True)
    after = users.by_key(writing, KEY)
    assert after is not None
    assert after.id == before.id


def test_a_team_grows_and_roles_change_only_where_they_are_named(writing: sa.Connection) -> None:
    for name in ("ann", "bob", "carl"):
        people.enrol(writing, name)
    assert people.gather(writing, "lab", {"ann": Role.ADMIN, "bob": None}) is True
    assert roles(writing, "lab") == {"ann": "ADMIN", "bob": "MEMBER"}
    assert people.gather(writing, "lab", {"ann": None, "bob": Role.VIEWER, "carl": None}) is False
    assert roles(writing, "lab") == {"ann": "ADMIN", "bob": "VIEWER", "carl": "MEMBER"}
    people.part(writing, "lab", ["ann", "carl"])
    assert roles(writing, "lab") == {"bob": "VIEWER"}


def test_a_team_takes_no_strangers(writing: sa.Connection) -> None:
    with pytest.raises(InputError, match="user ann: is not known here"):
        people.gather(writing, "lab", {"ann": None})
    assert teams.by_name(writing, "lab") is None
    people.gather(writing, "lab", {})
    with pytest.raises(InputError, match="user ann: is not in team lab"):
        people.part(writing, "lab", ["ann"])
    with pytest.raises(InputError, match="team other: is not known here"):
        people.part(writing, "other", [])
