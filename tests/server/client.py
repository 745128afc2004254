"""Programs of a user of the unmodified wandb client, in processes of their own."""

import json
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT_S = 150.0


@dataclass(frozen=True)
class Client:
    """Starts programs of a user, whose files all lie in a folder."""

    env: dict[str, str]
    folder: Path
    python: str = sys.executable

    def script(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return path

    def start(self, *words: str | Path, env: dict[str, str] | None = None) -> "Process":
        log = self.folder / f"{len(list(self.folder.glob('*.out')))}.out"
        with log.open("w") as output:
            process = subprocess.Popen(
                [self.python, *map(str, words)],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.env | (env or {}),
            )
        return Process(process, log)

    def facts(self, name: str, text: str, *words: str) -> Any:
        """Run a script and give the JSON of its last line."""
        output = self.start(self.script(name, text), *words).ended()
        return json.loads(output.strip().splitlines()[-1])

    def sweep(self, file: Path, *words: str) -> str:
        """Create a sweep by `wandb sweep` and give its path."""
        output = self.start("-m", "wandb", "sweep", *words, file).ended()
        found = re.search(r"wandb agent (\S+/\S+/\w+)", output)
        assert found, output
        return found[1]


@dataclass(frozen=True)
class Process:
    """A program that was started."""

    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> str:
        """Wait for a good end and give what was printed."""
        code, output = self.outcome()
        assert code == 0, output
        return output

    def outcome(self) -> tuple[int, str]:
        """Wait for the end; give the exit status and what was printed."""
        try:
            code = self.process.wait(_TIMEOUT_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        return code, self.log.read_text()
