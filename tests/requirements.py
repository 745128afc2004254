"""What some tests need of a machine: without it they are skipped, or fail where it is promised.

`SWEEPCNN_TEST_REQUIRE=clients,...` promises them; `.ci/run` does, and skips none of these.
"""

import os
from typing import NoReturn

import pytest

NEEDS = {
    "clients": "older wandb clients; SWEEPCNN_TEST_CLIENTS names their folder (see README.md)",
    "engine": "W&B's package `sweeps`; SWEEPCNN_TEST_CLIENTS names its folder, too",
    "postgresql": "PostgreSQL's server programs: `apt-get install postgresql`",
}
_PROMISED = set(filter(None, os.environ.get("SWEEPCNN_TEST_REQUIRE", "").split(",")))
if _PROMISED - NEEDS.keys():
    raise ValueError(f"SWEEPCNN_TEST_REQUIRE={','.join(_PROMISED)}: known are {', '.join(NEEDS)}")


def missing(need: str) -> NoReturn:
    """End a test for want of what it needs: skipped, or failed where that was promised."""
    end = pytest.fail if need in _PROMISED else pytest.skip
    end(f"needs {NEEDS[need]}")
