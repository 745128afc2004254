"""Which names people and teams may have, and which keys W&B's client takes."""

import re

from sweepcnn.errors import InputError, Problem

_MOST_CHARACTERS = 128
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{_MOST_CHARACTERS - 1}}}")
_KEY_LEAST, _KEY_MOST = 40, 1000
_SECRET = re.compile(rf"[\w-]{{{_KEY_LEAST},}}")
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")

# An entity's name begins the addresses of its pages, so these stay the server's own. Some are paths
# of W&B's, to which its client sends people.
RESERVED = frozenset(
    {
        "admin",
        "api",
        "artifacts",
        "artifactsV2",
        "assets",
        "authorize",
        "blobs",
        "files",
        "graphql",
        "healthz",
        "login",
        "logout",
        "metrics",
        "orgs",
        "profile",
        "registry",
        "sdk",
        "settings",
        "signup",
        "site",
        "static",
        "teams",
        "uploads",
        "users",
    }
)
_RESERVED_IN_LOWER_CASE = {word.lower() for word in RESERVED}


def check_name(what: str, name: str) -> None:
    """Check the name of a user or a team, which stands in addresses between two slashes.

    Raises:
        InputError: it is empty, too long, reserved, or has other characters.
    """
    if name.lower() in _RESERVED_IN_LOWER_CASE:
        rule = "is a word of the server's own addresses"
        raise InputError(Problem(f"{what} {name}", rule, "choose another name"))
    if not _NAME.fullmatch(name):
        rule = f"is not 1 to {_MOST_CHARACTERS} of a-z, A-Z, 0-9, '-', '_' and '.'"
        remedy = "choose such a name; it begins with a letter or a digit"
        raise InputError(Problem(f"{what} {name[:200]!r}", rule, remedy))


def check_key(key: str) -> None:
    """Check that W&B's client would send a key: its rule, and a length that any header can carry.

    Raises:
        InputError: it would not.
    """
    if len(key) <= _KEY_MOST and key.isprintable() and key == key.strip():
        prefix, dash, secret = key.partition("-")
        if _JWT.fullmatch(key) or _SECRET.fullmatch(secret if dash else prefix):
            return
    rule = (
        f"must have {_KEY_LEAST} or more letters, digits, '_' or '-' (after a prefix that ends at"
        f" its first '-', if it has one), and at most {_KEY_MOST} in all"
    )
    remedy = "leave --key out to have one made"
    raise InputError(Problem(f"a key of {len(key)} characters", rule, remedy))
