"""One searched parameter of a sweep file: W&B's distributions and the keys that each reads."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from sweepcnn.config.values import Real, Section, number

Number = Annotated[int | float, BeforeValidator(number)]
Distribution = Literal[
    "constant",
    "categorical",
    "categorical_w_probabilities",
    "int_uniform",
    "uniform",
    "q_uniform",
    "log_uniform",
    "log_uniform_values",
    "q_log_uniform",
    "q_log_uniform_values",
    "inv_log_uniform",
    "inv_log_uniform_values",
    "normal",
    "q_normal",
    "log_normal",
    "q_log_normal",
    "beta",
    "q_beta",
]
BOUNDS = frozenset({"min", "max"})
_MEAN = frozenset({"mu", "sigma"})
_SHAPES = frozenset({"a", "b"})
_STEP = frozenset({"q"})
_NONE: frozenset[str] = frozenset()
READ: dict[Distribution, tuple[frozenset[str], frozenset[str]]] = {
    "constant": (frozenset({"value"}), _NONE),
    "categorical": (frozenset({"values"}), frozenset({"probabilities"})),
    "categorical_w_probabilities": (frozenset({"values", "probabilities"}), _NONE),
    "int_uniform": (BOUNDS, _NONE),
    "uniform": (BOUNDS, _NONE),
    "q_uniform": (BOUNDS, _STEP),
    "log_uniform": (BOUNDS, _NONE),
    "log_uniform_values": (BOUNDS, _NONE),
    "q_log_uniform": (BOUNDS, _STEP),
    "q_log_uniform_values": (BOUNDS, _STEP),
    "inv_log_uniform": (BOUNDS, _NONE),
    "inv_log_uniform_values": (BOUNDS, _NONE),
    "normal": (_NONE, _MEAN),
    "q_normal": (_NONE, _MEAN | _STEP),
    "log_normal": (_NONE, _MEAN),
    "q_log_normal": (_NONE, _MEAN | _STEP),
    "beta": (_NONE, _SHAPES),
    "q_beta": (_NONE, _SHAPES | _STEP),
}
"""The keys that a distribution needs, and those that it reads besides."""
FINITE = ("constant", "categorical", "categorical_w_probabilities", "int_uniform", "q_uniform")
"""What a grid runs over."""


class Parameter(Section):
    """One searched parameter: a value, a list of values, or a range with a distribution."""

    distribution: Distribution | None = None
    """The distribution; null is inferred from the other keys."""
    value: Any = None
    """The one value of a constant."""
    values: tuple[Any, ...] | None = None
    """The list of values to choose from."""
    probabilities: tuple[Annotated[Real, Field(ge=0)], ...] | None = None
    """The weight of each of the values."""
    min: Number | None = None
    """The lower bound (of log_uniform: its natural logarithm)."""
    max: Number | None = None
    """The upper bound (of log_uniform: its natural logarithm)."""
    q: Annotated[Number, Field(gt=0)] | None = None
    """The step of a quantised distribution, more than 0."""
    mu: Number | None = None
    """The mean of a normal distribution."""
    sigma: Annotated[Number, Field(gt=0)] | None = None
    """The standard deviation of a normal distribution, more than 0."""
    a: Annotated[Number, Field(gt=0)] | None = None
    """The first shape of a beta distribution, more than 0."""
    b: Annotated[Number, Field(gt=0)] | None = None
    """The second shape of a beta distribution, more than 0."""
    parameters: "dict[str, Parameter] | None" = None
    """The parameters nested under this one."""

    @property
    def kind(self) -> Distribution | None:
        """The distribution, given or inferred as W&B does; null for nested parameters."""
        if self.distribution:
            return self.distribution
        if "value" in self.model_fields_set:
            return "constant"
        if self.values is not None:
            return "categorical_w_probabilities" if self.probabilities else "categorical"
        if self.min is None or self.max is None:
            return None
        whole = isinstance(self.min, int) and isinstance(self.max, int)
        return "int_uniform" if whole else "uniform"

    @model_validator(mode="after")
    def _has_what_its_distribution_needs(self) -> Self:
        fault = self._fault()
        if fault:
            rule, remedy = fault
            raise PydanticCustomError("parameter", "{rule}", {"rule": rule, "remedy": remedy})
        return self

    def _fault(self) -> tuple[str, str] | None:
        """Give the rule that the keys break together, and the next step."""
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        given |= self.model_fields_set & {"value"}
        if self.parameters is not None:
            needed, further, what = frozenset({"parameters"}), _NONE, "nested"
            if not self.parameters:
                return "is nested and has no parameters", "give one parameter or more"
        elif self.kind is None:
            return "has nothing to choose from", "give value, values, or min and max"
        else:
            (needed, further), what = READ[self.kind], self.kind
        empty = {key for key in ("values", "probabilities") if getattr(self, key) == ()}
        if missing := needed - (given - empty):
            return f"is {what} and lacks {_words(missing)}", f"give {_words(needed)}"
        if dead := given - needed - further - {"distribution"}:
            rule = f"is {what}, which does not read {_words(dead)}"
            return rule, f"leave out {_words(dead)} or correct distribution"
        return self._fault_of_values() if self.parameters is None else None

    def _fault_of_values(self) -> tuple[str, str] | None:
        if len(self.probabilities or self.values or ()) != len(self.values or ()):
            return "has not as many probabilities as values", "give one probability a value"
        if self.min is not None and self.max is not None and self.min > self.max:
            return f"min = {self.min} is more than max = {self.max}", "swap them"
        if str(self.kind).endswith("log_uniform_values") and (self.min or 0) <= 0:
            return f"min = {self.min} has no logarithm", "give a min above 0"
        return None


def leaves(
    parameters: Mapping[str, Parameter], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Parameter]]:
    """List the parameters that have values, with the keys that lead to them, sorted by name."""
    for name, parameter in sorted(parameters.items()):
        if parameter.parameters is None:
            yield (*path, name), parameter
        else:
            yield from leaves(parameter.parameters, (*path, name))


def place(path: tuple[str, ...]) -> str:
    """Give where a parameter stands in the sweep file."""
    return "parameters." + ".parameters.".join(path)


def _words(keys: frozenset[str] | set[str]) -> str:
    return " and ".join(sorted(keys, key=list(Parameter.model_fields).index))
