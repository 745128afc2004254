"""Who looks at the pages: a signed cookie, set by a login with the API key."""

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from sweepcnn.storage import users
from sweepcnn.storage.database import Database

_COOKIE = "sweepcnn_session"
_LIFETIME_S = 30 * 24 * 3600


def is_own_form(request: Request) -> bool:
    """Tell whether a form was sent from a page of this server, as far as the browser says.

    A cookie that is kept from other sites does not do: to log somebody in, or out, takes none.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")  # browsers say this much also where there is no HTTPS
    return origin is None or origin.partition("://")[2] == request.url.netloc


class Sessions:
    """Signs people in and knows them again.

    A cookie names the user and their key's hash, so that a new key ends all sessions of the old.
    """

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._serializer = URLSafeTimedSerializer(secret, salt="session")

    def log_in(self, response: Response, api_key: str, *, secure: bool) -> bool:
        """Set the cookie of a key's owner; tells whether the key is known.

        Args:
            response: what the cookie goes with.
            api_key: the key.
            secure: whether the pages are reached by HTTPS, which the cookie then never leaves.
        """
        with self._database.read() as connection:
            user = users.by_key(connection, api_key)
        if user is None:
            return False
        token = self._serializer.dumps(users.pass_of(user))
        response.set_cookie(
            _COOKIE, token, max_age=_LIFETIME_S, httponly=True, samesite="strict", secure=secure
        )
        return True

    def log_out(self, response: Response) -> None:
        """Take the cookie away; what ends sessions elsewhere is another key."""
        response.delete_cookie(_COOKIE, httponly=True, samesite="strict")

    def user(self, request: Request) -> users.User | None:
        """Give who is signed in; null for nobody."""
        try:
            token = request.cookies.get(_COOKIE, "")
            user_id, mark = self._serializer.loads(token, max_age=_LIFETIME_S)
        except (BadSignature, ValueError, TypeError):
            return None
        with self._database.read() as connection:
            return users.by_pass(connection, user_id, mark)
