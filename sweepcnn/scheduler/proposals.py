"""Points prepared off the request path: no request waits long for a model, whatever it does."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler.questions import Question, SweepQuestions
from sweepcnn.search import Suggestion, Trial, needs_model

_log = logging.getLogger(__name__)

PATIENCE_S = 50.0
"""How long a sweep waits for its model, all in all, before it goes on with random points."""
MOST_WAITING = 8
"""How many threads wait for points at a time: the server has 40, for other work as well."""
_MOST_OF_A_SWEEP = 4
_REST = 10  # a model that was given up is left alone for so many times the time that it took
_OVERTAKEN = 3  # a sweep lets quicker ones go first for so many times the time that it takes
_GONE_AFTER_S = 30.0  # agents ask every 5 s
_MOST_SWEEPS = 256
_FORGET_AFTER_S = 600.0  # agents ask every 5 s: the sweep has ended, or its agents went


class Search(Protocol):
    """Where points come from. Thread-safe."""

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        """Give the next point, or null when none is left. TimeoutError: the model is given up."""

    def prepare(self) -> None:
        """Begin what a model needs before its first point; does not wait for it."""

    def close(self) -> None:
        """End what was begun; does not wait for a model that thinks."""


class NotReadyError(Exception):
    """The model has not answered yet; the agent asks again with its next heartbeat."""


class Proposals:
    """The next points of all sweeps. Thread-safe; all of it is in memory and can be lost.

    Points that need no model are computed when they are asked for. For the others a thread puts
    one question at a time to the search, and has a point ready for each agent that waits, else one
    for the next to come. It counts points as running that were proposed and not yet handed out.
    When new results arrive, what was proposed is thrown away, unless an agent has waited for it:
    results may arrive faster than the model thinks. Sweeps for which agents wait come first; among
    these a quick one may overtake a slow one, for three times as long as the slow one takes.

    Whatever the model does, agents get on, with random points whose origin says why.

    Args:
        search: what is asked.
        patience_s: how many seconds an agent is made to wait, over many heartbeats.
    """

    def __init__(self, search: Search, patience_s: float = PATIENCE_S) -> None:
        self._search = search
        self._patience_s = patience_s
        self._changed = threading.Condition()  # guards all that follows
        self._sweeps: dict[int, SweepQuestions] = {}
        self._seen_at: dict[int, float] = {}
        self._blocked: dict[int, int] = {}
        self._told: set[int] = set()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def take(self, question: Question, agent_id: int) -> Suggestion | None:
        """Give an agent a point, which nobody else will get; null when none is left.

        Does not wait for a model.

        Raises:
            NotReadyError: no point is ready; from now on the agent waits, see `wait`.
        """
        if not needs_model(question.config, question.trials):
            with self._changed:
                if question.sweep_id in self._sweeps:  # its file or its runs are others now
                    self._sweeps[question.sweep_id].served(agent_id)
            return self._search.propose(question.config, question.trials, question.seed)
        now = time.monotonic()
        with self._changed:
            sweep = self._ask(question, now)
            try:
                return sweep.take(agent_id)
            except LookupError:
                reason = sweep.reason_for_random(agent_id, now)
                if reason is None:
                    sweep.wait(agent_id, now)
                    raise NotReadyError from None
                sweep.served(agent_id)
            finally:
                self._changed.notify_all()
        return self._random(question, reason)

    def is_used_up(self, question: Question) -> bool:
        """Tell whether there is no further point, whoever asks; no model is needed for that."""
        config = question.config
        if config.method == "bayes":
            config = config.model_copy(update={"method": "random"})
        return self._search.propose(config, question.trials, question.seed) is None

    def wait(self, sweep_id: int, agent_id: int, wait_s: float) -> bool:
        """Let an agent that found nothing wait for a point, for `wait_s` seconds at most.

        Others need not wait: their question, which may be a newer one, has to be put first.

        Returns:
            Whether to ask now; else the agent shall with its next heartbeat.
        """
        with self._changed:
            sweep, now = self._sweeps.get(sweep_id), time.monotonic()
            if sweep is None:
                return True
            sweep.forget_silent(now - _GONE_AFTER_S)
            if not sweep.awaits(agent_id):
                return True
            sweep.wait(agent_id, now)
            own = self._blocked.get(sweep_id, 0)
            if own < _MOST_OF_A_SWEEP and sum(self._blocked.values()) < MOST_WAITING:
                self._blocked[sweep_id] = own + 1
                self._changed.wait_for(lambda: self._may_find(sweep), max(wait_s, 0))
                self._blocked[sweep_id] -= 1
                if not self._blocked[sweep_id]:
                    del self._blocked[sweep_id]
            now = time.monotonic()
            if self._is_closed:
                return False
            if sweep.has_something(now):
                return True
            return sweep.has_waited_enough(agent_id, now, self._patience_s)

    def prepare(self, question: Question) -> None:
        """Begin to look for the next point: a point was handed out, or results have come."""
        if needs_model(question.config, question.trials):
            with self._changed:
                self._ask(question, time.monotonic())
                self._changed.notify_all()

    def expect_model(self) -> None:
        """Begin to load what a model needs."""
        self._search.prepare()

    def close(self) -> None:
        """End the search, without waiting for what it is at."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._search.close()

    def _may_find(self, sweep: SweepQuestions) -> bool:
        return self._is_closed or sweep.has_something(time.monotonic())

    def _ask(self, question: Question, now: float) -> SweepQuestions:
        """Put a sweep's newest question."""
        sweep = self._sweeps.get(question.sweep_id)
        if sweep is None:
            self._forget(now)
            sweep = self._sweeps[question.sweep_id] = SweepQuestions(question, now)
        else:
            sweep.ask(question)
        self._seen_at[question.sweep_id] = now
        sweep.forget_silent(now - _GONE_AFTER_S)
        if self._thread is None and not self._is_closed:
            self._thread = threading.Thread(target=self._think, name="proposals", daemon=True)
            self._thread.start()
        return sweep

    def _forget(self, now: float) -> None:
        """Make room for one sweep more."""
        by_age = sorted(self._seen_at, key=lambda sweep_id: self._seen_at[sweep_id])
        surplus = len(by_age) - _MOST_SWEEPS + 1
        for number, sweep_id in enumerate(by_age):
            if number < surplus or now - self._seen_at[sweep_id] > _FORGET_AFTER_S:
                del self._sweeps[sweep_id], self._seen_at[sweep_id]
                self._told.discard(sweep_id)

    def _random(self, question: Question, reason: str) -> Suggestion | None:
        config = question.config.model_copy(update={"method": "random"})
        found = self._search.propose(config, question.trials, question.seed)
        return found and Suggestion(found.point, f"random: {reason}")

    def _most_urgent(self) -> SweepQuestions | None:
        now = time.monotonic()
        wanted = [sweep for sweep in self._sweeps.values() if sweep.wants_answer(now)]
        return min(wanted, key=_urgency, default=None)

    def _think(self) -> None:
        """Put the sweeps' questions to the search, one at a time, until the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._most_urgent() is not None)
                sweep = None if self._is_closed else self._most_urgent()
                if sweep is None:
                    return
                sweep.is_asked = True
                question = sweep.next_question()
            self._answer(sweep, question)

    def _answer(self, sweep: SweepQuestions, question: Question) -> None:
        """Put one question to the search and keep what comes of it."""
        began = time.monotonic()
        suggestion, reason, rest_s = None, None, 0.0
        try:
            suggestion = self._search.propose(question.config, question.trials, question.seed)
        except TimeoutError:
            taken_s = time.monotonic() - began
            reason, rest_s = f"the model gave no answer in {taken_s:.0f} s", _REST * taken_s
            self._tell(question, reason, f"it rests for {rest_s:.0f} s")
        except Exception as error:  # noqa: BLE001 - whatever it is, sweeps go on
            reason = "the model failed"
            self._tell(question, reason, str(error) or repr(error))
        now = time.monotonic()
        with self._changed:
            sweep.is_asked, sweep.cost_s = False, now - began
            if reason is None:
                sweep.answered(question, suggestion, now)
            else:
                sweep.failed(question, reason, now, rest_s)
            self._changed.notify_all()

    def _tell(self, question: Question, what: str, details: str) -> None:
        """Log a failure, once a sweep."""
        with self._changed:
            if self._is_closed or question.sweep_id in self._told:
                return
            self._told.add(question.sweep_id)
        name = question.name
        _log.error("sweep %s: %s; its points are random meanwhile: %s", name, what, details)


def _urgency(sweep: SweepQuestions) -> tuple[bool, float]:
    return not sweep.is_awaited, sweep.answered_at + _OVERTAKEN * sweep.cost_s
