"""Logs runs by W&B's client, without torch: `python -m tests.tracking.writer < runs.json`.

Says the sweeps' ids on stdout when all is written, and holds the runs that are to stay running
open until stdin ends.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import wandb


def write(spec: dict[str, Any], sweeps: dict[str, str]) -> wandb.Run:
    """Log one run; it is still open."""
    sweep_id = sweeps[spec["sweep"]] if "sweep" in spec else None
    run = wandb.init(
        project=spec["project"],
        id=spec["id"],
        config=spec.get("config", {}),
        settings=wandb.Settings(console="off", silent=True, sweep_id=sweep_id),
    )
    run.define_metric("*", step_metric="epoch")
    for row in spec.get("rows", []):
        run.log(row)
    run.summary.update(spec.get("summary", {}))
    if "checkpoint" in spec:
        path = Path(f"{spec['id']}.pt")
        path.write_text(spec["checkpoint"])
        artifact = wandb.Artifact(f"model-{spec['id']}", type="model")
        artifact.add_file(str(path), name="best.pt")
        run.log_artifact(artifact, aliases=["best", "latest"])
    return run


def main() -> None:
    """Write all runs."""
    task = json.loads(sys.stdin.readline())
    with contextlib.redirect_stdout(sys.stderr):  # the client's own words
        api = wandb.Api()
        for project in task["projects"]:
            api.create_project(project, api.default_entity or "")
        sweeps = {name: wandb.sweep(**sweep) for name, sweep in task["sweeps"].items()}
        for spec in task["runs"]:
            write(spec, sweeps).finish(spec.get("exit_code", 0))
        held = [write(spec, sweeps) for spec in task["held"]]
    print(json.dumps(sweeps), flush=True)
    sys.stdin.read()
    for run in held:
        run.finish()


if __name__ == "__main__":
    main()
