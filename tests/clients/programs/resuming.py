"""A run in three parts, and two that the client must refuse; leaves a file."""

import json
import sys
from pathlib import Path
from typing import Literal

import wandb

project = sys.argv[1]
Resume = Literal["allow", "must", "never"]


def part(resume: Resume, name: str, first: int) -> list[int]:
    """Log two steps; give where the run began, and where it went on."""
    with wandb.init(project=project, id=name, resume=resume, config={resume: first}) as run:
        started = run.starting_step
        for step in range(2):
            run.log({"count": first + step})
        return [started, run.step]


def refused(resume: Resume, name: str) -> str:
    """Give the error of a run that may not start so."""
    try:
        part(resume, name, 0)
    except wandb.Error as error:
        return str(error)
    return ""


found = {"steps": [part("allow", "again", 0), part("allow", "again", 2), part("must", "again", 4)]}
refusals = {"must": refused("must", "missing"), "never": refused("never", "again")}
Path("resuming.json").write_text(json.dumps(found | refusals))
