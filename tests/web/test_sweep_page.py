"""What a sweep's page tells of its points, runs, agents and prior runs."""

import json
import re
import time
from typing import Any

import pytest

from sweepcnn.storage import agents, assignments, points, prior_runs, runs
from tests.web.conftest import Site
from tests.web.test_pages import facts, table

PAGE = "/local/digits/sweeps/sweep123"


def section(text: str, title: str) -> list[list[str]]:
    """Read the table under a heading."""
    return table(text.partition(f"<h2>{title}</h2>")[2].partition("</table>")[0] + "</table>")


def again(site: Site, run_id: int, name: str, **values: Any) -> int:
    """Hand the point of a run out once more, as another run of the same agent."""
    with site.database.write() as connection:
        run, point = runs.by_id(connection, run_id), points.of_run(connection, run_id)
        assert run is not None
        assert point is not None
        of: dict[str, Any] = {"project_id": run.project_id, "sweep_id": run.sweep_id}
        new = runs.add(connection, user_id=1, name=name, **of, **values)
        (agent,) = agents.of_sweep(connection, run.sweep_id or 0)
        assignments.assign(connection, point.id, new, agent.id)
    return new


def columns(rows: list[list[str]], *names: str) -> list[list[str]]:
    """Give some columns of a table, by its head."""
    places = [rows[0].index(name) for name in names]
    return [[row[place] for place in places] for row in rows[1:]]


def test_a_point_that_is_tried_again_counts_its_tries(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    lost = site.add_run("first", sweep=sweep, point={"x": 1}, state="crashed")
    site.add_run("other", sweep=sweep, point={"x": 2})
    again(site, lost, "second", state="finished")
    site.log_in()
    rows = section(site.page(PAGE), "Runs")
    assert columns(rows, "Run", "x", "Suggested by", "Try") == [
        ["first", "1", "bayes", "1"],
        ["other", "2", "bayes", "1"],
        ["second", "1", "bayes", "2"],
    ]
    assert facts(site.page("/local/digits/runs/second"))["Tries of its point"] == "2"
    assert "Tries of its point" not in facts(site.page("/local/digits/runs/other"))


def test_a_run_that_was_stopped_early_tells_why(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    reason = "stopped at epoch 9: 0.31, the rung's cut is 0.42"
    for name, state in (("poor", "killed"), ("asked", "running")):
        of: dict[str, Any] = {"sweep": sweep, "point": {"x": name}, "state": state}
        site.add_run(name, **of, stop_requested=True, stop_reason=reason)
    site.log_in()
    rows = section(site.page(PAGE), "Runs")
    assert columns(rows, "Run", "Stopped early") == [["poor", reason], ["asked", ""]]
    assert "rung&#39;s cut is 0.42" in site.page("/local/digits/runs/poor")
    assert facts(site.page("/local/digits/runs/poor"))["Suggested by"] == "bayes"
    assert "Stopped early" not in site.page("/local/digits/runs/asked")


def test_columns_that_would_be_empty_are_left_out(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    site.add_run("one", sweep=sweep, point={"x": 1})
    site.log_in()
    text = site.page(PAGE)
    head = section(text, "Runs")[0]
    assert not {"Try", "Stopped early"} & set(head)
    assert "Prior runs" not in text


def test_nested_parameters_are_shown_by_their_dotted_names(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    for number in (1, 2):
        point: dict[str, Any] = {"net": {"depth": number, "deep": {"q": 3}}, "empty": {}}
        site.add_run(f"r{number}", sweep=sweep, point=point)
    site.log_in()
    rows = section(site.page(PAGE), "Runs")
    assert columns(rows, "Run", "net.depth") == [["r1", "1"], ["r2", "2"]]
    assert "net.deep.q" not in rows[0]


def test_points_are_counted_by_what_came_of_them(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    states = (points.SETTLED, points.SETTLED, points.OUT, points.LOST, points.FAILED)
    for number, state in enumerate(states):
        run = site.add_run(f"r{number}", sweep=sweep, point={"x": number})
        with site.database.write() as connection:
            point = points.of_run(connection, run)
            assert point is not None
            points.update(connection, point.id, state=state)
    config = {"method": "random", "run_cap": 9, "parameters": {"x": {"min": 0.0, "max": 9.0}}}
    with site.database.write() as connection:
        connection.exec_driver_sql("UPDATE sweeps SET config = ?", (json.dumps(config),))
    site.log_in()
    told = facts(site.page(PAGE))
    assert told["Points"] == "2 settled, 1 out, 2 waiting for another try"
    assert told["Runs"] == "5; the sweep ends after 9 points"


@pytest.mark.parametrize(
    ("silent_s", "run_state", "told"),
    [
        (0, "running", "alive"),
        (agents.ALIVE_S + 5, "running", "lost"),
        (agents.ALIVE_S + 5, "crashed", "lost"),
        (agents.ALIVE_S + 5, "finished", "left"),
        (agents.ALIVE_S + 5, None, "left"),
    ],
)
def test_an_agent_is_alive_lost_or_has_left(
    site: Site, silent_s: float, run_state: str | None, told: str
) -> None:
    sweep = site.add_sweep("sweep123")
    if run_state:
        site.add_run("r1", sweep=sweep, point={"x": 1}, state=run_state, display_name="shown")
    with site.database.write() as connection:
        (agent,) = agents.of_sweep(connection, sweep)
        agents.touch(connection, agent.id, time.time() - silent_s)
    site.log_in()
    text = site.page(PAGE)
    rows = section(text, "Agents")
    assert columns(rows, "Agent", "Host", "State") == [["agent", "here", told]]
    assert columns(rows, "Runs") == [["1" if run_state else "0"]]
    assert columns(rows, "Under way") == [["shown" if run_state == "running" else ""]]
    (heard,) = columns(rows, "Last heard of")[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", heard)


def test_prior_runs_are_listed_apart(site: Site) -> None:
    sweep = site.add_sweep("sweep123")
    site.add_run("own", sweep=sweep, point={"x": 1}, summary={"score": 0.1})
    prior = site.add_run("before", summary={"score": 0.9, "status": "ok"})
    with site.database.write() as connection:
        prior_runs.add(connection, sweep, [prior])
    site.log_in()
    text = site.page(PAGE)
    assert section(text, "Prior runs")[1:] == [["before", "finished", "0.9"]]
    assert columns(section(text, "Runs"), "Run") == [["own (best)"]]
