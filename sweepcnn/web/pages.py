"""The pages: projects, a project, a sweep, a run; after a login with the API key."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qs, quote

import sqlalchemy as sa
from jinja2 import Environment, PackageLoader
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sweepcnn.storage import access, points, projects, run_files, runs, sweeps
from sweepcnn.storage.database import Database
from sweepcnn.storage.projects import Project
from sweepcnn.storage.users import User
from sweepcnn.web import sweep_page
from sweepcnn.web.sessions import Sessions, is_own_form
from sweepcnn.web.sweep_page import METRIC, row_of

_MAX_FORM_BYTES = 4096
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

PictureAddress = Callable[[str, str, str], str]
"""(SHA-256, type, name) -> the address of a picture on this server."""


@dataclass(frozen=True)
class _Site:
    database: Database
    sessions: Sessions
    picture_address: PictureAddress


class _NotFoundError(Exception):
    pass


def routes(database: Database, secret: str, picture_address: PictureAddress) -> list[BaseRoute]:
    """Give the routes of all pages.

    Args:
        database: what is shown.
        secret: signs the login's cookie.
        picture_address: gives the address of a stored picture.
    """
    site = _Site(database, Sessions(database, secret), picture_address)
    return [
        Route("/login", partial(_login, site), methods=["GET", "POST"]),
        Route("/authorize", _authorize),
        Route("/logout", partial(_logout, site), methods=["POST"]),
        Route("/", partial(_page, site, _home)),
        Route("/{entity}/{project}", partial(_page, site, _project)),
        Route("/{entity}/{project}/sweeps/{sweep}", partial(_page, site, _sweep)),
        Route("/{entity}/{project}/runs/{run}", partial(_page, site, _run)),
    ]


async def nowhere(request: Request, _error: Exception) -> Response:
    """Tell people that there is no such page; programs are told in plain text."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Not Found", 404)
    message = "There is no page at this address."
    if re.match(r"/[^/]+/[^/]+/reports/", request.url.path):
        message = "Reports are kept, not drawn here; open one by Report.from_url."
    return _html("message.html", 404, message=message)


@cache
def _templates() -> Environment:
    templates = Environment(loader=PackageLoader("sweepcnn.web"), autoescape=True)
    templates.filters["value"] = _value
    templates.filters["caption"] = _caption
    templates.filters["time"] = _time
    templates.filters["segment"] = lambda text: quote(text, safe="")
    return templates


Show = Callable[[_Site, sa.Connection, User, dict[str, str]], tuple[str, dict[str, Any]]]


async def _page(site: _Site, show: Show, request: Request) -> Response:
    """Show a page to who is signed in, and send others to the login."""

    def render() -> Response:
        user = site.sessions.user(request)
        if user is None:
            return RedirectResponse(f"/login?next={quote(request.url.path, safe='')}", 303)
        request.state.user = user.name  # for the log
        try:
            with site.database.read() as connection:
                template, values = show(site, connection, user, request.path_params)
        except _NotFoundError as error:
            return _html("message.html", 404, message=str(error), user=user)
        return _html(template, **values, user=user)

    return await run_in_threadpool(render)


async def _login(site: _Site, request: Request) -> Response:
    if request.method != "POST":
        target = _local_path(request.query_params.get("next", "/"))
        return _html("login.html", target=target, failed=False)
    if not is_own_form(request):
        return _foreign_form()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            return _html("message.html", 413, message="The form is too large.")
    form = parse_qs(body.decode("utf-8", "replace"))
    target = _local_path(form.get("next", ["/"])[0])
    response = RedirectResponse(target, 303)
    key = form.get("key", [""])[0].strip()
    log_in = partial(site.sessions.log_in, secure=request.url.scheme == "https")
    if await run_in_threadpool(log_in, response, key):
        return response
    return _html("login.html", 403, target=target, failed=True)


async def _authorize(_request: Request) -> Response:
    """Lead on who comes from the address that `wandb login` prints for those without a key."""
    return RedirectResponse("/login", 303)


async def _logout(site: _Site, request: Request) -> Response:
    if not is_own_form(request):
        return _foreign_form()
    response = RedirectResponse("/login", 303)
    site.sessions.log_out(response)
    return response


def _foreign_form() -> Response:
    return _html("message.html", 403, message="The form was sent from another site.")


def _local_path(target: str) -> str:
    """Keep a redirection on this server: two slashes of either kind would leave it."""
    is_local = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_local and target.isprintable() else "/"


def _html(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    text = _templates().get_template(template).render(values)
    return HTMLResponse(text, status, headers=_HEADERS)


def _home(
    _site: _Site, connection: sa.Connection, user: User, _path: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    found = [
        project
        for entity in access.entities_of(connection, user)
        for project in projects.of_entity(connection, entity)
    ]
    counts = {project.id: runs.count(connection, project_id=project.id) for project in found}
    return "home.html", {"projects": found, "counts": counts}


def _find_project(connection: sa.Connection, user: User, path: dict[str, str]) -> Project:
    role = access.role_in(connection, user, path["entity"])
    project = projects.get(connection, path["entity"], path["project"]) if role else None
    if project is None:
        raise _NotFoundError(f"There is no project {path['entity']}/{path['project']}.")
    return project


def _project(
    _site: _Site, connection: sa.Connection, user: User, path: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    project = _find_project(connection, user, path)
    values = {
        "project": project,
        "sweeps": sweeps.of_project(connection, project.id),
        "rows": [row_of(run, METRIC) for run in runs.of_project(connection, project.id)][::-1],
        "metric": METRIC,
        "parameters": [],
    }
    return "project.html", values


def _sweep(
    _site: _Site, connection: sa.Connection, user: User, path: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    project = _find_project(connection, user, path)
    sweep = sweeps.get(connection, project.id, path["sweep"])
    if sweep is None:
        raise _NotFoundError(f"There is no sweep {path['sweep']} in {project.name}.")
    values = {"project": project, "sweep": sweep}
    return "sweep.html", values | sweep_page.tell(connection, sweep)


def _run(
    site: _Site, connection: sa.Connection, user: User, path: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    project = _find_project(connection, user, path)
    run = runs.get(connection, project.id, path["run"])
    if run is None:
        raise _NotFoundError(f"There is no run {path['run']} in {project.name}.")
    sweep = sweeps.by_id(connection, run.sweep_id) if run.sweep_id else None
    pictures = [
        {"name": file.name, "url": site.picture_address(file.sha256, file.mimetype, file.name)}
        for file in run_files.of_run(connection, run.id)
        if file.mimetype in ("image/png", "image/jpeg")
    ]
    config = {
        key: value.get("value") if isinstance(value, dict) else value
        for key, value in json.loads(run.config).items()
        if key != "_wandb"
    }
    summary = json.loads(run.summary)
    plain = {
        key: value
        for key, value in summary.items()
        if not isinstance(value, dict | list) and not key.startswith("_")
    }
    return "run.html", {
        "project": project,
        "run": run,
        "sweep": sweep,
        "point": points.of_run(connection, run.id),
        "reason": row_of(run, METRIC)["reason"],
        "config": config,
        "summary": plain,
        "pictures": pictures,
    }


def _value(value: Any) -> str:
    """Write a value as people write it in a sweep file; what is not there as nothing."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _caption(file: str) -> str:
    """Give the name under which a picture was logged; W&B's client adds step and digest."""
    return re.sub(r"_\d+_[0-9a-f]+\.\w+$", "", file.rpartition("/")[2])


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
