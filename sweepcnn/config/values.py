"""Value types shared by the configurations: lenient about notation, strict about meaning."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag
from pydantic_core import PydanticCustomError

T = TypeVar("T")


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


def number(value: Any) -> Any:
    """Read numeric text (YAML reads `1e-5` as text) and refuse truth values as numbers."""
    if isinstance(value, bool):
        raise PydanticCustomError("number_expected", "must be a number, not true or false")
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value  # pydantic's own message names the text
    return value


def _shape_of(value: Any) -> str:
    return "list" if isinstance(value, list | tuple) else "one"


Integer = Annotated[int, BeforeValidator(number)]
Real = Annotated[float, BeforeValidator(number)]

# One value for all, or a list with one value each. The callable discriminator keeps error messages
# to the branch that was meant; a plain union would report the failures of both.
OneOrMany = Annotated[
    Annotated[T, Tag("one")] | Annotated[tuple[T, ...], Tag("list")], Discriminator(_shape_of)
]
