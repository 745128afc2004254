"""The private PostgreSQL server of the tests leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

from tests.postgresql import PostgreSQL
from tests.server.processes import wait_for

HOLD = """
from tests.postgresql import running_postgresql
with running_postgresql() as server:
    print(server.url("postgres").partition("host=")[2], flush=True)
    input()
"""


def test_it_ends_with_its_starter_even_if_that_is_killed(postgresql: PostgreSQL) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}").exists()
        holder.kill()
    wait_for(lambda: not folder.exists() and not Path(f"/proc/{pid}").exists())
