"""What the backend has an agent do."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Command:
    """What an agent is to do: start a run or go on with one, stop one, or leave."""

    type: Literal["run", "resume", "stop", "exit"]
    run_id: str | None = None
    program: str | None = None
    point: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the command in the client's notation."""
        match self.type:
            case "exit":
                return {"type": "exit"}
            case "stop":
                return {"type": "stop", "run_id": self.run_id}
            case "run" | "resume":
                args = {name: {"value": value} for name, value in (self.point or {}).items()}
                return {
                    "type": self.type,
                    "run_id": self.run_id,
                    "program": self.program,
                    "args": args,
                }
