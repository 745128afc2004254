"""What a sweep asks its model: what depends on the clock, without one."""

from sweepcnn.scheduler import proposals as proposals_module
from sweepcnn.scheduler.questions import SweepQuestions
from sweepcnn.search import Suggestion
from tests.scheduler.asking import question


def asked(*agents: int) -> SweepQuestions:
    sweep = SweepQuestions(question(), 0.0)
    for agent in agents:
        sweep.wait(agent, 0.0)
    return sweep


def answer(sweep: SweepQuestions, number: int, now: float) -> None:
    point = {"x": 0.5 + number / 1000, "kind": "b"}
    sweep.answered(sweep.next_question(), Suggestion(point, f"bayes: {number}"), now)


def test_fifty_agents_all_have_a_point_at_their_second_heartbeat() -> None:
    sweep = asked(*range(50))
    for second in range(1, 5):  # it answers each second, and 46 agents find nothing
        answer(sweep, second, float(second))
    origins = []
    for agent in range(50):
        try:
            found = sweep.take(agent)
            assert found is not None
            origins.append(found.origin)
        except LookupError:
            assert sweep.reason_for_random(agent, 5.0) is None, "it waits for a moment first"
            assert sweep.has_waited_enough(agent, 6.0, 50.0)
            origins.append(f"random: {sweep.reason_for_random(agent, 6.0)}")
            sweep.served(agent)
    assert origins[:4] == [f"bayes: {number}" for number in (1, 2, 3, 4)]
    assert set(origins[4:]) == {"random: the model's points went to other agents"}
    assert not sweep.is_awaited


def test_at_its_first_heartbeat_an_agent_gets_nothing_that_the_model_did_not_propose() -> None:
    sweep = asked(1, 2)
    answer(sweep, 1, 0.5)
    sweep.take(1)
    assert not sweep.has_waited_enough(2, 1.0, 50.0)


def test_a_slow_model_is_waited_for() -> None:
    sweep = asked(1)
    assert not sweep.has_waited_enough(1, 49.0, 50.0)
    assert sweep.has_waited_enough(1, 50.0, 50.0)
    assert sweep.reason_for_random(1, 50.0) == "the model gave no answer in 50 s"


def test_a_model_that_fails_slower_than_results_come_holds_no_agent_up() -> None:
    sweep = asked(1)
    before = sweep.next_question()
    sweep.ask(question(31))
    sweep.failed(before, "the model failed", 2.0)
    assert sweep.wants_answer(2.0), "the newer question may fare better"
    assert sweep.has_waited_enough(1, 6.0, 50.0)
    assert sweep.reason_for_random(1, 6.0) == "the model failed"


def test_a_model_that_was_given_up_is_asked_again_after_its_rest() -> None:
    sweep = asked(1)
    sweep.failed(sweep.next_question(), "the model gave no answer in 50 s", 50.0, 500.0)
    sweep.ask(question(31))
    assert not sweep.wants_answer(549.0)
    assert sweep.wants_answer(550.0)


def test_an_agent_that_has_gone_is_not_prepared_for() -> None:
    sweep = asked(1, 2)
    answer(sweep, 1, 1.0)
    assert sweep.wants_answer(1.0)
    sweep.wait(2, 5.0)
    sweep.forget_silent(4.0)
    assert sweep.awaits(2)
    assert not sweep.awaits(1)
    assert not sweep.wants_answer(5.0), "one is there, and one waits"


def test_a_quick_sweep_overtakes_a_slow_one_for_a_while() -> None:
    urgency = proposals_module._urgency
    slow, quick = asked(1), asked(1)
    slow.cost_s, quick.cost_s = 5.0, 0.2
    slow.answered_at = 10.0
    for now in (10.0, 14.0, 24.0):
        quick.answered_at = now
        assert urgency(quick) < urgency(slow)
    quick.answered_at = 25.0
    assert urgency(slow) < urgency(quick)
