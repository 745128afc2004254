"""The one process that may load Optuna and torch on the backend's behalf."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from sweepcnn.config import SweepConfig
from sweepcnn.search.suggest import needs_model, suggest
from sweepcnn.search.trial import Suggestion, Trial

T = TypeVar("T")

_TIMEOUT_S = 50.0  # the client waits 60 s for the answer to a heartbeat


class SearchWorker:
    """Answers `propose` from the calling thread, or from a spawned process where a model is due.

    Thread-safe. The process starts with the first need and again after it died.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        """Do as `suggest`.

        Raises:
            TimeoutError: the process gave no answer in time; the caller may ask again.
        """
        if not needs_model(config, trials):
            return suggest(config, trials, seed)
        try:
            return self._ask(config, trials, seed)
        except BrokenProcessPool:  # the process was killed while it thought
            return self._ask(config, trials, seed)

    def prepare(self) -> None:
        """Begin to load the libraries, so that the first suggestion need not wait for them."""
        self._submit(_load)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        future = self._submit(suggest, config, trials, seed)
        try:
            return future.result(_TIMEOUT_S)
        except TimeoutError:
            future.cancel()  # one that has not begun would only make the next wait longer
            raise

    def _submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Hand work to the process, to a new one if there is none that lives."""
        with self._lock:
            if self._pool is not None:
                try:
                    return self._pool.submit(function, *arguments)
                except BrokenProcessPool:
                    pass
            # spawn: a fork would copy the server's threads' locks in whatever state they are
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
            return self._pool.submit(function, *arguments)


def _begin() -> None:
    # The fits are small: more threads than one cost more than they give (Optuna's GPSampler docs).
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the server is gone, killed even; its queue alone would not tell."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)


def _load() -> None:
    import optuna  # noqa: F401
    import torch  # noqa: F401  (Optuna's Gaussian process loads it with its first fit)
