"""What a request can reach: the backend's parts, and who asks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from graphql import GraphQLResolveInfo

from sweepcnn.scheduler import Scheduler
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.errors import ApiError
from sweepcnn.storage import access, projects
from sweepcnn.storage.access import Role
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database
from sweepcnn.storage.users import User


class _InProject(Protocol):
    @property
    def project_id(self) -> int: ...


_Row = TypeVar("_Row", bound=_InProject)
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Backend:
    """The parts that live as long as the server."""

    database: Database
    blobs: BlobStore
    addresses: Addresses
    scheduler: Scheduler
    secret: str
    """Signs what the server gives out; kept with the data."""


class Request:
    """One GraphQL request. Use as a context manager; it is bound to one thread.

    Args:
        backend: the server's parts.
        user: who asks.
        base_url: how the client reaches us, without a trailing slash.
    """

    def __init__(self, backend: Backend, user: User, base_url: str) -> None:
        self.backend = replace(backend, addresses=backend.addresses.given_to(user))
        self.base_url = base_url
        self.user = user
        self._stack = ExitStack()
        self._connection: sa.Connection | None = None
        self._recalled: dict[Any, Any] = {}

    def __enter__(self) -> "Request":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def connection(self) -> sa.Connection:
        """A snapshot for reading, opened with the first use and kept to the request's end."""
        if self._connection is None:
            self._connection = self._stack.enter_context(self.backend.database.read())
        return self._connection

    def look_anew(self) -> None:
        """Give the snapshot back, before a wait for others: what is read afterwards is new."""
        if self._connection is not None:
            self._stack.close()
            self._connection = None
        self._recalled.clear()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a writing transaction; what is read afterwards sees its effect."""
        self.look_anew()
        with self.backend.database.write() as connection:
            yield connection

    def recall(self, by_id: Callable[[sa.Connection, int], _Found], row_id: int) -> _Found:
        """Read a row once: the runs of a list have few users and sweeps among them."""
        key = (by_id, row_id)
        if key not in self._recalled:
            self._recalled[key] = by_id(self.connection, row_id)
        found: _Found = self._recalled[key]
        return found

    def entity(self, connection: sa.Connection, name: str | None, *, role: Role) -> str:
        """Give the entity that is meant, by default the user's own.

        Raises:
            ApiError: the user has not that role in it.
        """
        owner = name or self.user.name
        missing = f"entity {owner!r} not found; yours is {self.user.name!r}"
        self._check(access.role_in(connection, self.user, owner), role, owner, missing)
        return owner

    def project(
        self, connection: sa.Connection, entity: str | None, name: str | None, *, role: Role
    ) -> projects.Project:
        """Give a project in whose entity the user has a role.

        Raises:
            ApiError: there is none of that name, or the role is another.
        """
        owner = self.entity(connection, entity, role=role)
        found = projects.get(connection, owner, name) if name else None
        if found is None:
            known = ", ".join(p.name for p in projects.of_entity(connection, owner)[:10])
            raise ApiError(f"project {name!r} not found; known are: {known or 'none'}", 404)
        return found

    def owned(self, connection: sa.Connection, row: _Row | None, what: str, *, role: Role) -> _Row:
        """Give a row of a project, if there is one and the user has a role in its entity.

        Args:
            connection: that the row was read by.
            row: what was found by an id from outside.
            what: names it to the user.
            role: the least that is needed.

        Raises:
            ApiError: there is none, or they have not; a stranger cannot tell which.
        """
        if row is None:
            raise ApiError(f"{what} not found", 404)
        self.check_access(connection, row.project_id, what, role=role)
        return row

    def check_access(
        self, connection: sa.Connection, project_id: int, what: str, *, role: Role
    ) -> projects.Project:
        """Give the project of a row, if the user has a role in its entity.

        Raises:
            ApiError: they have not.
        """
        project = projects.by_id(connection, project_id)
        found = access.role_in(connection, self.user, project.entity)
        self._check(found, role, project.entity, f"{what} not found")
        return project

    def sees(self, connection: sa.Connection, project_id: int) -> bool:
        """Tell whether the user may see a project, to leave out what leads to one they may not."""
        entity = projects.by_id(connection, project_id).entity
        return access.role_in(connection, self.user, entity) is not None

    def _check(self, found: Role | None, needed: Role, entity: str, missing: str) -> None:
        if found is None:  # nobody learns whether what they may not see is there
            raise ApiError(missing, 404)
        if found < needed:
            name, wanted = found.name.lower(), needed.name.lower()
            rule = f"you are a {name} of {entity!r}, this takes a {wanted}"
            raise ApiError(f"{rule}; ask an admin of it", 403)


Info = GraphQLResolveInfo[Request]
"""What graphql-core hands to a resolver."""
