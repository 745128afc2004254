"""pydantic's validation errors told as value, rule and next step, all at once."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sweepcnn.config.values import UNION_TAGS
from sweepcnn.errors import Problem


def problems_of(
    error: ValidationError, model: type[BaseModel], synonyms: Mapping[str, str] | None = None
) -> list[Problem]:
    """List each fault of a rejected mapping.

    Args:
        error: what pydantic raised for `model`.
        model: the configuration class, whose field descriptions tell what would be right.
        synonyms: further spellings that are known, to be offered as corrections.
    """
    return [_problem(details, model, synonyms or {}) for details in error.errors()]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give the next step for an unknown name: the nearest known one, or the list of all."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"


def not_a_mapping(value: object) -> Problem:
    """Tell that something else stands where keys and values belong."""
    return Problem(
        show(value), "is not a mapping of keys to values", "write one `key: value` a line"
    )


def show(value: object) -> str:
    """Write a value in a message, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes out
        return "a huge number"
    return text if len(text) <= 80 else text[:77] + "..."


def _problem(details: Any, model: type[BaseModel], synonyms: Mapping[str, str]) -> Problem:
    location = [part for part in details["loc"] if part not in UNION_TAGS]
    value, kind = details["input"], details["type"]
    if kind == "invalid_key" or location[-1:] == ["[key]"]:
        return Problem(f"key {show(value)}", "is not text", "put it in quotes")
    holder, field = _find(model, location)
    if kind == "extra_forbidden":
        return Problem(
            f"{_path(location)} = {show(value)}",
            "unknown key",
            did_you_mean(str(location[-1]), [*_fields(holder), *synonyms]),
        )
    if kind == "missing":
        return Problem(_path(location), "is missing", _advice(field))
    if kind in ("model_type", "dict_type"):
        rule = "must be a mapping of keys to values"
    elif isinstance(value, str) and value.lower() in {"none", "null"} and _may_be_null(field):
        return Problem(f"{_path(location)} = {value!r}", "is text, not a value", "write null")
    else:
        message = str(details["msg"]).removeprefix("Value error, ")
        rule = message.replace("Input should", "must").replace("valid tuple", "list").strip()
    remedy = details.get("ctx", {}).get("remedy") or _nearest(details) or _advice(field)
    return Problem(f"{_path(location)} = {show(value)}", rule, remedy)


def _path(location: list[Any]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give a model's fields under the keys that are written for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _find(
    model: type[BaseModel], location: list[Any]
) -> tuple[type[BaseModel], tuple[str, FieldInfo] | None]:
    """Follow a location to the innermost model and field of ours that it names."""
    found = None
    parts = iter(location)
    for part in parts:
        field = _fields(model).get(part)
        if field is None:
            continue
        found = (str(part), field)
        inner = list(_types_in(field.annotation))
        models = [kind for kind in inner if issubclass(kind, BaseModel)]
        if models:
            model = models[0]
            if dict in inner:
                next(parts, None)  # a name that the user gave
    return model, found


def _types_in(annotation: Any) -> Iterator[type]:
    """List the classes of an annotation, those within its brackets too."""
    for part in (get_origin(annotation) or annotation, *get_args(annotation)):
        if part is not annotation and get_args(part):
            yield from _types_in(part)
        elif isinstance(part, type):
            yield part


def _may_be_null(field: tuple[str, FieldInfo] | None) -> bool:
    return field is not None and type(None) in _types_in(field[1].annotation)


def _nearest(details: Any) -> str | None:
    """Offer the one of several words that was meant, such as none for None."""
    value = details["input"]
    if details["type"] != "literal_error" or not isinstance(value, str):
        return None
    words = re.findall(r"'([^']*)'", details["ctx"]["expected"])
    near = difflib.get_close_matches(value.lower(), words, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else None


def _advice(field: tuple[str, FieldInfo] | None) -> str:
    if field is None or not field[1].description:
        return "correct it"
    meaning = " ".join(field[1].description.split()).rstrip(".")
    return f"{field[0]} is {meaning[0].lower()}{meaning[1:]}"
