"""Points prepared off the request path, with a model that thinks for as long as a test lets it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler import proposals as proposals_module
from sweepcnn.scheduler.proposals import MOST_WAITING, NotReadyError, Proposals
from sweepcnn.scheduler.questions import Question
from sweepcnn.search import Suggestion, Trial, needs_model, suggest
from tests.scheduler.asking import CONFIG, finished, question
from tests.server.processes import wait_for

LONG_S = 30.0


class Model:
    """Answers `bayes: N` to its question number N, when it is let; other points at once."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Trial]] = []
        self.answer: Callable[[Sequence[Trial]], Suggestion | None] = self._next
        self.is_closed = False
        self._let = threading.Semaphore(0)
        self._began = threading.Semaphore(0)

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        if not needs_model(config, trials):
            return suggest(config, trials, seed)
        self.asked.append(trials)
        self._began.release()
        assert self._let.acquire(timeout=LONG_S)
        return self.answer(trials)

    def _next(self, trials: Sequence[Trial]) -> Suggestion | None:
        number = len(self.asked)
        return Suggestion({"x": 0.5 + number / 1000, "kind": "b"}, f"bayes: {number}")

    def prepare(self) -> None:
        """Nothing has to be loaded."""

    def close(self) -> None:
        self.is_closed = True
        self.let(1000)

    def let(self, answers: int = 1) -> None:
        self._let.release(answers)

    def await_question(self) -> None:
        assert self._began.acquire(timeout=LONG_S), "the model is not asked"

    @property
    def is_idle(self) -> bool:
        return not self._began.acquire(timeout=0.2)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def proposals(model: Model) -> Iterator[Proposals]:
    found = Proposals(model)
    yield found
    found.close()


def taken(proposals: Proposals, asked: Question, agent: int = 1) -> Suggestion:
    """Take a point, waiting for it if need be."""
    until = time.monotonic() + LONG_S
    while time.monotonic() < until:
        try:
            found = proposals.take(asked, agent)
        except NotReadyError:
            proposals.wait(asked.sweep_id, agent, 1.0)
        else:
            assert found is not None
            return found
    raise AssertionError("no point came")


def is_ready(proposals: Proposals, asked: Question, agent: int = 1) -> bool:
    try:
        proposals.take(asked, agent)
    except NotReadyError:
        return False
    return True


def await_answer(proposals: Proposals, sweep: int = 1) -> None:
    """Wait until the thread has kept the model's answer, without an agent that waits for it."""
    questions = proposals._sweeps[sweep]
    wait_for(lambda: not questions.is_asked and questions.has_something(time.monotonic()))


def running(trials: Sequence[Trial]) -> list[Any]:
    return [trial.point["x"] for trial in trials if trial.state == "running"]


def test_points_that_need_no_model_are_given_at_once(proposals: Proposals, model: Model) -> None:
    for method, count in (("random", 30), ("grid", 30), ("bayes", 2)):
        parameters = {"x": {"min": 1, "max": 100}}
        config = SweepConfig(method=method, metric=CONFIG.metric, parameters=parameters)
        trials = [Trial({"x": n + 1}, "finished", 0.0) for n in range(count)]
        found = proposals.take(Question(1, "s", config, trials, 7), 1)
        assert found == suggest(config, trials, 7)
    assert model.asked == []


def test_an_agent_of_a_sweep_that_needs_its_model_no_more_need_not_wait(
    proposals: Proposals, model: Model
) -> None:
    assert not is_ready(proposals, question())
    assert not proposals.wait(1, 1, 0.0)
    assert is_ready(proposals, question(2)), "all runs but two were deleted"
    assert proposals.wait(1, 1, 0.0)


def test_an_agent_that_was_busy_elsewhere_meanwhile_starts_to_wait_anew(
    proposals: Proposals, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_ready(proposals, question())
    assert not proposals.wait(1, 1, 0.0)
    monkeypatch.setattr(proposals_module, "_GONE_AFTER_S", -1.0)  # as if it were long ago
    assert proposals.wait(1, 1, 0.0), "its question has to be put first"


def test_whether_a_space_is_used_up_is_told_without_the_model(
    proposals: Proposals, model: Model
) -> None:
    parameters = {"x": {"min": 1, "max": 30}}
    config = SweepConfig(method="bayes", metric=CONFIG.metric, parameters=parameters)
    trials = [Trial({"x": n + 1}, "finished", 0.0) for n in range(30)]
    assert proposals.is_used_up(Question(1, "s", config, trials, 0))
    assert not proposals.is_used_up(Question(1, "s", config, trials[:29], 0))
    assert model.asked == []


def test_a_heartbeat_does_not_wait_longer_than_it_is_told_to(
    proposals: Proposals, model: Model
) -> None:
    with pytest.raises(NotReadyError):
        proposals.take(question(), 1)
    assert not proposals.wait(1, 1, 0.05), "the model thinks, and will for ever"
    model.let()
    assert taken(proposals, question()).origin == "bayes: 1"


def test_the_next_point_is_prepared_with_the_one_before_as_running(
    proposals: Proposals, model: Model
) -> None:
    model.let(1)
    first = taken(proposals, question())
    model.await_question()
    model.await_question()
    assert running(model.asked[1]) == [first.point["x"]]
    model.let(1)
    second = taken(proposals, question(30, first.point))
    assert (first.origin, second.origin) == ("bayes: 1", "bayes: 2")


def test_a_run_that_ended_has_the_next_point_prepared(proposals: Proposals, model: Model) -> None:
    proposals.prepare(question())
    model.let()
    model.await_question()
    await_answer(proposals)
    assert is_ready(proposals, question())


def test_what_was_made_of_older_results_is_thrown_away(proposals: Proposals, model: Model) -> None:
    proposals.prepare(question(30))
    model.let(1)
    await_answer(proposals)
    assert not is_ready(proposals, question(31))
    model.let(1)
    assert taken(proposals, question(31)).origin == "bayes: 2"
    assert len(model.asked[1]) == 31


def test_what_is_still_thought_about_older_results_is_thrown_away(
    proposals: Proposals, model: Model
) -> None:
    proposals.prepare(question(30))
    model.await_question()
    proposals.prepare(question(31))
    model.let(2)
    model.await_question()
    assert taken(proposals, question(31)).origin == "bayes: 2"


def test_what_an_agent_has_waited_for_is_given_though_results_come_faster_than_answers(
    proposals: Proposals, model: Model
) -> None:
    assert not is_ready(proposals, question(30), agent=1)
    model.await_question()
    proposals.prepare(question(31))
    model.let(1)
    assert proposals.wait(1, 1, LONG_S)
    proposals.prepare(question(32))
    found = proposals.take(question(33), 1)
    assert found is not None
    assert found.origin == "bayes: 1"
    model.await_question()
    assert len(model.asked[1]) > 30, "the next one knows what has come since"


def test_nothing_is_given_that_was_handed_out_meanwhile(proposals: Proposals, model: Model) -> None:
    assert not is_ready(proposals, question())
    model.let(1)
    assert proposals.wait(1, 1, LONG_S)
    elsewhere = {"x": 0.501, "kind": "b"}
    assert not is_ready(proposals, question(30, elsewhere))
    model.let(1)
    assert taken(proposals, question(30, elsewhere)).origin == "bayes: 2"


def test_nothing_is_given_that_was_made_for_another_file(
    proposals: Proposals, model: Model
) -> None:
    assert not is_ready(proposals, question())
    model.let(1)
    assert proposals.wait(1, 1, LONG_S)
    narrower = CONFIG.model_copy(update={"run_cap": 50})
    changed = Question(1, "s", narrower, finished(30), 0)
    assert not is_ready(proposals, changed)


def test_there_is_a_point_for_each_agent_that_waits_each_knowing_the_others(
    proposals: Proposals, model: Model
) -> None:
    for agent in (1, 2, 3):
        assert not is_ready(proposals, question(), agent)
    model.let(3)
    for _ in range(3):
        model.await_question()
    assert proposals.wait(1, 1, LONG_S)
    assert proposals.wait(1, 4, 0.0), "one who has not asked need not wait"
    assert [len(running(trials)) for trials in model.asked] == [0, 1, 2]
    given: list[Any] = []
    while len(given) < 3:
        asked = question(30, *given)
        given.append(taken(proposals, asked, len(given) + 1).point)
    assert len({point["x"] for point in given}) == 3


def test_an_exhausted_space_is_told_to_all_until_something_changes(
    proposals: Proposals, model: Model
) -> None:
    model.answer = lambda trials: None
    assert not is_ready(proposals, question(), 1)
    model.await_question()
    model.let(1)
    assert proposals.wait(1, 1, LONG_S)
    assert proposals.take(question(), 1) is None
    assert proposals.take(question(), 2) is None
    assert model.is_idle
    assert not is_ready(proposals, question(29), 1), "a run was deleted"
    model.await_question()


def test_a_model_that_raises_is_logged_once_and_points_are_random_meanwhile(
    proposals: Proposals, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Sequence[Trial]) -> Suggestion | None:
        raise ValueError("no root")

    works, model.answer = model.answer, fail
    model.let(2)
    given: list[Any] = []
    with caplog.at_level(logging.ERROR, "sweepcnn"):
        for _ in range(3):
            found = taken(proposals, question(30, *given))
            assert found.origin == "random: the model failed"
            given.append(found.point)
        assert taken(proposals, question(31)).origin == "random: the model failed"
    assert len(model.asked) == 2, "it is asked again when there are new results"
    assert len({point["x"] for point in given}) == 3
    (record,) = caplog.records
    assert record.getMessage().startswith("sweep sweep-1: the model failed; its points are random")
    assert "no root" in record.getMessage()
    model.answer = works
    model.let(1)
    assert taken(proposals, question(32)).origin == "bayes: 3"


def test_a_model_that_is_given_up_rests_and_points_are_random_meanwhile(
    proposals: Proposals, model: Model
) -> None:
    def hang(_: Sequence[Trial]) -> Suggestion | None:
        time.sleep(0.1)
        raise TimeoutError

    model.answer = hang
    model.let(1)
    first = taken(proposals, question(30))
    assert first.origin.startswith("random: the model gave no answer in ")
    second = proposals.take(question(31), 2)
    assert second is not None
    assert second.origin == first.origin
    assert len(model.asked) == 1


def test_a_model_that_repeats_itself_is_not_asked_the_same_again(
    proposals: Proposals, model: Model
) -> None:
    model.answer = lambda trials: Suggestion(dict(trials[3].point), "bayes: again")
    model.let(1)
    assert taken(proposals, question()).origin == "random: the model repeated itself"
    assert len(model.asked) == 1


def test_an_agent_goes_on_at_random_when_the_model_is_silent_for_too_long(model: Model) -> None:
    impatient = Proposals(model, patience_s=0.1)
    try:
        found = taken(impatient, question())
        assert found.origin.startswith("random: the model gave no answer in ")
    finally:
        impatient.close()


def test_most_threads_of_the_server_do_not_wait_for_models(
    proposals: Proposals, model: Model
) -> None:
    returned = threading.Semaphore(0)

    def wait(sweep: int, agent: int) -> None:
        proposals.wait(sweep, agent, LONG_S)
        returned.release()

    threads = []
    for sweep in (1, 2, 3, 4):
        for agent in range(10):
            assert not is_ready(proposals, question(sweep=sweep), agent)
            threads.append(threading.Thread(target=wait, args=(sweep, agent)))
    for thread in threads:
        thread.start()
    for _ in range(len(threads) - MOST_WAITING):
        assert returned.acquire(timeout=LONG_S / 2), "a thread waits that should not"
    assert not returned.acquire(timeout=0.2), "nobody waits at all"
    proposals.close()
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()


def test_closing_does_not_wait_for_the_model(proposals: Proposals, model: Model) -> None:
    assert not is_ready(proposals, question())
    model.await_question()
    proposals.close()
    assert model.is_closed
    assert not is_ready(proposals, question())
    assert not proposals.wait(1, 1, LONG_S)


def test_sweeps_that_are_waited_for_come_before_those_that_are_not(
    proposals: Proposals, model: Model
) -> None:
    proposals.prepare(question(10, sweep=1))
    model.await_question()
    proposals.prepare(question(20, sweep=2))
    proposals.prepare(question(30, sweep=3))
    assert not is_ready(proposals, question(40, sweep=4))
    model.let(1)
    model.await_question()
    assert [len(trials) for trials in model.asked] == [10, 40]


def test_one_thread_serves_all_sweeps_and_not_all_are_remembered(
    proposals: Proposals, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals_module, "_MOST_SWEEPS", 5)
    for sweep in range(1, 9):
        assert not is_ready(proposals, question(sweep=sweep))
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("proposals") == 1
    model.let(100)
    assert taken(proposals, question(sweep=8)).origin.startswith("bayes")
    assert proposals.wait(1, 0, 0.0), "the oldest were forgotten, and with them who waits"
    assert taken(proposals, question(sweep=1)).origin.startswith("bayes")
