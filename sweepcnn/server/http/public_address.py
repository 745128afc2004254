"""The address under which others reach the server, where it was told one.

Without one, addresses are made from the Host header of each request, so that a port-forward works.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from sweepcnn.errors import InputError, Problem

_EXAMPLE = "give one such as https://sweeps.example.org"


def read(text: str) -> str:
    """Check a public address and give it without a trailing slash.

    Raises:
        InputError: it is no http(s) address of a host, or has more than scheme, host and port.
    """
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise InputError(Problem(f"--public-url {text}", str(error), _EXAMPLE)) from None
    rule = None
    if url.scheme not in ("http", "https") or not host:
        rule = "is no address of the form http://HOST or https://HOST:PORT"
    elif url.username is not None or url.password is not None:
        rule = "holds a user name, which would stand in every address given out"
    elif url.path not in ("", "/"):
        rule = f"has the path {url.path!r}; the client and the pages need the root of a host"
    elif "?" in text or "#" in text:
        rule = "has a query or a fragment, which an address to build on cannot have"
    elif not host.isascii() or not host.isprintable() or " " in host:
        rule = "has a host name that no header can carry"
    if rule:
        raise InputError(Problem(f"--public-url {text}", rule, _EXAMPLE))
    return f"{url.scheme}://{url.netloc.lower()}"


class PublicAddress:
    """ASGI middleware by which every request seems to have come to the public address.

    Args:
        app: what answers.
        url: the address, as `read` gives it; null leaves requests as they are.
    """

    def __init__(self, app: ASGIApp, url: str | None) -> None:
        self._app = app
        self._url = urlsplit(url) if url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if self._url and scope["type"] == "http":
            others = [header for header in scope["headers"] if header[0] != b"host"]
            scope["headers"] = [(b"host", self._url.netloc.encode()), *others]
            scope["scheme"] = self._url.scheme
        await self._app(scope, receive, send)
