"""A sweep that learns from a run and is led through its states; leaves what each command made."""

import json
import sys
from pathlib import Path

import wandb
from wandb.cli.cli import cli

project = sys.argv[1]
with wandb.init(project=project, id="before", config={"x": 1}) as run:
    run.log({"loss": 1})
config = {
    "method": "grid",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"values": [1, 2]}},
}
sweep = wandb.sweep(config, project=project, prior_runs=["before"])
path = f"{run.entity}/{project}/{sweep}"
states = []
for word in ("--resume", "--pause", "--resume", "--stop", "--resume", "--cancel"):
    cli(["sweep", word, path], standalone_mode=False)
    states.append(wandb.Api().sweep(path).state)
Path("commanding.json").write_text(json.dumps({"sweep": sweep, "states": states}))
