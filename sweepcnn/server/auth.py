"""Who asks: HTTP Basic with the API key as password, as the client sends it; Bearer will do."""

import base64
import binascii
from typing import Any

import sqlalchemy as sa

from sweepcnn.server.errors import ApiError
from sweepcnn.storage import access, projects, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import Database


def read_key(authorization: str | None) -> str | None:
    """Take the API key out of an Authorization header.

    Raises:
        ApiError: the header is there and cannot be read.
    """
    if not authorization:
        return None
    scheme, _, credentials = authorization.partition(" ")
    try:
        if scheme.lower() == "bearer" and credentials:
            return credentials
        if scheme.lower() == "basic":
            decoded = base64.b64decode(credentials, validate=True).decode()
            return decoded.partition(":")[2]
    except (binascii.Error, ValueError):
        pass
    raise ApiError("the Authorization header is not of the form Basic base64(api:KEY)", 401)


def authenticate(database: Database, authorization: str | None) -> users.User:
    """Give the user whose key a request carries.

    Raises:
        ApiError: it carries none, or one that is not known.
    """
    key = read_key(authorization)
    if key is None:
        raise ApiError("not logged in; set WANDB_API_KEY to a key of this server", 401)
    with database.read() as connection:
        user = users.by_key(connection, key)
    if user is None:
        raise ApiError("API key is not known to this server; check WANDB_API_KEY", 401)
    return user


def check_upload(reading: sa.Connection, what: dict[str, Any], project_id: int) -> None:
    """Make sure that the user to whom an upload's address was given may still upload there.

    Args:
        reading: sees users and projects.
        what: that the address is for.
        project_id: where it belongs.

    Raises:
        ApiError: they were removed, have another key, or may not write to the project any more.
    """
    if "by" not in what:
        return
    user = users.by_pass(reading, *what["by"])
    if user is None:
        raise ApiError("the address was given to a key that is void; ask for it again", 403)
    role = access.role_in(reading, user, projects.by_id(reading, project_id).entity)
    if role is None or role < Role.MEMBER:
        raise ApiError("the address was given to one who may not write there any more", 403)
