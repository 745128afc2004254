"""Heartbeats for which a model has to think: they are answered, and the point comes later."""

import threading
from collections.abc import Sequence

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler import Command, Scheduler
from sweepcnn.scheduler.proposals import Proposals
from sweepcnn.scheduler.questions import Question
from sweepcnn.search import Suggestion, Trial, needs_model, suggest
from sweepcnn.storage import points
from tests.scheduler.house import RANDOM, DirectSearch, House
from tests.server.processes import wait_for

BAYES = RANDOM | {"method": "bayes", "metric": {"name": "loss", "goal": "minimize"}}


class Thinker(DirectSearch):
    """A search whose model thinks until the test lets it answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sequence[Trial]] = []
        self.let = threading.Semaphore(0)

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        if not needs_model(config, trials):
            return suggest(config, trials, seed)
        self.asked.append(trials)
        assert self.let.acquire(timeout=60)
        return Suggestion({"x": 0.5 + len(self.asked) / 1000}, f"bayes: {len(self.asked)}")

    def close(self) -> None:
        self.let.release(1000)


@pytest.fixture
def thinker(house: House) -> Thinker:
    """Give the house a search that thinks."""
    house.scheduler.close()
    thinker = Thinker()
    house.search, house.scheduler = thinker, Scheduler(house.database, thinker)
    return thinker


def warmed_up(house: House, agent: int) -> None:
    """Hand out points until one needs the model."""
    for number in range(100):
        commands = house.beat(agent)
        if not commands:
            return
        assert commands[0].run_id is not None
        house.speak(commands[0].run_id)
        house.end(commands[0].run_id, loss=float(number))
    pytest.fail("no model is asked")


def given_in_time(house: House, agent: int) -> str:
    """Beat until there is a new run, and give its id."""
    commands: list[Command] = []

    def is_given() -> bool:
        commands.extend(house.beat(agent))
        return bool(commands)

    wait_for(is_given)
    assert commands[0].run_id is not None
    return commands[0].run_id


@pytest.mark.each_database
def test_a_heartbeat_is_answered_while_the_model_thinks(house: House, thinker: Thinker) -> None:
    sweep, (agent, other) = house.sweep(BAYES, agents=2)
    _, (stranger,) = house.sweep(RANDOM)
    held = house.started(other)
    warmed_up(house, agent)
    assert len(thinker.asked) == 1
    assert house.beat(other, held) == []
    assert house.commanded(stranger) == ["run"]
    before = len(house.points(sweep))
    thinker.let.release()
    given_in_time(house, agent)
    with house.database.read() as reading:
        origins = [point.origin for point in points.of_sweep(reading, sweep)]
    assert origins[before:] == ["bayes: 1"]


@pytest.mark.each_database
def test_the_end_of_a_run_has_the_next_point_prepared(house: House, thinker: Thinker) -> None:
    sweep, (agent,) = house.sweep(BAYES)
    warmed_up(house, agent)
    thinker.let.release(2)
    run = given_in_time(house, agent)
    wait_for(lambda: len(thinker.asked) == 2)  # ahead, for another agent
    house.speak(run)
    house.end(run, loss=0.25)
    house.scheduler.run_ended(sweep)
    wait_for(lambda: len(thinker.asked) == 3)
    ended = [trial.value for trial in thinker.asked[2] if trial.state == "finished"]
    assert ended[-1] == 0.25
    assert not [trial for trial in thinker.asked[2] if trial.state == "running"]


@pytest.mark.parametrize("change", ["none", "paused", "capped", "unreadable", "random"])
def test_nothing_is_prepared_that_nobody_will_ask_for(
    house: House, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    prepared: list[Question] = []
    monkeypatch.setattr(Proposals, "prepare", lambda _, question: prepared.append(question))
    sweep, (agent,) = house.sweep(BAYES)
    given = []
    for number in range(20):
        given.append(house.started(agent))
        house.end(given[-1], loss=float(number))
        if needs_model(SweepConfig(**BAYES), [Trial({"x": 0.5}, "finished", 0.0)] * len(given)):
            break
    if change == "paused":
        house.command(sweep, "PAUSED")
    elif change == "capped":
        house.rewrite(sweep, BAYES | {"run_cap": len(given)})
    elif change == "unreadable":
        house.rewrite(sweep, BAYES | {"parameters": {}})
    elif change == "random":
        sweep, _ = house.sweep(RANDOM)
    house.scheduler.run_ended(sweep)
    house.scheduler.run_ended(99)
    assert len(prepared) == (change == "none")
