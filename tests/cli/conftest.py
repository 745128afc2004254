from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sweepcnn.cli import main


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def sweepcnn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run a command line in this process."""

    def call(*words: str) -> Result:
        monkeypatch.setattr("sys.argv", ["sweepcnn", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        captured = capsys.readouterr()
        return Result(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call
