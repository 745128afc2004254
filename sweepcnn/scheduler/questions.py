"""What a sweep asks its model, and what was answered to it so far. No threads here, and no clock.

All times are seconds of one monotonic clock.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, point_key
from sweepcnn.search.points import Point

_ONE_HEARTBEAT_S = 4.0  # agents ask every 5 s


@dataclass(frozen=True)
class Question:
    """The next point of a sweep, after what came of those so far.

    `name` is the sweep's, for people.
    """

    sweep_id: int
    name: str
    config: SweepConfig
    trials: Sequence[Trial]
    seed: int

    def with_running(self, points: Sequence[Point]) -> "Question":
        """Give the same question after further points were handed out."""
        return replace(self, trials=[*self.trials, *(Trial(point, "running") for point in points)])

    @cached_property
    def results(self) -> tuple[tuple[object, ...], ...]:
        """What has come of the points that have ended; new results make old answers stale."""
        ended = enumerate(self.trials)
        return tuple((n, t.state, t.value) for n, t in ended if t.state != "running")

    def asks_alike(self, other: "Question") -> bool:
        """Tell whether the sweep's file is the same as in another question."""
        return self.seed == other.seed and self.config == other.config

    def has(self, point: Point) -> bool:
        """Tell whether a point was handed out."""
        # A key takes 100 times as long as a comparison, which alone takes true for 1.
        alike = [trial.point for trial in self.trials if trial.point == point]
        return any(point_key(other) == point_key(point) for other in alike)


@dataclass(frozen=True)
class _Answer:
    """A point that nobody has yet, null where none is left, and the question that it answers."""

    suggestion: Suggestion | None
    question: Question


@dataclass(frozen=True)
class _Failure:
    """Why the model gave no answer to a question, and until when it is not asked again."""

    reason: str
    question: Question
    until: float


@dataclass
class _Wait:
    """An agent that has found nothing: since when, and how many answers there had been by then.

    `asked_at` is when it last asked: it may have gone, or have been given another kind of point.
    """

    since: float
    asked_at: float
    answers: int
    is_due: bool = False
    """Whether it was made to wait for long enough."""


@dataclass
class SweepQuestions:
    """The newest question of a sweep, its answers, and the agents that wait for one."""

    question: Question
    answered_at: float
    """When the model was last done with a question; of a new sweep, when it came."""
    is_asked: bool = False
    """Whether the model is thinking about it."""
    cost_s: float = 0.0
    """How long the last answer took."""
    _ready: deque[_Answer] = field(default_factory=deque)
    _waiting: dict[int, _Wait] = field(default_factory=dict)
    _answers: int = 0
    _failure: _Failure | None = None

    def ask(self, question: Question) -> None:
        """Put a newer question; throws away answers that are of no use to it."""
        self.question = question
        owed = len(self._waiting)
        kept: deque[_Answer] = deque()
        for answer in self._ready:
            is_fresh = answer.question.results == question.results
            if self._is_possible(answer) and (is_fresh or len(kept) < owed):
                kept.append(answer)
        self._ready = kept
        if self._failure and not self._failure.question.asks_alike(question):
            self._failure = None

    def take(self, agent_id: int) -> Suggestion | None:
        """Reserve an answer for an agent.

        Raises:
            LookupError: there is none.
        """
        if not self._ready:
            raise LookupError
        if self._ready[0].suggestion is None:  # that none is left is an answer to everybody
            self._waiting.pop(agent_id, None)
            return None
        suggestion = self._ready.popleft().suggestion
        assert suggestion is not None
        self._waiting.pop(agent_id, None)
        self.question = self.question.with_running([suggestion.point])
        return suggestion

    def reason_for_random(self, agent_id: int, now: float) -> str | None:
        """Tell why an agent that finds nothing is to get a random point; null: it is to wait."""
        if self._has_failed(now):
            assert self._failure is not None
            return self._failure.reason
        wait = self._waiting.get(agent_id)
        if wait is None or not wait.is_due:
            return None
        if self._failure:  # to an older question; newer ones come faster than it fails
            return self._failure.reason
        if wait.answers < self._answers:
            return "the model's points went to other agents"
        return f"the model gave no answer in {now - wait.since:.0f} s"

    def wait(self, agent_id: int, now: float) -> None:
        """Note that an agent has asked and found nothing."""
        self._waiting.setdefault(agent_id, _Wait(now, now, self._answers)).asked_at = now

    def awaits(self, agent_id: int) -> bool:
        """Tell whether an agent has found nothing and waits."""
        return agent_id in self._waiting

    def served(self, agent_id: int) -> None:
        """Note that an agent has got a point from elsewhere."""
        self._waiting.pop(agent_id, None)

    def has_waited_enough(self, agent_id: int, now: float, patience_s: float) -> bool:
        """Tell, at the end of an agent's heartbeat, whether it shall get a point all the same.

        It shall at its second one, if the model has answered since its first, and after
        `patience_s` if the model has not.
        """
        wait = self._waiting.get(agent_id)
        if wait is None:
            return False
        least = _ONE_HEARTBEAT_S if wait.answers < self._answers else patience_s
        wait.is_due = now - wait.since >= least
        return wait.is_due

    def has_something(self, now: float) -> bool:
        """Tell whether an agent would find an answer, or why there is none."""
        return bool(self._ready) or self._has_failed(now)

    def wants_answer(self, now: float) -> bool:
        """Tell whether the model is to be asked: for each who waits, or for the next to come."""
        if self.is_asked or self._has_failed(now):
            return False
        if any(answer.suggestion is None for answer in self._ready):
            return False
        return len(self._ready) < max(1, len(self._waiting))

    @property
    def is_awaited(self) -> bool:
        """Whether an agent waits for an answer."""
        return bool(self._waiting)

    def next_question(self) -> Question:
        """Give what to ask: points that were answered and not yet taken count as running."""
        points = [answer.suggestion.point for answer in self._ready if answer.suggestion]
        return self.question.with_running(points) if points else self.question

    def answered(self, question: Question, suggestion: Suggestion | None, now: float) -> None:
        """Keep an answer, unless it is of no use any more."""
        self._failure = None
        self._answers += 1
        self.answered_at = now
        if suggestion and question.has(suggestion.point):
            self._failure = _Failure("the model repeated itself", question, now)
            return
        answer = _Answer(suggestion, question)
        is_fresh = question.results == self.question.results
        if self._is_possible(answer) and (is_fresh or self._waiting):
            self._ready.append(answer)

    def failed(self, question: Question, reason: str, now: float, rest_s: float = 0.0) -> None:
        """Note that the model gave no answer.

        The same question is not put again, nor is another one within `rest_s`.
        """
        self._answers += 1
        self.answered_at = now
        self._failure = _Failure(reason, question, now + rest_s)

    def forget_silent(self, before: float) -> None:
        """Forget agents that have not asked since a time: they wait no more."""
        self._waiting = {a: wait for a, wait in self._waiting.items() if wait.asked_at >= before}

    def _has_failed(self, now: float) -> bool:
        """Tell whether the model has failed and is not to be asked yet."""
        failure = self._failure
        if failure is None:
            return False
        return now < failure.until or failure.question.results == self.question.results

    def _is_possible(self, answer: _Answer) -> bool:
        """Tell whether an answer, stale or not, is one to the newest question."""
        if not answer.question.asks_alike(self.question):
            return False
        if answer.suggestion is None:
            return len(answer.question.trials) == len(self.question.trials)
        return not self.question.has(answer.suggestion.point)
