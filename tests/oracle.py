"""W&B's own search engine, asked what the keys of a sweep file mean."""

import json
import subprocess
import textwrap
from typing import Any

from tests.clients import installations
from tests.requirements import missing

_TIMEOUT_S = 300.0
_PROGRAM = """
import json, sys
import numpy as np

def answer(question):
{body}

def plain(value):  # numpy's scalars and arrays
    return value.tolist() if hasattr(value, "tolist") else str(value)

json.dump(answer(json.load(sys.stdin)), sys.stdout, default=plain)
"""


def ask(body: str, question: Any) -> Any:
    """Run the body of a Python function of `question` beside `sweeps`, and give its answer.

    Question and answer are JSON, with bare NaN and Infinity. The test is skipped where the engine
    is not installed.
    """
    python = installations.python(installations.ENGINE)
    if python is None:
        missing("engine")
    program = _PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    "))
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
