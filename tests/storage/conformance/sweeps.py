"""Sweeps, their agents, and the points that were handed out."""

import json

import pytest
import sqlalchemy as sa

from sweepcnn.storage import agents, deleted_runs, points, prior_runs, progress, runs, sweeps
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
    points.assign(connection, point, run, agent)
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

    def test_silent_runs_are_told_by_their_own_word_or_their_agents(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        agent = agent_of(writing, sweep)
        agents.touch(writing, agent, 100.0)
        pending = hand_out(writing, sweep, agent, "r1", "1")
        running = run_of(writing, "r2", heartbeat_at=50.0)
        run_of(writing, "r3", heartbeat_at=50.0, state="finished")
        assert runs.silent_before(writing, 50.0) == []
        assert [run.id for run in runs.silent_before(writing, 100.0)] == [running]
        silent = {run.id for run in runs.silent_before(writing, 100.5)}
        assert silent == {pending, running}

    def test_a_point_whose_run_has_ended_is_told_with_its_newest_run(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        one, other = agent_of(writing, sweep), agent_of(writing, sweep)
        first = hand_out(writing, sweep, one, "r1", "1")
        hand_out(writing, sweep, one, "r2", "2")
        assert points.ended(writing, sweep) == []
        runs.update(writing, first, state="crashed")
        ((point, run),) = points.ended(writing, sweep)
        assert (point.point, point.attempts, run.id) == ("1", 1, first)
        points.update(writing, point.id, state=points.LOST)
        assert points.ended(writing, sweep) == []
        lost = points.next_in_state(writing, sweep, points.LOST)
        assert lost is not None
        assert lost.id == point.id
        second = run_of(writing, "r3", sweep_id=sweep, state="pending")
        points.assign(writing, point.id, second, other)
        assert points.next_in_state(writing, sweep, points.LOST) is None
        assert points.count(writing, sweep) == points.count(writing, sweep, points.OUT) == 2
        newest = points.newest_run(writing, point.id)
        assert newest is not None
        assert newest.id == second
        assert points.by_run(writing, sweep)[second].attempts == 2
        assert [run.id for run in runs.of_agent(writing, other)] == [second]
        assert [outcome.state for outcome in points.outcomes(writing, sweep, None)] == [
            "pending",
            "pending",
        ]

    def test_a_resumed_run_belongs_to_the_agent_that_has_it_now(
        self, writing: sa.Connection
    ) -> None:
        sweep = sweep_of(writing)
        one, other = agent_of(writing, sweep), agent_of(writing, sweep)
        run = hand_out(writing, sweep, one, "r1", "1")
        points.assign(writing, points.by_run(writing, sweep)[run].id, run, other)
        assert runs.of_agent(writing, one) == []
        assert [found.id for found in runs.of_agent(writing, other)] == [run]

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
