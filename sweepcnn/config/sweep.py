"""W&B's sweep file, typed.

Keys and meanings are those of W&B's documentation ("Define a sweep configuration") and of the JSON
schema in its package `sweeps`. `seed`, `order` and `early_terminate.type: asha` are ours: W&B's
cloud warns of them and goes on.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StrictBool, ValidationError, model_validator

from sweepcnn.config.command import train_arguments
from sweepcnn.config.parameter import FINITE, Parameter, leaves, place
from sweepcnn.config.problems import not_a_mapping, problems_of, show
from sweepcnn.config.values import Integer, OneOrMany, Real, Section
from sweepcnn.errors import InputError, Problem

Word = Annotated[
    str, BeforeValidator(lambda word: str(word) if isinstance(word, int | float) else word)
]
"""A word of a command; YAML takes `8` for a number."""


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
    impute_while_running: (
        Annotated[
            Literal["latest", "best", "worst", "false"],
            BeforeValidator(lambda value: "false" if value is False else value),
        ]
        | None
    ) = None
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
    strict: StrictBool = True
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
    command: OneOrMany[Word] | None = None
    """The command that agents start, word by word."""
    run_cap: Annotated[Integer, Field(ge=1)] | None = None
    """The most runs of the sweep, 1 or more."""
    early_terminate: EarlyTerminate | None = None
    """The rule by which poor runs are stopped."""
    seed: Annotated[Integer, Field(ge=0)] | None = None
    """The seed of the search, a whole number; null takes one from the sweep's name."""
    order: Literal["sorted", "shuffled"] = "sorted"
    """The order of a grid's points: sorted by parameter, or shuffled by the seed."""
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
        """Read a sweep file of any program: what no search depends on is told and left out.

        Raises:
            InputError: it is not a mapping, or a known key has a value that cannot be used.
        """
        if not isinstance(values, Mapping):
            raise InputError(not_a_mapping(values))
        kept, problems = _known(values, cls, "")
        for key in [key for key in kept if key in _LABELS]:
            if not isinstance(kept[key], str | None):
                value = f"{key} = {show(kept.pop(key))}"
                problems.append(Problem(value, "is no text", "put it in quotes"))
        stop = kept.get("early_terminate")
        if isinstance(stop, Mapping):
            kept["early_terminate"], unknown = _known(stop, EarlyTerminate, "early_terminate.")
            problems += unknown
        return cls.model_validate(kept), problems

    @property
    def is_ours(self) -> bool:
        """Whether agents start `sweepcnn train`; other programs' runs are not ours to judge."""
        return train_arguments(self.command, self.program) is not None

    def obstacles(self) -> list[Problem]:
        """Tell why the embedded backend cannot search this sweep; empty where it can."""
        problems = self._of_other_engines()
        if self.method == "bayes" and self.metric is None:
            problems.append(Problem("metric", "is missing for bayes", "give metric.name and goal"))
        if not self.parameters:
            problems.append(Problem("parameters", "is empty", "give one parameter or more"))
        if self.method == "grid":
            problems += [
                Problem(
                    place(path),
                    f"a grid cannot run over {parameter.kind}",
                    "give values or use method: random",
                )
                for path, parameter in leaves(self.parameters)
                if parameter.kind not in FINITE
            ]
        return problems

    def _of_other_engines(self) -> list[Problem]:
        """Name what needs another search engine, or other agents, than ours."""
        engine = (self.scheduler or {}).get("engine", "wandb")
        told: list[tuple[bool, str, str, str]] = [
            (
                self.method == "custom",
                "method = 'custom'",
                "has no search here",
                "use grid, random or bayes",
            ),
            (
                engine != "wandb",
                f"scheduler.engine = {show(engine)}",
                "is another search engine, which is not run here",
                "leave scheduler out and use grid, random or bayes",
            ),
            (
                self.metrics is not None,
                "metrics",
                "several objectives are not searched",
                "give one metric",
            ),
            (
                self.job is not None or self.image_uri is not None,
                "image_uri" if self.job is None else "job",
                "W&B Launch is not served",
                "leave it out, give program or command, and start wandb agent",
            ),
            (
                (self.controller or {}).get("type") == "local",
                "controller.type = 'local'",
                "wandb controller is not served",
                "leave controller out: the backend searches",
            ),
        ]
        return [Problem(value, rule, remedy) for wrong, value, rule, remedy in told if wrong]


_LABELS = {"name", "description", "entity", "project", "apiVersion", "kind"}
"""Texts that no search depends on."""


def _known(
    values: Mapping[Any, Any], section: type[Section], prefix: str
) -> tuple[dict[str, Any], list[Problem]]:
    """Part the keys that a section knows from the others, which are told."""
    known = {field.alias or name for name, field in section.model_fields.items()}
    problems = [
        Problem(
            f"{prefix}{key} = {show(values[key])}",
            "unknown key",
            "it is kept and not acted on",
        )
        for key in values
        if key not in known
    ]
    return {key: value for key, value in values.items() if key in known}, problems
