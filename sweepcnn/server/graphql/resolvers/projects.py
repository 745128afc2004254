"""Projects, and what is found under them."""

from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import connection
from sweepcnn.server.graphql.resolvers.accounts import entity
from sweepcnn.storage import access, projects, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.projects import Project

_MAX_NAME = 128


def _project(_root: Any, info: Info, name: str | None = None, **arguments: Any) -> Project | None:
    """Give a project; null, as W&B does, also where the entity is not one that the user may see."""
    request: Request = info.context
    owner = arguments.get("entityName") or request.user.name
    if not name or access.role_in(request.connection, request.user, owner) is None:
        return None
    return projects.get(request.connection, owner, name)


def _projects(_root: Any, info: Info, **arguments: Any) -> dict[str, Any]:
    request: Request = info.context
    owner = request.entity(request.connection, arguments.get("entityName"), role=Role.VIEWER)
    found = projects.of_entity(request.connection, owner)
    return connection(found, arguments.get("first"), arguments.get("after"))


def check_name(name: str | None) -> str:
    """Check a project's name as W&B's client does.

    Raises:
        ApiError: it is empty, too long or has characters that an address cannot carry.
    """
    check_segment("project name", name or "")
    return name or ""


def check_segment(what: str, name: str) -> None:
    """Check a name that stands in addresses between two slashes.

    Raises:
        ApiError: it is empty, too long or has characters that an address cannot carry.
    """
    refused = set(name) & set("/\\#?%:") or not name.isprintable() or name in (".", "..")
    if refused or not 1 <= len(name) <= _MAX_NAME:
        rule = f"must be 1 to {_MAX_NAME} characters without / \\ # ? % : and not . or .."
        raise ApiError(f"{what} {name[:200]!r}: {rule}", 400)


def _upsert_model(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        owner = request.entity(writing, input.get("entityName"), role=Role.MEMBER)
        name = check_name(input.get("name"))
        project, inserted = projects.get_or_create(writing, owner, name)
        if input.get("description") is not None:
            projects.update(writing, project.id, description=input["description"])
            project = projects.by_id(writing, project.id)
    return {"project": project, "model": project, "inserted": inserted}


def _owner(project: Project, info: Info) -> users.User | None:
    return users.by_name(info.context.connection, project.entity)


RESOLVERS = {
    "Query": {"project": _project, "model": _project, "models": _projects},
    "Mutation": {"upsertModel": _upsert_model},
    "Project": {
        "id": lambda project, _: ids.encode("Project", project.id),
        "internalId": lambda project, _: str(project.id),
        "entityName": lambda project, _: project.entity,
        "entity": lambda project, _: entity(project.entity),
        "access": lambda *_: "PRIVATE",
        "isBenchmark": lambda *_: False,
        "readOnly": lambda *_: False,
        "user": _owner,
    },
}
