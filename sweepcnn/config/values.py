"""Value types shared by the configurations: lenient about notation, strict about meaning."""

import contextlib
import math
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


def number(value: Any) -> int | float:
    """Read numeric text (YAML reads `1e-5` as text) and refuse truth values as numbers.

    Raises:
        PydanticCustomError: the value is no finite number.
    """
    if isinstance(value, bool):
        raise PydanticCustomError("number_expected", "must be a number, not true or false")
    if isinstance(value, str):
        value = _read_number(value)
    if not isinstance(value, int | float):
        raise PydanticCustomError("number_expected", "must be a number")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        finite = False
    if not finite:
        raise PydanticCustomError("number_expected", "must be a finite number")
    return value


def _read_number(text: str) -> int | float | str:
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text)
    return text


# The tags of unions. They stand in the locations of pydantic's errors, and no key is spelt so.
ONE, LIST, NAME, NUMBER = UNION_TAGS = ("<one>", "<list>", "<name>", "<number>")


def _one_or_list(value: Any) -> str:
    return LIST if isinstance(value, list | tuple) else ONE


def _name_or_number(value: Any) -> str:
    is_name = isinstance(value, str) and isinstance(_read_number(value), str)
    return NAME if is_name else NUMBER


Integer = Annotated[int, BeforeValidator(number)]
Real = Annotated[float, BeforeValidator(number)]

# A callable discriminator keeps error messages to the branch that was meant; a plain union would
# report the failures of both.
OneOrMany = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[tuple[T, ...], Tag(LIST)], Discriminator(_one_or_list)
]
"""One value for all, or a list with one value each."""
NAME_OR_NUMBER = Discriminator(_name_or_number)
"""Tells apart the branches of a union that are tagged NAME and NUMBER."""
