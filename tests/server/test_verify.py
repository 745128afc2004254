"""`wandb verify`, the client's own check of a server."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.each_database

_TIMEOUT_S = 240.0
# Those that ask for HTTPS, which a proxy in front of the server speaks.
_NEED_SSL = ["Checking requests to base url", "Checking requests made over signed URLs"]


def test_every_check_passes_but_those_of_ssl(client_env: dict[str, str]) -> None:
    command = [sys.executable, "-m", "wandb", "verify", "--host", client_env["WANDB_BASE_URL"]]
    done = subprocess.run(
        command, env=client_env, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    checks = re.findall(r"^(Checking .*?)\.*(✅|❌)$", done.stdout, re.MULTILINE)
    assert len(checks) == 10, done.stdout + done.stderr
    assert [check for check, mark in checks if mark != "✅"] == _NEED_SSL, done.stdout
