"""Writing one run to W&B."""

import netrc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wandb
from PIL import Image

from sweepcnn.tracking.backend import check_backend

DEFAULT_PROJECT = "sweepcnn"
CHECKPOINT = "best.pt"
"""The checkpoint's name in its artifact."""


class TrackedRun:
    """A run that is being written.

    Args:
        run: what `wandb.init` gave.
    """

    def __init__(self, run: wandb.Run) -> None:
        self._run = run
        # The step is the epoch: curves of runs compare epoch by epoch.
        run.define_metric("epoch", hidden=True)
        run.define_metric("*", step_metric="epoch")

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self._run.id)

    @property
    def url(self) -> str | None:
        """The run's page; null offline."""
        return self._run.url

    @property
    def folder(self) -> Path:
        """A local folder of this run that nobody else writes to and that is not uploaded."""
        folder = Path(self._run.settings.sync_dir) / "checkpoint"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep_values(self) -> dict[str, Any]:
        """Give the parameters that the sweep chose."""
        return {key: value for key, value in self._run.config.items() if key != "_wandb"}

    def set_config(self, values: Mapping[str, Any]) -> None:
        """Add what the sweep did not choose; its own values are left as they came."""
        chosen = self.sweep_values()
        self._run.config.update({k: v for k, v in values.items() if k not in chosen})

    def log_epoch(self, metrics: Mapping[str, float | int]) -> None:
        """Log the metrics of one epoch."""
        self._run.log(dict(metrics))

    def log_evaluation(
        self,
        pictures: Mapping[str, Image.Image],
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
    ) -> None:
        """Log pictures under their names and one table, as one step."""
        media: dict[str, Any] = {name: wandb.Image(picture) for name, picture in pictures.items()}
        media[table] = wandb.Table(columns=list(columns), data=[list(row) for row in rows])
        self._run.log(media)

    def set_summary(self, values: Mapping[str, Any]) -> None:
        """Set what is known of the run as a whole."""
        self._run.summary.update(dict(values))

    def save_checkpoint(self, path: Path, metadata: Mapping[str, Any]) -> None:
        """Upload the best checkpoint as an artifact with the aliases best and latest."""
        artifact = wandb.Artifact(f"model-{self.id}", type="model", metadata=dict(metadata))
        # No copy into wandb's cache: with hundreds of runs it would fill the disk.
        artifact.add_file(str(path), name=CHECKPOINT, policy="immutable", skip_cache=True)
        self._run.log_artifact(artifact, aliases=["best", "latest"])


def in_sweep() -> bool:
    """Tell whether an agent started this process; the run is then the one it was given."""
    return "WANDB_SWEEP_ID" in os.environ


@contextmanager
def tracked_run(name: str | None = None) -> Iterator[TrackedRun]:
    """Open a run: the one that `wandb agent` was given, or a new one.

    Outside a sweep and without an API key the run is written offline (to be sent by `wandb sync`),
    where W&B's client would ask on the terminal or fail. WANDB_MODE decides where it is set.

    Args:
        name: a display name; null takes W&B's.
    """
    asked_for = in_sweep() or os.environ.get("WANDB_MODE")
    mode = None if asked_for or _has_key() else "offline"
    if not asked_for and mode is None:
        check_backend()
    project = os.environ.get("WANDB_PROJECT", DEFAULT_PROJECT)
    run = wandb.init(
        project=None if in_sweep() else project,
        name=name,
        mode=mode,  # type: ignore[arg-type]  # the names of modes are W&B's
        settings=wandb.Settings(console="wrap"),
    )
    # Not `with run`: it would print a traceback of errors that we tell in a line.
    try:
        yield TrackedRun(run)
    except BaseException:
        run.finish(exit_code=1)
        raise
    run.finish()


def _has_key() -> bool:
    """Tell whether W&B's client will find an API key, where it looks for one."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    # From the client's settings, not the environment: `wandb login --host` keeps it in a file.
    server = urlsplit(wandb.setup().settings.base_url).netloc
    places = [os.environ.get("NETRC"), "~/.netrc", "~/_netrc"]
    for path in [Path(place).expanduser() for place in places if place]:
        if path.exists():
            try:
                return netrc.netrc(str(path)).authenticators(server) is not None
            except (OSError, netrc.NetrcParseError):
                return True  # the client will say what is wrong with it
    return False
