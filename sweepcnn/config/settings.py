"""Parameters written as KEY=VALUE, as after `sweepcnn train --set`."""

from collections.abc import Iterable
from typing import Any

import yaml

from sweepcnn.errors import InputError, Problem


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Read settings, each with a value in YAML; of several for one key the last counts.

    Raises:
        InputError: some are not of that form; names them all.
    """
    values: dict[str, Any] = {}
    problems = []
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            problems.append(Problem(f"--set {setting}", "is not KEY=VALUE", "such as epochs=20"))
            continue
        try:
            values[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            problems.append(Problem(f"--set {setting}", "has no YAML value", "quote the value"))
    if problems:
        raise InputError(problems)
    return values
