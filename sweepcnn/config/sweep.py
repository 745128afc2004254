"""W&B's sweep file, typed.

Keys and meanings are those of W&B's documentation ("Define a sweep configuration") and of the JSON
schema in its package `sweeps`. `seed` is ours: W&B's cloud warns of it and goes on.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from sweepcnn.config.command import train_arguments
from sweepcnn.config.problems import not_a_mapping, problems_of, show
from sweepcnn.config.values import Integer, OneOrMany, Real, Section, number
from sweepcnn.errors import InputError, Problem

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
_READ: dict[str, tuple[set[str], set[str]]] = {
    "constant": ({"value"}, set()),
    "categorical": ({"values"}, {"probabilities"}),
    "categorical_w_probabilities": ({"values", "probabilities"}, set()),
    "int_uniform": ({"min", "max"}, set()),
    "uniform": ({"min", "max"}, set()),
    "q_uniform": ({"min", "max"}, {"q"}),
    "log_uniform": ({"min", "max"}, set()),
    "log_uniform_values": ({"min", "max"}, set()),
}
"""The keys that a searched distribution needs, and those that it reads besides."""
SEARCHED = tuple(_READ)
FINITE = ("constant", "categorical", "categorical_w_probabilities", "int_uniform", "q_uniform")


class Metric(Section):
    """What the sweep optimises."""

    name: str
    """The metric's name as the runs log it."""
    goal: Literal["minimize", "maximize"] = "minimize"
    """Minimize or maximize."""
    target: Real | None = None
    """The value at which the sweep may end."""
    impute: Literal["latest", "best", "worst"] | None = None
    """The value that stands in for a run without one."""
    impute_while_running: Literal["latest", "best", "worst", "false"] | None = None
    """The value that stands in for a run that has not ended."""


class EarlyTerminate(Section):
    """The settings of early stopping."""

    type: Literal["hyperband", "asha"]
    """The rule: hyperband, or asha, which is ours."""
    min_iter: Annotated[Integer, Field(ge=1)] | None = None
    """The first epoch at which a run may be stopped."""
    max_iter: Annotated[Integer, Field(ge=1)] | None = None
    """The most epochs of a run."""
    s: Annotated[Integer, Field(ge=1)] | None = None
    """The number of brackets below max_iter."""
    eta: Annotated[Real, Field(gt=1)] = 3
    """The factor between brackets, more than 1."""
    strict: bool = True
    """Whether all but the best 1/eta are stopped at each bracket."""

    def fault(self) -> tuple[str, str] | None:
        """Give why this can stop no run, and the next step; null where it can."""
        ends = self.max_iter is not None and self.s is not None
        if not ends and self.min_iter is None:
            rule = "does not say at which epochs runs are compared"
            return rule, "give min_iter, or max_iter and s"
        if ends and self.max_iter is not None and self.max_iter < self.eta:
            rule = f"has no epoch at which runs are compared below max_iter = {self.max_iter}"
            return rule, f"give a max_iter of eta = {self.eta:g} or more, or min_iter"
        return None


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
        fault = self._fault() if self.parameters is None else None
        if fault:
            rule, remedy = fault
            raise PydanticCustomError("parameter", "{rule}", {"rule": rule, "remedy": remedy})
        return self

    def _fault(self) -> tuple[str, str] | None:
        """Give the rule that the keys break together, and the next step."""
        kind = self.kind
        if kind is None:
            return "has nothing to choose from", "give value, values, or min and max"
        if kind not in _READ:
            return None
        needed, further = _READ[kind]
        given = {key for key in self.model_fields_set if key == "value" or getattr(self, key)}
        given |= {key for key in ("min", "max") if getattr(self, key) is not None}
        if missing := needed - given:
            return f"is {kind} and lacks {_words(missing)}", f"give {_words(needed)}"
        if dead := given - needed - further - {"distribution"}:
            rule = f"is {kind}, which does not read {_words(dead)}"
            return rule, f"leave out {_words(dead)} or correct distribution"
        if len(self.probabilities or self.values or ()) != len(self.values or ()):
            return "has not as many probabilities as values", "give one probability a value"
        if self.min is not None and self.max is not None and self.min > self.max:
            return f"min = {self.min} is more than max = {self.max}", "swap them"
        if kind == "log_uniform_values" and self.min is not None and self.min <= 0:
            return f"min = {self.min} has no logarithm", "give a min above 0"
        return None


def _words(keys: set[str]) -> str:
    return " and ".join(sorted(keys, key=list(Parameter.model_fields).index))


class SweepConfig(Section):
    """A sweep file."""

    method: Literal["grid", "random", "bayes", "custom"]
    """The way of searching: grid, random or bayes."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    """The searched parameters by name."""
    metric: Metric | None = None
    """What the sweep optimises: name and goal."""
    name: str | None = None
    """The sweep's name."""
    description: str | None = None
    """A text for people."""
    entity: str | None = None
    """The owner of the project."""
    project: str | None = None
    """The project."""
    program: str | None = None
    """The script that agents start."""
    command: OneOrMany[str] | None = None
    """The command that agents start, word by word."""
    run_cap: Annotated[Integer, Field(ge=1)] | None = None
    """The most runs of the sweep, 1 or more."""
    early_terminate: EarlyTerminate | None = None
    """The rule by which poor runs are stopped."""
    seed: Annotated[Integer, Field(ge=0)] | None = None
    """The seed of the search, a whole number; null takes one from the sweep's name."""
    controller: dict[str, Any] | None = None
    """Where the search runs: cloud means in the backend."""
    metrics: tuple[Any, ...] | None = None
    """Several objectives."""
    scheduler: dict[str, Any] | None = None
    """An external search engine."""
    job: str | None = None
    """A W&B Launch job."""
    image_uri: str | None = None
    """A W&B Launch image."""
    api_version: str | None = Field(None, alias="apiVersion")
    """The version of the file's format."""
    kind: str | None = None
    """The kind of the file, sweep."""

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults_at_once(cls, values: Any, build: Any) -> Any:
        if not isinstance(values, cls | Mapping):
            raise InputError(not_a_mapping(values))
        try:
            return build(values)
        except ValidationError as error:
            raise InputError(problems_of(error, cls)) from None

    @classmethod
    def read(cls, values: Any) -> tuple[Self, list[Problem]]:
        """Read a sweep file of any program: keys nobody knows are told and left out.

        Raises:
            InputError: it is not a mapping, or a known key has a value that cannot be used.
        """
        if not isinstance(values, Mapping):
            raise InputError(not_a_mapping(values))
        known = set(cls.model_fields) - {"api_version"} | {"apiVersion"}
        problems = [
            Problem(f"{key} = {show(values[key])}", "unknown key", "it is kept and not acted on")
            for key in values
            if key not in known
        ]
        return cls.model_validate({k: v for k, v in values.items() if k in known}), problems

    @property
    def is_ours(self) -> bool:
        """Whether agents start `sweepcnn train`; other programs' runs are not ours to judge."""
        return train_arguments(self.command, self.program) is not None

    def ignored(self) -> list[Problem]:
        """Name the keys that are understood and not acted on by the embedded backend."""
        keys = ("metrics", "scheduler", "job", "image_uri")
        problems = [
            Problem(key, "is not acted on by this backend", "the sweep runs without it")
            for key in keys
            if getattr(self, key) is not None
        ]
        if self.early_terminate:
            fault = self.early_terminate.fault()
            if self.metric is None:
                fault = ("has no metric to compare runs by", "give metric.name and goal")
            if fault:
                remedy = f"{fault[1]}; until then no run is stopped"
                problems.append(Problem("early_terminate", fault[0], remedy))
        if self.controller and self.controller.get("type", "cloud") != "cloud":
            remedy = "the backend searches instead"
            problems.append(Problem("controller.type", "local controllers are not served", remedy))
        return problems

    def obstacles(self) -> list[Problem]:
        """Tell why the embedded backend cannot search this sweep; empty where it can."""
        problems = []
        if self.method == "custom":
            problems.append(
                Problem("method = 'custom'", "has no search", "use grid, random or bayes")
            )
        if self.method == "bayes" and self.metric is None:
            problems.append(Problem("metric", "is missing for bayes", "give metric.name and goal"))
        if not self.parameters:
            problems.append(Problem("parameters", "is empty", "give one parameter or more"))
        for name, parameter in self.parameters.items():
            value = f"parameters.{name}"
            if parameter.parameters is not None:
                problems.append(Problem(value, "is nested", "write its parameters side by side"))
            elif parameter.kind not in SEARCHED:
                rule, known = f"{parameter.kind} is not searched", ", ".join(SEARCHED)
                problems.append(Problem(value, rule, f"use one of {known}"))
            elif self.method == "grid" and parameter.kind not in FINITE:
                rule = f"a grid cannot run over {parameter.kind}"
                problems.append(Problem(value, rule, "give values or use method: random"))
        return problems
