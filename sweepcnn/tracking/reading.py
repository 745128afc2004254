"""Reading runs back through W&B's public API."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb
from requests import HTTPError, RequestException
from wandb.errors import AuthenticationError, CommError, UsageError

from sweepcnn.config import RunConfig
from sweepcnn.errors import InputError, Problem, WorkError
from sweepcnn.tracking.backend import check_backend
from sweepcnn.tracking.writing import CHECKPOINT

BEST_METRIC = "best_val_accuracy"
_USABLE = ("ok", "stopped", None)  # null: a run of another program, which sets no status
_ENDED = ("finished", "killed")


@dataclass(frozen=True)
class BestRun:
    """The winner of a sweep or a project."""

    run_id: str
    sweep_id: str | None
    metric: str
    value: float
    epoch: int | None
    config: dict[str, Any]
    url: str
    checkpoint: str | None
    """The artifact's name, or a local path once it is downloaded."""


def find_best(
    project: str, *, entity: str | None, sweep: str | None, metric: str | None
) -> BestRun:
    """Find the best run that finished or was stopped, by its best epoch; of equals the earlier.

    Args:
        project: the project's name.
        entity: its owner; null is the user's own.
        sweep: a sweep's id; null takes all runs of the project.
        metric: null is the sweep's own metric, else `best_val_accuracy`.

    Raises:
        InputError: the project or the sweep is unknown.
        WorkError: there is no run with that metric.
    """
    api = _connect()
    owner = entity or api.default_entity or ""
    known_goals = _goals(api, owner, project, sweep)
    name = metric or (next(iter(known_goals), BEST_METRIC) if sweep else BEST_METRIC)
    maximize = known_goals.get(name, "minimize" if "loss" in name else "maximize") == "maximize"
    filters: dict[str, Any] = {"state": {"$in": list(_ENDED)}}
    if sweep:
        filters["sweep"] = sweep
    runs = api.runs(f"{owner}/{project}", filters=filters, order="+created_at", lazy=False)
    sign = 1 if maximize else -1
    scored = [(run, *_best_epoch(run, name, sign)) for run in runs if _is_usable(run)]
    usable = [(run, value, epoch) for run, value, epoch in scored if value is not None]
    if not usable:
        what = f"sweep {sweep}" if sweep else f"project {owner}/{project}"
        rule = f"has no finished run with {name}"
        remedy = "wait for a run to finish, or name another --metric"
        raise WorkError(Problem(what, rule, remedy))
    run, value, epoch = max(usable, key=lambda found: sign * found[1])  # the first of equals
    return BestRun(
        run_id=run.id,
        sweep_id=run.sweep_name,
        metric=name,
        value=value,
        epoch=epoch,
        config=_run_config(run),
        url=run.url,
        checkpoint=_checkpoint(run),
    )


def download_checkpoint(name: str, folder: Path) -> Path:
    """Download a checkpoint's artifact into a folder and give the file's path.

    Raises:
        WorkError: the server does not give the file.
    """
    api = _connect()
    try:
        artifact = api.artifact(name, type="model")
        return Path(artifact.download(str(folder))) / CHECKPOINT
    except HTTPError as error:  # its text holds the file's address, which is a right to read it
        reason = f"the server answers {error.response.status_code}"
    except (CommError, RequestException, ValueError) as error:
        reason = type(error).__name__ if isinstance(error, RequestException) else str(error)
    rule = f"cannot be downloaded ({reason})"
    remedy = "leave --download out, or have `sweepcnn server doctor` look for lost files there"
    raise WorkError(Problem(f"checkpoint {name}", rule, remedy))


def download_pictures(run_path: str, folder: Path) -> list[Path]:
    """Download the pictures of a run (`entity/project/run`) and give their paths."""
    run = _connect().run(run_path)
    files = [file for file in run.files() if file.name.endswith(".png")]
    return [Path(file.download(str(folder), replace=True).name) for file in files]


def _connect() -> wandb.Api:
    """Log in to W&B, or to what WANDB_BASE_URL names.

    Raises:
        InputError: no API key is configured.
        WorkError: nobody answers there, or the key is refused.
    """
    check_backend()
    try:
        return wandb.Api()
    except AuthenticationError as error:
        where = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
        remedy = "check WANDB_BASE_URL and WANDB_API_KEY"
        raise WorkError(
            Problem(where, f"cannot be reached or refuses the key ({error})", remedy)
        ) from None
    except UsageError:
        remedy = "set WANDB_API_KEY, or run `wandb login`"
        raise InputError(Problem("W&B API key", "is not configured", remedy)) from None


def _goals(api: wandb.Api, owner: str, project: str, sweep: str | None) -> dict[str, str]:
    """Give the goals of the metrics of one sweep, or of all in a project."""
    try:
        if sweep:
            sweeps: Iterable[Any] = [api.sweep(f"{owner}/{project}/{sweep}")]
        else:
            sweeps = api.project(project, owner).sweeps()
        metrics = [found.config.get("metric") or {} for found in sweeps]
    except (CommError, ValueError) as error:
        raise InputError(_unknown(api, owner, project, sweep, str(error))) from None
    return {m["name"]: m.get("goal", "minimize") for m in metrics if "name" in m}


def _unknown(api: wandb.Api, owner: str, project: str, sweep: str | None, reason: str) -> Problem:
    """Say what is known in place of a project or a sweep that is not."""
    known = [found.name for found in api.projects(owner)]
    if sweep and project in known:
        sweeps = ", ".join(s.id for s in api.project(project, owner).sweeps()) or "none"
        remedy = f"known sweeps of {project}: {sweeps}"
        return Problem(f"{owner}/{project}/{sweep}", f"cannot be read ({reason})", remedy)
    remedy = f"known projects of {owner}: {', '.join(known) or 'none'}"
    return Problem(f"{owner}/{project}", f"cannot be read ({reason})", remedy)


def _is_usable(run: Any) -> bool:
    return run.summary.get("status") in _USABLE


def _best_epoch(run: Any, metric: str, sign: int) -> tuple[float | None, int | None]:
    """Give the best value of a metric in a run and its epoch: best, where the summary has last."""
    summary = run.summary
    if metric == BEST_METRIC:
        return _finite(summary.get(metric)), summary.get("best_epoch")
    found = run.scan_history(keys=["epoch", metric])
    rows = [row for row in found if _finite(row[metric]) is not None]
    if not rows:
        return _finite(summary.get(metric)), None
    best = max(rows, key=lambda row: sign * row[metric])
    return float(best[metric]), int(best["epoch"])


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _run_config(run: Any) -> dict[str, Any]:
    """Keep our own parameters; a run of another program has none of them, and keeps all.

    The dataset is the one that was read; the environment may have put it in place of the sweep's.
    """
    source = run.summary.get("dataset_source")
    config = dict(run.config) | ({"dataset": source} if source else {})
    ours = {key: config[key] for key in RunConfig.model_fields if key in config}
    return ours or config


def _checkpoint(run: Any) -> str | None:
    """Name the artifact of a run's best checkpoint."""
    for artifact in run.logged_artifacts():
        if artifact.type == "model" and "best" in artifact.aliases:
            return str(artifact.qualified_name)
    return None
