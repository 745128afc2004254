"""What a test needs and a machine lacks is skipped, unless it was promised."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEST = """
from tests.requirements import missing

def test_needing():
    missing("clients")
"""


@pytest.mark.parametrize(
    ("promised", "told"),
    [("", "1 skipped"), ("clients", "1 failed"), ("clients,x", "known are")],
)
def test_a_promise_turns_a_skip_into_a_failure(tmp_path: Path, promised: str, told: str) -> None:
    (tmp_path / "test_needing.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    ended = subprocess.run(
        [*command, "test_needing.py"],
        cwd=tmp_path,
        env={"SWEEPCNN_TEST_REQUIRE": promised, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told in ended.stdout
    assert (ended.returncode == 0) == (promised == "")
