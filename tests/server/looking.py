"""How a script of the tests tells what a run looks like to the public API."""

LOOK = """
import json, math, os, sys, time, wandb
from pathlib import Path

def look(path):
    run = wandb.Api().run(path)
    return {"state": run.state, "config": run.config, "tags": run.tags, "name": run.name,
            "steps": [row["_step"] for row in run.scan_history()],
            "last": run.lastHistoryStep, "loss": run.summary.get("loss"),
            "summary_step": run.summary.get("_step"),
            "console": [line.content for line in run.console_logs()],
            "artifacts": sorted(a.name for a in run.logged_artifacts()),
            "files": sorted(file.name for file in run.files())}
"""
