"""What W&B finds wrong with a sweep file that can be searched all the same."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sweepcnn.config.parameter import BOUNDS, Parameter, leaves, place
from sweepcnn.config.problems import show
from sweepcnn.config.sweep import EarlyTerminate, SweepConfig
from sweepcnn.config.values import number
from sweepcnn.errors import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ENGINE_KEYS = ("engine", "source", "optimizer", "search_space")


def doubts(document: Mapping[str, Any], config: SweepConfig) -> list[Problem]:
    """Name what W&B's schema does not allow, or what has no effect.

    Args:
        document: the sweep file as it was written.
        config: the same, read.
    """
    found = [*_of_sections(document, config), *_of_metric(document, config)]
    found += _of_numbers("", document, ("run_cap",))
    parameters = document.get("parameters")
    if isinstance(parameters, Mapping):
        found += _of_names(parameters)
    for path, parameter in leaves(config.parameters):
        written: Any = document
        for part in path:
            written = written["parameters"][part]
        found += _of_parameter(place(path), written, parameter, config.method)
    return found


def _of_sections(document: Mapping[str, Any], config: SweepConfig) -> Iterator[Problem]:
    for key, value in document.items():
        if value is None:
            yield Problem(key, "is null", "leave it out")
    if isinstance(document.get("command"), str):
        yield Problem("command", "is one text, which wandb agent ignores", "give a list of words")
    if config.kind not in (None, "sweep"):
        yield Problem(f"kind = {show(config.kind)}", "is no sweep", "write kind: sweep")
    if config.order == "shuffled" and config.method != "grid":
        yield Problem("order = 'shuffled'", "is of a grid only", "leave it out")
    controller = config.controller
    if controller is not None and controller.get("type") not in ("cloud", "local"):
        value = f"controller.type = {show(controller.get('type'))}"
        yield Problem(value, "is neither cloud nor local", "leave controller out")
    if config.scheduler is not None:
        yield from _of_scheduler(config.scheduler, config)


def _of_scheduler(scheduler: Mapping[str, Any], config: SweepConfig) -> Iterator[Problem]:
    if "engine" not in scheduler:
        yield Problem("scheduler", "has no engine", "write engine: wandb or leave scheduler out")
    for key in scheduler:
        if key not in _ENGINE_KEYS:
            yield Problem(f"scheduler.{key}", "unknown key", "it is kept and not acted on")
        elif key != "engine":
            yield Problem(f"scheduler.{key}", "is not acted on", "use grid, random or bayes")
    if config.early_terminate is not None:
        rule = "is not allowed by W&B beside scheduler"
        yield Problem("early_terminate", rule, "leave scheduler out")


def _of_metric(document: Mapping[str, Any], config: SweepConfig) -> Iterator[Problem]:
    if config.metric is not None:
        written = document["metric"]
        yield from _of_numbers("metric.", written, ("target",))
        yield from _of_nulls("metric.", written)
        if written.get("impute_while_running") is False:
            yield Problem(
                "metric.impute_while_running = False", "is no text", "put false in quotes"
            )
    if config.early_terminate is not None:
        written = document["early_terminate"]
        yield from _of_numbers("early_terminate.", written, ("min_iter", "max_iter", "s", "eta"))
        yield from _of_nulls("early_terminate.", written)
        yield from _of_stopping(config.early_terminate, config)


def _of_stopping(stop: EarlyTerminate, config: SweepConfig) -> Iterator[Problem]:
    fault = stop.fault()
    if config.metric is None:
        fault = ("has no metric to compare runs by", "give metric.name and goal")
    if fault:
        remedy = f"{fault[1]}; until then no run is stopped"
        yield Problem("early_terminate", fault[0], remedy)
    elif stop.type == "hyperband" and (stop.max_iter is None) != (stop.s is None):
        yield Problem("early_terminate", "reads max_iter and s together", "give both or neither")


def _of_names(parameters: Mapping[str, Any]) -> Iterator[Problem]:
    for name, parameter in parameters.items():
        if not _NAME.fullmatch(name):
            rule = "is a name that W&B does not take"
            yield Problem(f"parameters.{name}", rule, "use letters, digits, _, . and -")
        if isinstance(parameter, Mapping) and isinstance(parameter.get("parameters"), Mapping):
            yield from _of_names(parameter["parameters"])


def _of_parameter(
    path: str, written: Mapping[str, Any], parameter: Parameter, method: str
) -> Iterator[Problem]:
    kind = str(parameter.kind)
    yield from _of_nulls(f"{path}.", written)
    yield from _of_numbers(f"{path}.", written, ("min", "max", "q", "mu", "sigma", "a", "b"))
    yield from _of_probabilities(path, written, parameter, method)
    if parameter.min is not None and parameter.min == parameter.max and set(written) >= BOUNDS:
        yield Problem(path, f"min and max are both {parameter.min}", "give value instead")
    if kind.endswith("log_uniform"):
        rule = f"{kind} takes min and max as exponents of e"
        yield Problem(path, rule, f"use {kind}_values to give the bounds themselves")
    if kind == "int_uniform" and isinstance(parameter.min, float) | isinstance(
        parameter.max, float
    ):
        yield Problem(path, "int_uniform takes whole numbers", "write min and max without a point")
    if kind == "q_uniform" and method == "grid":
        rule = f"a grid of q_uniform goes up to max = {parameter.max} without it, as W&B's does"
        yield Problem(path, rule, "give a larger max or values to have it")


def _of_probabilities(
    path: str, written: Mapping[str, Any], parameter: Parameter, method: str
) -> Iterator[Problem]:
    weights = parameter.probabilities
    if weights is None:
        return
    if abs(sum(weights) - 1) > 1e-5 + 1e-8:
        rule = f"the probabilities have the sum {sum(weights):.6g}"
        yield Problem(path, rule, "make it 1; they are taken as weights")
    if parameter.distribution == "categorical":
        remedy = "leave it out or write categorical_w_probabilities"
        yield Problem(f"{path}.distribution = 'categorical'", "has no probabilities", remedy)
    if method == "grid":
        yield Problem(f"{path}.probabilities", "have no effect in a grid", "leave them out")
    if any(isinstance(weight, str) for weight in written["probabilities"]):
        yield Problem(f"{path}.probabilities", "are partly text", "write numbers without quotes")


def _of_nulls(path: str, section: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in section.items():
        if value is None and key != "value":
            yield Problem(f"{path}{key}", "is null", "leave it out")


def _of_numbers(path: str, section: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[Problem]:
    """Name numbers that are written as text, as YAML takes 1e-4 for."""
    for key in keys:
        if isinstance(value := section.get(key), str):
            yield Problem(f"{path}{key} = {value!r}", "is text", f"write {_in_yaml(value)}")


def _in_yaml(text: str) -> str:
    written = repr(number(text))
    return written if "." in written else written.replace("e", ".0e")
