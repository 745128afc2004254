"""The addresses that tell how the server is: /healthz for anybody, /metrics for scrapers."""

from functools import partial
from ipaddress import ip_address

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sweepcnn.server import auth
from sweepcnn.server.context import Backend
from sweepcnn.server.http.health import Health
from sweepcnn.server.http.metrics import Metrics

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via")


def state_routes(backend: Backend, metrics: Metrics) -> list[BaseRoute]:
    """Give the routes of health and metrics."""
    return [
        Route("/healthz", partial(_healthz, Health(backend))),
        Route("/metrics", partial(_metrics, backend, metrics)),
    ]


async def _healthz(health: Health, _request: Request) -> Response:
    trouble = await health.trouble()
    return PlainTextResponse("ok") if trouble is None else PlainTextResponse(trouble, 503)


async def _metrics(backend: Backend, metrics: Metrics, request: Request) -> Response:
    """Give the metrics to this machine and to whoever has a key.

    Raises:
        ApiError: the request comes from elsewhere and carries no key that is known.
    """
    if not _is_from_here(request):
        authorization = request.headers.get("authorization")
        await run_in_threadpool(auth.authenticate, backend.database, authorization)
    content, type_ = await run_in_threadpool(metrics.render, request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": type_})


def _is_from_here(request: Request) -> bool:
    """Tell whether a request comes straight from this machine, past no proxy that says so."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
