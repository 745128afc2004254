"""Sweeps, their agents, and the points that were handed out."""

import json

import pytest
import sqlalchemy as sa

from sweepcnn.storage import (
    agents,
    assignments,
    deleted_runs,
    points,
    prior_runs,
    progress,
    runs,
    sweeps,
)
from sweepcnn.storage.database import Database
from tests.storage.rows import project_of, run_of, sweep_of

_LONG = json.dumps({f"parameter {number}": number / 7 for number in range(200)})


def agent_of(connection: sa.Connection, sweep: int) -> int:
    found = sweeps.by_id(connection, sweep)
    assert found is not None
    return agents.add(connection, sweep_id=sweep, user_id=found.user_id, name="a", host="h")


def hand_out(connection: sa.Connection, sweep: int, agent: int, name: str, key: str) -> int:
    run = run_of(connection, name, sweep_id=sweep, state="pending")
    point = points.add(connection, sweep_id=sweep, point=key, key=key, origin="grid")
    assignments.assign(connection, point, run, agent)
    return run


class Sweeps:
    def test_a_sweep_is_found_by_its_name_in_its_project(self, writing: sa.Connection) -> None:
        first, second = sweep_of(writing, "one"), sweep_of(writing, "two")
        found = sweeps.by_id(writing, first)
        assert found is not None
        assert sweeps.get(writing, found.project_id, "one") == found
        assert sweeps.get(writing, found.project_id, "One") is None
        assert [s.id for s in sweeps.of_project(writing, found.project_id)] == [second, first]
        sweeps.update(writing, first, state="PAUSED")
        changed = sweeps.by_id(writing, first)
        assert changed is not None
        assert (changed.state, changed.config) == ("PAUSED", found.config)

    def test_an_agent_has_the_runs_that_it_was_given(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        one, other = agent_of(writing, sweep), agent_of(writing, sweep)
        given = [hand_out(writing, sweep, one, f"r{n}", str(n)) for n in range(2)]
        assert [run.id for run in runs.of_agent(writing, one)] == given
        assert runs.of_agent(writing, other) == []
        assert [agent.id for agent in agents.of_sweep(writing, sweep)] == [one, other]
        assert [point.point for point in points.of_sweep(writing, sweep)] == ["0", "1"]

    @pytest.mark.parametrize("key", ['{"x":1}', _LONG], ids=["short", "long"])
    def test_a_point_is_handed_out_once(self, database: Database, key: str) -> None:
        with database.write() as connection:
            sweep, other = sweep_of(connection, "one"), sweep_of(connection, "two")
            agent = agent_of(connection, sweep)
            hand_out(connection, sweep, agent, "r1", key)
            hand_out(connection, other, agent, "r2", key)
            hand_out(connection, sweep, agent, "r3", key.replace("1", "2"))
        with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
            hand_out(connection, sweep, agent, "r4", key)
        with database.read() as connection:
            assert [point.point for point in points.of_sweep(connection, other)] == [key]
            assert len(runs.of_sweep(connection, sweep)) == 2

    def test_only_live_runs_are_ended(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        live = hand_out(writing, sweep, agent, "r1", "1")
        ended = hand_out(writing, sweep, agent, "r2", "2")
        runs.update(writing, ended, state="finished")
        assert runs.count_live(writing, sweep) == 1
        runs.end(writing, [live, ended], "crashed")
        assert [run.state for run in runs.of_sweep(writing, sweep)] == ["crashed", "finished"]
        assert runs.count_live(writing, sweep) == 0

    def test_a_run_is_silent_if_neither_it_nor_its_agent_speaks(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        agents.touch(writing, agent, 100.0)
        pending = hand_out(writing, sweep, agent, "r1", "1")
        silent, loud = (hand_out(writing, sweep, agent, f"s{n}", f"s{n}") for n in range(2))
        runs.update(writing, silent, state="running", heartbeat_at=50.0)
        runs.update(writing, loud, state="preempting", heartbeat_at=150.0)
        by_hand = run_of(writing, "r2", heartbeat_at=50.0)
        run_of(writing, "r3", heartbeat_at=50.0, state="finished")
        run_of(writing, "r4", heartbeat_at=None, state="pending")
        assert runs.silent_before(writing, 50.0) == []
        assert [run.id for run in runs.silent_before(writing, 100.0)] == [by_hand]
        all_silent = {run.id for run in runs.silent_before(writing, 100.5)}
        assert all_silent == {pending, silent, by_hand}

    def test_the_open_points_of_a_sweep_are_told_with_all_their_runs(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        one, other = agent_of(writing, sweep), agent_of(writing, sweep)
        first = hand_out(writing, sweep, one, "r1", "1")
        settled = hand_out(writing, sweep, one, "r2", "2")
        point = points.by_run(writing, sweep)[first]
        points.update(writing, points.by_run(writing, sweep)[settled].id, state=points.SETTLED)
        runs.update(writing, first, state="crashed", heartbeat_at=1.0)
        points.update(writing, point.id, state=points.LOST)
        assert points.next_in_state(writing, sweep, points.LOST) is not None
        second = run_of(writing, "r3", sweep_id=sweep, state="pending")
        assignments.assign(writing, point.id, second, other)
        assert points.next_in_state(writing, sweep, points.LOST) is None
        turns = assignments.open_turns(writing, sweep)
        assert [(t.point_id, t.state, t.started, t.attempts) for t in turns] == [
            (point.id, "crashed", True, 2),
            (point.id, "pending", False, 2),
        ]
        assert {turn.point_state for turn in turns} == {points.OUT}
        assert points.open_sweeps(writing) == [sweep]
        assert points.count(writing, sweep) == 2
        assert points.count(writing, sweep, points.OUT) == 1
        newest = assignments.newest_run(writing, point.id)
        assert newest is not None
        assert newest.id == second
        assert [run.id for run in runs.of_agent(writing, other)] == [second]

    def test_a_resumed_run_belongs_to_the_agent_that_has_it_now(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        one, other = agent_of(writing, sweep), agent_of(writing, sweep)
        run = hand_out(writing, sweep, one, "r1", "1")
        assignments.resume(writing, points.by_run(writing, sweep)[run].id, run, other)
        assert runs.of_agent(writing, one) == []
        assert [found.id for found in runs.of_agent(writing, other)] == [run]
        point = points.by_run(writing, sweep)[run]
        assert (point.attempts, point.resumptions) == (1, 1)

    def test_an_agent_holds_what_is_live_and_what_it_names(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        one, other = agent_of(writing, sweep), agent_of(writing, sweep)
        for number, state in enumerate(["pending", "preempting", "finished", "crashed"]):
            run = hand_out(writing, sweep, one, f"r{number}", str(number))
            runs.update(writing, run, state=state)
        hand_out(writing, sweep, other, "r4", "4")
        held = assignments.held(writing, one, set())
        assert [(run.name, run.state) for run in held] == [("r0", "pending"), ("r1", "preempting")]
        lies = {"r3", "r4", "no such", "a\0b", "x" * 5_000}
        named = assignments.held(writing, one, lies)
        assert [run.name for run in named] == ["r0", "r1", "r3"]
        many = {str(number) for number in range(50_000)}
        assert len(assignments.held(writing, one, many)) == 2

    def test_the_point_of_a_deleted_run_is_free_again(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        run = runs.by_id(writing, hand_out(writing, sweep, agent, "r1", "1"))
        assert run is not None
        deleted_runs.delete(writing, run, artifacts=False)
        assert points.of_sweep(writing, sweep) == []
        hand_out(writing, sweep, agent, "r2", "1")

    def test_what_came_of_a_point_is_told_by_the_summary_and_by_the_best(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        for number, summary in enumerate(['{"a": {"b": 0.5}}', '{"a": {"b": NaN}}', "{}"]):
            run = hand_out(writing, sweep, agent, f"r{number}", str(number))
            runs.update(writing, run, summary=summary)
            progress.put(writing, run, iterations=number, best=float(number))
        found = points.outcomes(writing, sweep, "a.b")
        assert [(o.point, o.summary, o.best) for o in found] == [
            ("0", 0.5, 0.0),
            ("1", None, 1.0),
            ("2", None, 2.0),
        ]
        assert {outcome.status for outcome in found} == {None}
        assert {(o.state, o.run_state) for o in found} == {(points.OUT, "pending")}

    def test_the_run_that_finished_tells_what_came_of_a_point(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        first = hand_out(writing, sweep, agent, "r1", "1")
        point = points.by_run(writing, sweep)[first].id

        def told() -> tuple[str, float | None, str | None]:
            (outcome,) = points.outcomes(writing, sweep, "a")
            return outcome.run_state, outcome.summary, outcome.status

        runs.update(writing, first, state="crashed", summary='{"a": 1, "status": "diverged"}')
        assert told() == ("crashed", 1.0, "diverged")
        second = run_of(writing, "r2", sweep_id=sweep, state="failed", summary='{"a": 2}')
        assignments.assign(writing, point, second, agent)
        assert told() == ("failed", 2.0, None), "the newest"
        runs.update(writing, first, state="running")
        assert told() == ("running", 1.0, "diverged"), "the one that goes on"
        runs.update(writing, second, state="finished")
        assert told() == ("finished", 2.0, None)

    def test_a_metric_with_a_name_that_no_index_holds_is_told_by_what_was_logged(
        self, writing: sa.Connection
    ) -> None:
        sweep, name = sweep_of(writing), "m" * 1100
        run = hand_out(writing, sweep, agent_of(writing, sweep), "r1", "1")
        runs.update(writing, run, summary=json.dumps({name: 1.0}))
        progress.put(writing, run, iterations=1, best=0.5)
        (found,) = points.outcomes(writing, sweep, name)
        assert (found.summary, found.best) == (None, 0.5)
        assert progress.best_of_sweep(writing, sweep, name, largest=True) == 0.5

    def test_the_progress_of_a_run_grows_until_it_starts_anew(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        run = hand_out(writing, sweep, agent_of(writing, sweep), "r1", "1")
        assert progress.of_sweep(writing, sweep) == []
        assert progress.get(writing, run) is None
        progress.put(writing, run, iterations=3, best=0.5, rungs=[(3, 0.5)])
        progress.put(writing, run, iterations=9, best=0.25, rungs=[(9, 0.75)])
        (found,) = progress.of_sweep(writing, sweep)
        assert (found.run_id, found.iterations, found.best) == (run, 9, 0.25)
        assert (found.rungs, found.state, found.stop_requested) == (
            {3: 0.5, 9: 0.75},
            "pending",
            False,
        )
        assert progress.get(writing, run) == (9, 0.25)
        progress.forget(writing, run)
        assert progress.of_sweep(writing, sweep) == []

    def test_the_best_value_of_a_sweep_is_of_what_was_logged_or_of_a_summary(
        self, writing: sa.Connection
    ) -> None:
        sweep, other = sweep_of(writing, "one"), sweep_of(writing, "two")

        def best(key: str, *, largest: bool) -> float | None:
            return progress.best_of_sweep(writing, sweep, key, largest=largest)

        summaries = {"r1": '{"a": {"b": 0.5}}', "r2": '{"a": {"b": -0.25}}', "r3": "{}"}
        summaries |= {
            "r4": '{"a": {"b": NaN}}',
            "r5": '{"a": {"b": "9"}}',
            "r6": '{"a": {"b": true}}',
        }
        made = {
            name: run_of(writing, name, sweep_id=sweep, summary=summary)
            for name, summary in summaries.items()
        }
        run_of(writing, "r7", sweep_id=other, summary='{"a": {"b": 99}}')
        assert (best("a.b", largest=True), best("a.b", largest=False)) == (0.5, -0.25)
        assert best("c", largest=True) is None
        progress.put(writing, made["r3"], iterations=1, best=0.75)
        progress.put(writing, made["r4"], iterations=1, best=None)
        assert (best("a.b", largest=True), best("a.b", largest=False)) == (0.75, -0.25)
        assert best("k" * 5_000, largest=True) == 0.75

    def test_runs_of_a_sweep_and_of_an_agent_are_listed_in_parts(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        made = [hand_out(writing, sweep, agent, f"r{n}", str(n)) for n in range(5)]
        for of in (
            runs.of_sweep(writing, sweep, start=1, most=3),
            runs.of_agent(writing, agent, start=1, most=3),
        ):
            assert [run.id for run in of] == made[1:4]
        assert runs.of_sweep(writing, sweep, start=5, most=3) == []
        assert runs.of_agent(writing, agent, most=0) == []

    def test_runs_are_found_by_their_names_in_their_project(self, writing: sa.Connection) -> None:
        made = [run_of(writing, name) for name in ("r1", "r2", "r3")]
        found = runs.by_names(writing, project_of(writing, "ann"), ["r3", "r1", "R2", "none"])
        assert [run.id for run in found] == [made[0], made[2]]
        assert runs.by_names(writing, project_of(writing, "ann", "other"), ["r1"]) == []
        assert runs.by_names(writing, project_of(writing, "ann"), []) == []

    def test_the_runs_of_agents_are_counted(self, writing: sa.Connection) -> None:
        sweep, other = sweep_of(writing, "one"), sweep_of(writing, "two")
        one, two, idle = (agent_of(writing, sweep) for _ in range(3))
        hand_out(writing, other, agent_of(writing, other), "r0", "0")
        for number, agent in enumerate((one, two, one), 1):
            hand_out(writing, sweep, agent, f"r{number}", str(number))
        assert agents.run_counts(writing, sweep) == {one: 2, two: 1}
        first, second, third = (run.id for run in runs.of_sweep(writing, sweep))
        assert agents.by_run(writing, sweep) == {first: one, second: two, third: one}
        point = points.of_run(writing, second)
        assert point == points.by_run(writing, sweep)[second]
        assert points.of_run(writing, run_of(writing, "of no sweep")) is None
        found = agents.by_name(writing, sweep, "a")
        assert found is not None
        assert found.id in (one, two, idle)
        assert agents.by_name(writing, sweep, "A") is None

    def test_an_agent_is_alive_while_it_was_heard_of_lately(self, writing: sa.Connection) -> None:
        row = agent_of(writing, sweep_of(writing))
        agents.touch(writing, row, 1000.0)
        found = agents.by_id(writing, row)
        assert found is not None
        assert found.is_alive(1000.0 + agents.ALIVE_S)
        assert not found.is_alive(1000.5 + agents.ALIVE_S)

    def test_prior_runs_are_kept_once(self, writing: sa.Connection) -> None:
        sweep = sweep_of(writing)
        known = [run_of(writing, name) for name in ("r1", "r2")]
        prior_runs.add(writing, sweep, known)
        prior_runs.add(writing, sweep, known[:1])
        assert [run.id for run in prior_runs.of_sweep(writing, sweep)] == known
        assert prior_runs.count(writing, sweep) == 2
        assert prior_runs.count(writing, sweep_of(writing, "other")) == 0
        assert runs.count(writing, sweep_id=sweep) == 0
