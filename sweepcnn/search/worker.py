"""The one process that may load Optuna and torch on the backend's behalf."""

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from sweepcnn.config import SweepConfig
from sweepcnn.search.suggest import needs_model, suggest
from sweepcnn.search.trial import Suggestion, Trial

TIMEOUT_S = 50.0
"""How long the model may think about one point, the loading of its libraries counted in."""


class ModelError(Exception):
    """The model gave no answer and would give none if it were asked the same again."""


@dataclass(frozen=True)
class _Process:
    """The process, and our end of the pipe to it."""

    process: SpawnProcess
    pipe: Connection

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


@dataclass(frozen=True)
class _Raised:
    """What the process sends when the search raised."""

    text: str


class SearchWorker:
    """Answers `propose` from the calling thread, or from a spawned process where a model is due.

    Thread-safe. The process starts with the first need and again after it died or was given up.

    Args:
        timeout_s: after how many seconds an answer of the process is given up, and the process
            with it.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._turn = threading.Lock()  # one question at a time
        self._lock = threading.Lock()  # of what follows
        self._process: _Process | None = None
        self._is_closed = False

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        """Do as `suggest`.

        Raises:
            TimeoutError: the process gave no answer in time; it was ended.
            ModelError: the search raised in the process, or the process died twice over this.
        """
        if not needs_model(config, trials):
            return suggest(config, trials, seed)
        with self._turn:
            for _ in range(2):  # a process may have died of something else, long ago even
                with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
                    return self._ask(config, trials, seed)
        raise ModelError("its process died twice")

    def prepare(self) -> None:
        """Begin to load the libraries, so that the first suggestion need not wait for them."""
        with contextlib.suppress(ModelError):
            self._living()

    def close(self) -> None:
        """End the process, whatever it is at; who waits for its answer gets a ModelError."""
        with self._lock:
            self._is_closed = True
            if self._process:
                self._process.kill()

    def _ask(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        asked = self._living()
        given_up = threading.Event()

        def give_up() -> None:
            given_up.set()
            asked.process.kill()

        # It watches the sending, too: a process that hangs leaves a full pipe full.
        watch = threading.Timer(self._timeout_s, give_up)
        watch.daemon = True
        watch.start()
        try:
            asked.pipe.send((config, trials, seed))
            answer: Suggestion | _Raised | None = asked.pipe.recv()
        except (OSError, EOFError):
            asked.process.join()
            with self._lock:
                self._process = None
            if given_up.is_set():
                raise TimeoutError(f"no answer in {self._timeout_s:g} s") from None
            raise
        finally:
            watch.cancel()
        if isinstance(answer, _Raised):
            raise ModelError(answer.text)
        return answer

    def _living(self) -> _Process:
        """Give the process, a new one if there is none that lives."""
        with self._lock:
            if self._is_closed:
                raise ModelError("the search was ended")
            if self._process is None or not self._process.process.is_alive():
                self._process = _started()
            return self._process


def _started() -> _Process:
    # spawn: a fork would copy the server's threads' locks in whatever state they are
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_answer, args=(its,), name="search", daemon=True)
    process.start()
    its.close()  # so that the end of the process is the end of what can be read
    return _Process(process, ours)


def _answer(pipe: Connection) -> None:
    """Answer questions until the other end is closed."""
    # The fits are small: more threads than one cost more than they give (Optuna's GPSampler docs).
    os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(ImportError):  # the first question is told of it
        _load()
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        answer: Suggestion | _Raised | None
        try:
            answer = suggest(*question)
        except Exception:  # noqa: BLE001 - a fault of ours must not end the sweeps of others
            answer = _Raised(traceback.format_exc())
        pipe.send(answer)


def _end_with_parent() -> None:
    """End this process when the server is gone, killed even, and while it thinks."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)


def _load() -> None:
    import optuna  # noqa: F401
    import torch  # noqa: F401  (Optuna's Gaussian process loads it with its first fit)
