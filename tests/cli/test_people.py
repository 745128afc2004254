"""Users and teams by the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Result

KEY = "0123456789abcdef0123456789abcdef01234567"
OTHER = "prefix-" + KEY

Run = Callable[..., Result]


@pytest.fixture
def run(sweepcnn: Run, tmp_path: Path) -> Run:
    """Run a command on a data folder that is not there yet."""
    return lambda *words: sweepcnn(*words, "--data-dir", str(tmp_path / "data"))


def said(done: Result) -> Any:
    """Read the one line of JSON of a command that succeeded."""
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    return json.loads(done.out)


def test_a_key_is_made_and_shown_once(run: Run) -> None:
    done = run("user", "add", "ann")
    assert done.code == 0
    assert len(done.out.strip()) == 40
    assert "shown this once" in done.err
    assert done.out.strip() not in run("user", "list").out + run("user", "list", "--json").out


def test_a_given_key_is_not_repeated(run: Run) -> None:
    done = run("user", "add", "ann", "--key", KEY)
    assert (done.code, done.out) == (0, "")
    assert KEY not in done.err


def test_json_has_the_key_that_was_set(run: Run) -> None:
    ann = {"name": "ann", "admin": False}
    made = said(run("user", "add", "ann", "--json"))
    assert made == ann | {"api_key": made["api_key"], "added": True}
    changed = said(run("user", "add", "ann", "--key", OTHER, "--json"))
    assert changed == ann | {"api_key": OTHER, "added": False}
    promoted = said(run("user", "add", "ann", "--admin", "--json"))
    assert promoted == {"name": "ann", "admin": True, "api_key": None, "added": False}
    again = said(run("user", "add", "ann", "--key", KEY, "--json"))
    assert again["admin"] is True  # nobody is demoted


def test_one_who_is_there_needs_a_key(run: Run) -> None:
    run("user", "add", "ann")
    done = run("user", "add", "ann")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: user ann: is there already; give --key KEY")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("user", "add", "a/b"), "error: user 'a/b': is not 1 to 128 of"),
        (("user", "add", "graphql"), "error: user graphql: is a word of the server's own"),
        (("user", "add", "bob", "--key", "short"), "error: a key of 5 characters: must have 40"),
        (("user", "add", "bob", "--key", KEY), "error: the key: is another user's"),
        (("user", "remove", "bob"), "error: user bob: is not known here"),
        (("team", "add", "ann"), "error: ann: is the name of a user or a team"),
        (("team", "add", "lab", "--member", "bob"), "error: user bob: is not known here"),
        (("team", "add", "lab", "--member", "ann:boss"), "error: --member ann:boss: 'boss' is no"),
        (("team", "remove-member", "lab", "ann"), "error: team lab: is not known here"),
        (("user", "list"), "error: --data-dir "),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, words: tuple[str, ...], message: str) -> None:
    if words != ("user", "list"):
        run("user", "add", "ann", "--key", KEY)
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)


def test_users_and_teams_are_listed_with_their_standing(run: Run) -> None:
    for name in ("ann", "bob", "carl"):
        run("user", "add", name, *(["--admin"] if name == "carl" else []))
    members = ("--member", "ann:ADMIN", "--member", "bob:viewer")
    lab = {"name": "lab", "members": [{"name": "ann", "role": "admin"}]}
    lab["members"] = [*lab["members"], {"name": "bob", "role": "viewer"}]
    assert said(run("team", "add", "lab", *members, "--json")) == lab | {"added": True}
    assert said(run("team", "list", "--json")) == {"teams": [lab]}
    assert run("team", "list").out == "lab: ann (admin), bob (viewer)\n"
    assert run("user", "list").out == "ann: in lab\nbob: in lab\ncarl: admin\n"
    assert said(run("user", "list", "--json"))["users"][0] == {
        "name": "ann",
        "admin": False,
        "teams": ["lab"],
    }
    done = run("team", "add", "lab", "--member", "carl", "--member", "ann")
    told = ["team lab was there already", "carl is a member of lab", "ann is an admin of lab"]
    assert done.err.splitlines() == told
    left = said(run("team", "remove-member", "lab", "ann", "carl", "--json"))
    assert left == {"name": "lab", "members": [{"name": "bob", "role": "viewer"}]}


def test_one_who_was_removed_is_not_listed_and_comes_back(run: Run) -> None:
    run("user", "add", "ann", "--key", KEY)
    run("team", "add", "lab", "--member", "ann")
    assert said(run("user", "remove", "ann", "--json")) == {"name": "ann"}
    assert said(run("user", "list", "--json")) == {"users": []}
    assert run("team", "list").out == "lab: nobody\n"
    assert said(run("user", "add", "ann", "--key", KEY, "--json"))["added"] is True


def test_a_database_can_be_named_instead(sweepcnn: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'people.db'}"
    assert sweepcnn("user", "add", "ann", "--database-url", url).code == 0
    assert sweepcnn("user", "list", "--database-url", url).out == "ann\n"
    done = sweepcnn("user", "add", "local", "--key", KEY, "--database-url", url)
    assert done.code == 2
    assert "name its folder by --data-dir" in done.err


def test_what_is_made_is_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    run("user", "add", "ann")
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_is_told(sweepcnn: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = sweepcnn("user", "add", "ann", "--data-dir", str(tmp_path / "file" / "data"))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: --data-dir")
