"""A function agent; at the first turn of one point the function raises."""

import sys
from pathlib import Path

import wandb

SWEEP, PROJECT, FAILS_AT = sys.argv[1], sys.argv[2], 1


def train() -> None:
    """Log the point that was handed out."""
    with wandb.init() as run:
        x = run.config["x"]
        run.log({"loss": x})
        if x == FAILS_AT and not Path("failed").exists():
            Path("failed").touch()
            raise RuntimeError("out of luck")


wandb.agent(SWEEP, function=train, project=PROJECT)
