"""A training that goes on where it was; its machine is taken from it after the second step."""

import sys

import wandb

STEPS = 4

with wandb.init(resume="allow") as run:
    run.mark_preempting()
    first = run.starting_step
    for step in range(first, STEPS):
        run.log({"loss": run.config["x"] / (step + 1), "first": first})
        if first == 0 and step == 1 and run.config["x"] == 1:
            sys.exit(1)
