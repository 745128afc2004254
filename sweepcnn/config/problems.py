"""pydantic's validation errors told as value, rule and next step, all at once."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sweepcnn.errors import Problem

_UNION_TAGS = {"one", "list"}  # of values.OneOrMany; they say nothing to a reader


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


def _problem(details: Any, model: type[BaseModel], synonyms: Mapping[str, str]) -> Problem:
    location = [part for part in details["loc"] if part not in _UNION_TAGS]
    value = details["input"]
    message = str(details["msg"])
    if details["type"] == "extra_forbidden":
        return Problem(
            f"{_path(location)} = {_show(value)}",
            "unknown parameter" if len(location) == 1 else "unknown key",
            did_you_mean(str(location[-1]), [*_fields_at(model, location[:-1]), *synonyms]),
        )
    if details["type"] == "missing":
        return Problem(_path(location), "is missing", _advice(model, location))
    if isinstance(value, str) and value.lower() in {"none", "null"}:
        return Problem(f"{_path(location)} = {value!r}", "is text, not a value", "write null")
    rule = message.removeprefix("Value error, ").replace("Input should", "must").strip()
    return Problem(f"{_path(location)} = {_show(value)}", rule, _advice(model, location))


def _path(location: list[Any]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _field_at(model: type[BaseModel], location: list[Any]) -> FieldInfo | None:
    """Follow a location as far as it names fields of ours; list indices and dict keys end it."""
    field = None
    for part in location:
        found = model.model_fields.get(part) if isinstance(part, str) else None
        if found is None:
            break
        field = found
        if isinstance(found.annotation, type) and issubclass(found.annotation, BaseModel):
            model = found.annotation
    return field


def _fields_at(model: type[BaseModel], location: list[Any]) -> list[str]:
    for part in location:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is None:
            continue
        nested = [field.annotation, *getattr(field.annotation, "__args__", ())]
        found = [a for a in nested if isinstance(a, type) and issubclass(a, BaseModel)]
        model = found[0] if found else model
    return list(model.model_fields)


def _advice(model: type[BaseModel], location: list[Any]) -> str:
    field = _field_at(model, location)
    if field is None or not field.description:
        return "correct it"
    meaning = " ".join(field.description.split()).rstrip(".")
    return f"{location[0]} is {meaning[0].lower()}{meaning[1:]}"
