"""A sweep whose runs are calls of a function; leaves its name in a file."""

import json
import sys
from pathlib import Path

import wandb

project = sys.argv[1]
space = {"x": {"values": [1, 2]}, "depth": {"value": 3}}
sweep = wandb.sweep({"method": "grid", "parameters": space}, project=project)


def train() -> None:
    """Log the point that was handed out."""
    with wandb.init() as run:
        run.log({"loss": run.config["x"] + run.config["depth"]})


wandb.agent(sweep, function=train, project=project)
Path("functions.json").write_text(json.dumps(sweep))
