"""Addresses of blobs that speak for themselves: signed, expiring, valid for one thing.

The client sends no key with an upload, so the address has to carry the right to it, which ends
with the key of the user to whom it was given.
"""

import copy
from typing import Any
from urllib.parse import quote

from itsdangerous import BadSignature, URLSafeTimedSerializer

from sweepcnn.server.errors import ApiError
from sweepcnn.storage import users
from sweepcnn.storage.users import User

_LIFETIME_S = 24 * 3600


class Addresses:
    """Makes and reads signed addresses.

    Args:
        secret: the signing key, kept with the data so that addresses outlive a restart.
    """

    def __init__(self, secret: str) -> None:
        self._uploads = URLSafeTimedSerializer(secret, salt="upload")
        self._downloads = URLSafeTimedSerializer(secret, salt="download")
        self._holder: dict[str, Any] = {}

    def given_to(self, user: User) -> "Addresses":
        """Make addresses that one user may upload to."""
        theirs = copy.copy(self)
        theirs._holder = {"by": users.pass_of(user)}
        return theirs

    def upload(self, base_url: str, what: dict[str, Any], label: str) -> str:
        """Give the address to PUT one file to; `label` ends it, for people and for the client."""
        return f"{base_url}/uploads/{self._uploads.dumps(what | self._holder)}/{quote(label)}"

    def download(self, base_url: str, sha256: str, mimetype: str, label: str) -> str:
        """Give the address to GET one blob from."""
        token = self._downloads.dumps([sha256, mimetype])
        return f"{base_url}/blobs/{token}/{quote(label)}"

    def read_upload(self, token: str) -> dict[str, Any]:
        """Give what an upload address is for.

        Raises:
            ApiError: the address is not ours or has expired.
        """
        return dict(_read(self._uploads, token))

    def read_download(self, token: str) -> tuple[str, str]:
        """Give the blob and the type of its content.

        Raises:
            ApiError: the address is not ours or has expired.
        """
        sha256, mimetype = _read(self._downloads, token)
        return sha256, mimetype


def _read(serializer: URLSafeTimedSerializer, token: str) -> Any:
    try:
        return serializer.loads(token, max_age=_LIFETIME_S)
    except BadSignature:  # expired ones too
        raise ApiError("the address is not valid or has expired; ask for it again", 403) from None
