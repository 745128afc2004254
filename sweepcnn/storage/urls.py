"""Where a database is: URLs, and what is told of one that cannot be used. No password is shown."""

from collections.abc import Mapping

import sqlalchemy as sa

from sweepcnn.errors import InputError, Problem

_EXAMPLES = "sqlite:////path/sweepcnn.db or postgresql://user:password@host/name"
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_CONNECT_TIMEOUT_S = 10


def read(url: str) -> sa.URL:
    """Read a URL.

    Raises:
        InputError: it is none, or one of another kind of database.
    """
    try:
        place = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # their text may hold the password
        problem = Problem("--database-url", "cannot be read", f"name one such as {_EXAMPLES}")
        raise InputError(problem) from None
    driver = _DRIVERS.get(place.drivername)
    if driver is None:
        rule = f"{place.drivername!r} is neither sqlite nor postgresql"
        raise InputError(Problem(shown(place), rule, f"name one such as {_EXAMPLES}"))
    place = place.set(drivername=driver)
    if driver == "sqlite":
        return place
    timeout = place.query.get("connect_timeout", str(_CONNECT_TIMEOUT_S))
    return place.update_query_dict({"connect_timeout": timeout, "client_encoding": "utf8"})


def with_settings(place: sa.URL, settings: Mapping[str, object]) -> sa.URL:
    """Give a PostgreSQL URL with settings for its sessions; its own go before them."""
    given = place.query.get("options", ())
    ours = [f"-c {name}={value}" for name, value in settings.items()]
    options = [*ours, *((given,) if isinstance(given, str) else given)]
    return place.update_query_dict({"options": " ".join(options)})


def problem(place: sa.URL, error: Exception) -> Problem:
    """Say in one line why a database cannot be used."""
    if isinstance(error, ImportError):
        remedy = "install it by `pip install 'sweepcnn[postgresql]'`"
        return Problem(shown(place), f"its driver is missing ({error})", remedy)
    cause = getattr(error, "orig", None) or error
    rule = f"cannot be used: {' '.join(str(cause).split())}"
    return Problem(shown(place), rule, "see that it is there and that you may use it")


def shown(place: sa.URL) -> str:
    """Name a database as its user does, without the password."""
    name = place.set(drivername=place.get_backend_name(), query={})
    return f"--database-url {name.render_as_string(hide_password=True)}"
