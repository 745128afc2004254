"""Which points a sweep hands out: none that build no network, where its command is ours."""

import json
from typing import Any

import pytest

from tests.server.conftest import Wire
from tests.server.processes import wait_for
from tests.server.sweep_wire import beat, create_agent, read, upsert

SIZES, BLOCKS = (8, 16, 32, 64), (2, 3, 4, 5, 6)
ALL = {(size, blocks) for size in SIZES for blocks in BLOCKS}
FEASIBLE = {(size, blocks) for size, blocks in ALL if 2**blocks <= size}
OURS = {"command": ["${env}", "sweepcnn", "train"]}
FOREIGN = {"program": "train.py"}


def sweep(method: str, **keys: Any) -> dict[str, Any]:
    return {
        "method": method,
        "metric": {"name": "best_val_accuracy", "goal": "maximize"},
        "parameters": {"image_size": {"values": [*SIZES]}, "blocks": {"values": [*BLOCKS]}},
    } | keys


def next_point(wire: Wire, sweep: str, agent: str) -> tuple[int, int] | None:
    """Take a point and end its run well; null when the agent is sent away."""
    answers: list[list[dict[str, Any]]] = [[]]

    def answered() -> bool:  # a model may take a second and the next heartbeat
        answers.append(beat(wire, agent))
        return bool(answers[-1])

    wait_for(answered)
    (command,) = answers[-1]
    if command["type"] == "exit":
        return None
    size, blocks = (command["args"][name]["value"] for name in ("image_size", "blocks"))
    wire.start_run(command["run_id"], sweep=sweep, config=json.dumps(command["args"]))
    summary = {"offset": 0, "content": [json.dumps({"best_val_accuracy": blocks / size})]}
    body = {"files": {"wandb-summary.json": summary}, "complete": True, "exitcode": 0}
    wire.stream(command["run_id"], body)
    return size, blocks


def handed_out(wire: Wire, document: dict[str, Any]) -> tuple[list[tuple[int, int]], int | None]:
    """Run a sweep to its end; gives its points and the number that was foretold."""
    made = upsert(wire, document)["sweep"]
    agent = create_agent(wire, made["name"])
    points = list(iter(lambda: next_point(wire, made["name"], agent), None))
    assert read(wire, made["name"], "state")["state"] == "FINISHED"
    return points, made["runCountExpected"]


@pytest.mark.parametrize("order", [None, "shuffled"])
def test_a_grid_ends_after_the_points_that_build_a_network(wire: Wire, order: str | None) -> None:
    document = sweep("grid", **({"order": order} if order else {}))
    points, expected = handed_out(wire, document | OURS)
    assert (len(points), set(points)) == (len(FEASIBLE), FEASIBLE)
    assert expected == len(FEASIBLE)


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_a_search_uses_up_the_points_that_build_a_network(wire: Wire, method: str) -> None:
    points, _ = handed_out(wire, sweep(method) | OURS)
    assert (len(points), set(points)) == (len(FEASIBLE), FEASIBLE)


@pytest.mark.parametrize("method", ["grid", "random", "bayes"])
def test_another_programs_points_are_all_handed_out(wire: Wire, method: str) -> None:
    points, expected = handed_out(wire, sweep(method) | FOREIGN)
    assert (len(points), set(points)) == (len(ALL), ALL)
    assert expected == (len(ALL) if method == "grid" else None)


def test_run_cap_counts_what_was_handed_out(wire: Wire) -> None:
    points, expected = handed_out(wire, sweep("random", run_cap=10) | OURS)
    assert len(points) == len(set(points)) == expected == 10
    assert set(points) <= FEASIBLE


def test_a_sweep_without_a_network_is_warned_of_and_ends(wire: Wire) -> None:
    document = sweep("random") | OURS
    document["parameters"] = {"image_size": {"value": 8}, "blocks": {"min": 4, "max": 16}}
    made = upsert(wire, document)
    (warning,) = made["configValidationWarnings"]
    assert "none of 13 points that were tried builds a network" in warning
    agent = create_agent(wire, made["sweep"]["name"])
    assert [command["type"] for command in beat(wire, agent)] == ["exit"]
    found = read(wire, made["sweep"]["name"], "state runCount")
    assert found == {"state": "FINISHED", "runCount": 0}
