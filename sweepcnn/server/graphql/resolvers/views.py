"""Reports and workspaces, as the `wandb-workspaces` library saves and loads them."""

from typing import Any

import sqlalchemy as sa

from sweepcnn.server import documents, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import connection
from sweepcnn.storage import projects, users, views
from sweepcnn.storage.access import Role
from sweepcnn.storage.projects import Project
from sweepcnn.storage.views import View

_MAX_SPEC_BYTES = 16 * 2**20
_MAX_TEXT = 10_000
_TEXTS = {
    "type": "type",
    "name": "name",
    "displayName": "display_name",
    "description": "description",
    "createdUsing": "created_using",
}


def _view(_root: Any, info: Info, id: str) -> View:  # noqa: A002
    request: Request = info.context
    return _find(request, request.connection, id, role=Role.VIEWER)


def _find(request: Request, reading: sa.Connection, wire_id: str, *, role: Role) -> View:
    """Find a view of a project in whose entity the user has a role.

    Raises:
        ApiError: there is none.
    """
    padded = wire_id + "=" * (-len(wire_id) % 4)  # in the address of its page it has no padding
    found = views.by_id(reading, ids.decode("View", padded))
    return request.owned(reading, found, "view", role=role)


def _views(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    found = views.of_project(
        info.context.connection,
        project.id,
        type_=arguments.get("viewType"),
        name=arguments.get("viewName"),
        user_name=arguments.get("userName"),
    )
    return connection(found, arguments.get("first"), arguments.get("after"))


def _upsert(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    request: Request = info.context
    values = _values(input)
    with request.write() as writing:
        if input.get("id"):
            view_id = _find(request, writing, input["id"], role=Role.MEMBER).id
            views.update(writing, view_id, **values)
        else:
            project = request.project(
                writing, input.get("entityName"), input.get("projectName"), role=Role.MEMBER
            )
            missing = [field for field in ("type", "name", "spec") if not values.get(field)]
            if missing:
                raise ApiError(f"a new view needs a {missing[0]}", 400)
            of = {"project_id": project.id, "user_id": request.user.id}
            view_id = views.add(writing, **of, **values)
    return {"view": views.by_id(request.connection, view_id), "inserted": not input.get("id")}


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """Turn what is given into columns; what is null stays as it is.

    Raises:
        ApiError: a text is too long, or the specification is no JSON.
    """
    values = {c: given[field] for field, c in _TEXTS.items() if given.get(field) is not None}
    for column, text in values.items():
        if len(text) > _MAX_TEXT:
            raise ApiError(f"the view's {column} has more than {_MAX_TEXT} characters", 400)
    if given.get("spec") is not None:
        if len(given["spec"].encode()) > _MAX_SPEC_BYTES:
            raise ApiError(f"the view's spec has more than {_MAX_SPEC_BYTES} bytes", 400)
        documents.read_object(given["spec"], "the view's spec")
        values["spec"] = given["spec"]
    return values


def _delete(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        view = _find(request, writing, input["id"], role=Role.MEMBER)
        views.delete(writing, view.id)
    return {"success": True, "pendingDrafts": False}


def _refuse_link(_root: Any, _info: Info, **_arguments: Any) -> None:
    rule = "links that open a report to everybody are not served by this backend"
    raise ApiError(f"{rule}; share it with the members of a team instead", 400)


RESOLVERS = {
    "Query": {"view": _view},
    "Mutation": {
        "upsertView": _upsert,
        "deleteView": _delete,
        "createAccessToken": _refuse_link,
        "updateAccessTokenProjects": _refuse_link,
        "revokeAccessToken": _refuse_link,
    },
    "Project": {"allViews": _views},
    "View": {
        "id": lambda view, _: ids.encode("View", view.id),
        "project": lambda view, info: projects.by_id(info.context.connection, view.project_id),
        "user": lambda view, info: users.by_id(info.context.connection, view.user_id),
        "spec": lambda view, info: views.spec(info.context.connection, view.id),
        "accessTokens": lambda *_: [],  # there can be none
    },
}
