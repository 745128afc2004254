"""A function agent whose runs are those of the stub, all in one process."""

import runpy
import sys

import wandb

SWEEP, PROJECT = sys.argv[1], sys.argv[2]
wandb.agent(SWEEP, function=lambda: runpy.run_path("stub.py"), project=PROJECT)
