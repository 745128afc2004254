"""A run without a server; leaves the name of the folder that `wandb sync` is to send."""

import json
import sys
from pathlib import Path

import wandb

with wandb.init(project=sys.argv[1], id="offline", mode="offline", config={"x": 7}) as run:
    for step in range(3):
        run.log({"loss": step, "val": {"accuracy": step / 4}})
    folder = str(Path(run.dir).parent)
Path("offline.json").write_text(json.dumps(folder))
