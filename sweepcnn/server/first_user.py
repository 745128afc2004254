"""Whom a server lets in before anybody was added, and that none is open to others like that."""

import os
import tempfile
from ipaddress import ip_address
from pathlib import Path

from sweepcnn.errors import InputError, Problem
from sweepcnn.storage import names, users
from sweepcnn.storage.database import Database

NAME = "local"
"""Of the first user: whoever may read the data folder of a server on this machine."""
KEY_FILE = "api-key"
"""In the data folder, for its owner alone; the only key that is kept as it is."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def admit(database: Database, key: str) -> None:
    """Make the first user, or see that they are an admin with this key.

    Raises:
        InputError: the key is none that W&B's client takes, or it is another user's.
    """
    try:
        names.check_key(key)
    except InputError as error:
        problem = error.problems[0]
        remedy = "delete the file to have a key made"
        raise InputError(Problem(f"the file {KEY_FILE}", problem.rule, remedy)) from None
    with database.write() as writing:
        owner = users.by_key(writing, key)
        if owner is not None and owner.name != NAME:
            rule, remedy = f"has the key of user {owner.name}", "delete the file to have a key made"
            raise InputError(Problem(f"the file {KEY_FILE}", rule, remedy))
        found = users.by_name(writing, NAME)
        if found is None:
            users.add(writing, NAME, key, admin=True)
        elif owner is None or not owner.admin:  # the file was replaced, or the user removed
            users.update(writing, found.id, key=key, admin=True)


def check_others(database: Database, host: str) -> None:
    """Make sure that a server which others can reach has a user who was added.

    Raises:
        InputError: there is none but the first.
    """
    with database.read() as reading:
        if all(user.name == NAME for user in users.all_active(reading)):
            rule = "can be reached by others, and nobody was added who could log in"
            remedy = "run `sweepcnn user add NAME --admin` with the server's --data-dir or URL"
            raise InputError(Problem(f"--host {host}", rule, remedy))


def keep_key(data_dir: Path, key: str) -> None:
    """Put another key of the first user into the data folder, so that the next start has it too."""
    descriptor, name = tempfile.mkstemp(dir=data_dir)  # of mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    Path(name).replace(data_dir / KEY_FILE)
