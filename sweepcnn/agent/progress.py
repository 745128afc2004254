"""Progress on the terminal: bars where somebody looks, a line an epoch where a log is kept."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sweepcnn.training import EpochReport


class TrainingProgress:
    """Shows decoding and epochs on stderr. Use as a context manager."""

    def __init__(self, epochs: int) -> None:
        self._console = Console(stderr=True)
        self._epochs = epochs
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._decoding = self._bars.add_task("reading images", visible=False, note="")
        self._epoch = self._bars.add_task("epochs", total=epochs, visible=False, note="")
        self._step = self._bars.add_task("steps", visible=False, note="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def decoded(self, done: int, total: int) -> None:
        """Show how many images were read."""
        self._bars.update(self._decoding, completed=done, total=total, visible=done < total)

    def step(self, number: int, total: int) -> None:
        """Show the step within the epoch."""
        self._bars.update(self._step, completed=number, total=total, visible=True)

    def epoch(self, report: EpochReport) -> None:
        """Show a finished epoch."""
        text = (
            f"train {report.train_accuracy:.3f}, val {report.val_accuracy:.3f},"
            f" best {report.best_val_accuracy:.3f} (epoch {report.best_epoch})"
        )
        self._bars.update(self._epoch, completed=report.epoch, visible=True, note=text)
        if self._bars.disable:
            self._console.print(
                f"epoch {report.epoch}/{self._epochs}: {text},"
                f" {report.epoch_seconds:.1f} s, {report.images_per_second:.0f} images/s",
                soft_wrap=True,
                highlight=False,
            )
