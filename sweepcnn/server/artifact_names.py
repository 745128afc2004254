"""Names around artifacts, checked as W&B's client checks them."""

import re
from collections.abc import Iterable

from sweepcnn.server.errors import ApiError
from sweepcnn.storage.artifact_members import is_version_name

_LONGEST = 128
_LONGEST_KEY = 200  # of the client's ids and digests, which are 128 and 32 characters long
_MOST_TAGS = 100
_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_REGISTRY = "wandb-registry-"


def check_collection(name: str) -> None:
    """Check the name of a collection.

    Raises:
        ApiError: it is empty, too long or has characters that part names from each other.
    """
    _check("artifact name", name)


def check_type(name: str) -> None:
    """Check the name of a type of artifacts.

    Raises:
        ApiError: as for a collection.
    """
    _check("artifact type", name)


def check_key(what: str, text: str) -> str:
    """Check the length of an id or a digest of the client, and give it.

    Raises:
        ApiError: it is too long.
    """
    if len(text) > _LONGEST_KEY:
        raise ApiError(f"{what} has more than {_LONGEST_KEY} characters", 400)
    return text


def check_aliases(names: Iterable[str]) -> list[str]:
    """Check aliases, and give them once each.

    Raises:
        ApiError: one is not well formed, or the name of a version by its number.
    """
    found = sorted(set(names))
    for name in found:
        _check("alias", name)
        if is_version_name(name):
            raise ApiError(f"alias {name!r}: is how version {name[1:]} is called anyway", 400)
    return found


def check_tags(names: Iterable[str]) -> list[str]:
    """Check tags, and give them once each.

    Raises:
        ApiError: one is not well formed, or there are too many.
    """
    found = sorted(set(names))
    for name in found:
        if len(name) > _LONGEST or not _TAG.fullmatch(name):
            rule = f"must be 1 to {_LONGEST} letters, digits, hyphens, underscores and spaces"
            raise ApiError(f"tag {name[:200]!r}: {rule}", 400)
    if len(found) > _MOST_TAGS:
        raise ApiError(f"{len(found)} tags: at most {_MOST_TAGS}", 400)
    return found


def refuse_registry(project: str) -> None:
    """Refuse the projects that stand for registries.

    Raises:
        ApiError: it is one.
    """
    if project.startswith(_REGISTRY):
        rule = "registries are not served; link to a collection of a project of your own"
        raise ApiError(f"{project!r}: {rule}", 400)


def _check(what: str, name: str) -> None:
    if not 1 <= len(name) <= _LONGEST or set(name) & set("/:") or not name.isprintable():
        rule = f"must be 1 to {_LONGEST} printable characters without / and :"
        raise ApiError(f"{what} {name[:200]!r}: {rule}", 400)
