"""A training of no network, which hangs in its middle where a file says so, and only once."""

import os
import time
from pathlib import Path

import wandb

STEPS = 3

with wandb.init() as run:
    x = run.config["x"]
    for step in range(STEPS):
        run.log({"loss": (x - 2) ** 2 + 1 / (step + 1)})
        if step == 1 and Path(f"hold-{x}").exists():
            Path(f"hold-{x}").write_text(str(os.getpid()))
            Path(f"hold-{x}").rename(f"held-{x}")
            time.sleep(600)
