"""Sweeps, their agents, and the points that were handed out."""

import json

import pytest
import sqlalchemy as sa

from sweepcnn.storage import runs, sweeps
from sweepcnn.storage.database import Database
from tests.storage.rows import run_of, sweep_of

_LONG = json.dumps({f"parameter {number}": number / 7 for number in range(200)})


def agent_of(connection: sa.Connection, sweep: int) -> int:
    found = sweeps.by_id(connection, sweep)
    assert found is not None
    return sweeps.add_agent(connection, sweep_id=sweep, user_id=found.user_id, name="a", host="h")


def hand_out(connection: sa.Connection, sweep: int, agent: int, name: str, key: str) -> int:
    run = run_of(connection, name, sweep_id=sweep, state="pending")
    sweeps.add_suggestion(
        connection,
        run_id=run,
        sweep_id=sweep,
        agent_id=agent,
        point=key,
        point_key=key,
        origin="grid",
    )
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
        assert [agent.id for agent in sweeps.agents(writing, sweep)] == [one, other]
        assert [s.point for s in sweeps.suggestions(writing, sweep)] == ["0", "1"]

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
            assert [s.point for s in sweeps.suggestions(connection, other)] == [key]
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
        sweeps.touch_agent(writing, agent, 100.0)
        pending = hand_out(writing, sweep, agent, "r1", "1")
        running = run_of(writing, "r2", heartbeat_at=50.0)
        run_of(writing, "r3", heartbeat_at=50.0, state="finished")
        assert runs.silent_before(writing, 50.0) == []
        assert [run.id for run in runs.silent_before(writing, 100.0)] == [running]
        silent = {run.id for run in runs.silent_before(writing, 100.5)}
        assert silent == {pending, running}
