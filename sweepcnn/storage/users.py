"""People and their API keys."""

import hashlib
import hmac
import time
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one

_table = tables.users
_BY_HASH = sa.select(_table).where(_table.c.key_hash == sa.bindparam("key_hash"))
_PASS_CHARACTERS = 16  # of the key's hash; a pass is signed, so nobody can try others


@dataclass(frozen=True)
class User:
    """A person; the entity that owns their projects bears the same name."""

    id: int
    name: str
    email: str
    key_hash: str | None
    """Null for one who was removed: nothing opens for them, what they made stays."""
    admin: bool
    created_at: float


def hash_key(key: str) -> str:
    """Hash an API key as it is stored."""
    return hashlib.sha256(key.encode()).hexdigest()


def by_key(connection: sa.Connection, key: str) -> User | None:
    """Find the owner of an API key.

    The look-up is by the key's hash, which an attacker cannot steer byte by byte; the comparison
    that decides takes constant time all the same.
    """
    hashed = hash_key(key)
    found = one(User, connection.execute(_BY_HASH, {"key_hash": hashed}).first())
    if found is None or found.key_hash is None:
        return None
    return found if hmac.compare_digest(found.key_hash, hashed) else None


def by_name(connection: sa.Connection, name: str) -> User | None:
    """Find a user, also one who was removed, by name."""
    return one(User, connection.execute(sa.select(_table).where(_table.c.name == name)).first())


def by_id(connection: sa.Connection, user_id: int) -> User | None:
    """Find a user, also one who was removed, by row id."""
    return one(User, connection.execute(sa.select(_table).where(_table.c.id == user_id)).first())


def pass_of(user: User) -> tuple[int, str]:
    """Give what to sign for a user, such that it is void as soon as they have another key."""
    return user.id, (user.key_hash or "-")[:_PASS_CHARACTERS]


def by_pass(connection: sa.Connection, user_id: int, mark: str) -> User | None:
    """Find the user of a pass that was signed, if they have still the key that they had then."""
    found = by_id(connection, user_id)
    return found if found and found.key_hash and pass_of(found) == (user_id, mark) else None


def all_active(connection: sa.Connection) -> list[User]:
    """List the users who have a key, by name."""
    query = sa.select(_table).where(_table.c.key_hash.is_not(None)).order_by(_table.c.name)
    return many(User, connection.execute(query))


def names(connection: sa.Connection) -> dict[int, str]:
    """Give the names of all users by row id."""
    query = sa.select(_table.c.id, _table.c.name)
    return {row.id: row.name for row in connection.execute(query)}


def add(connection: sa.Connection, name: str, key: str, *, admin: bool) -> int:
    """Add a user and give the row id."""
    row = {"name": name, "email": f"{name}@localhost", "key_hash": hash_key(key)}
    return insert(connection, _table, row | {"admin": admin, "created_at": time.time()})


def update(
    connection: sa.Connection, user_id: int, *, key: str | None = None, admin: bool | None = None
) -> None:
    """Give a user another key, which voids the old one, or another standing."""
    values: dict[str, object] = {} if admin is None else {"admin": admin}
    if key is not None:
        values["key_hash"] = hash_key(key)
    connection.execute(_table.update().where(_table.c.id == user_id).values(values))


def remove(connection: sa.Connection, user_id: int) -> None:
    """Void a user's key and standing; their projects stay for the admins."""
    values = {"key_hash": None, "admin": False}
    connection.execute(_table.update().where(_table.c.id == user_id).values(values))
    members = tables.team_members
    connection.execute(members.delete().where(members.c.user_id == user_id))
