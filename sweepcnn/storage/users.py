"""People and their API keys."""

import hashlib
import hmac
import time
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.records import columns_of, one


@dataclass(frozen=True)
class User:
    """A person; the entity that owns their projects bears the same name."""

    id: int
    name: str
    email: str
    key_hash: str
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
    table = tables.users
    row = connection.execute(sa.select(table).where(table.c.key_hash == hashed)).first()
    user = one(User, row)
    return user if user and hmac.compare_digest(user.key_hash, hashed) else None


def by_name(connection: sa.Connection, name: str) -> User | None:
    """Find a user by name."""
    table = tables.users
    return one(User, connection.execute(sa.select(table).where(table.c.name == name)).first())


def by_id(connection: sa.Connection, user_id: int) -> User | None:
    """Find a user by row id."""
    columns = columns_of(tables.users, User)
    where = tables.users.c.id == user_id
    return one(User, connection.execute(sa.select(*columns).where(where)).first())


def names(connection: sa.Connection) -> dict[int, str]:
    """Give the names of all users by row id."""
    table = tables.users
    return {row.id: row.name for row in connection.execute(sa.select(table.c.id, table.c.name))}


def add(connection: sa.Connection, name: str, key: str, *, admin: bool) -> None:
    """Add a user."""
    connection.execute(
        tables.users.insert().values(
            name=name,
            email=f"{name}@localhost",
            key_hash=hash_key(key),
            admin=admin,
            created_at=time.time(),
        )
    )


def set_key(connection: sa.Connection, user_id: int, key: str) -> None:
    """Give a user another key; the old one is void."""
    table = tables.users
    connection.execute(table.update().where(table.c.id == user_id).values(key_hash=hash_key(key)))
