"""Sweeps and their agents, driven by the protocol."""

import json
from typing import Any

import yaml

from tests.server.conftest import Wire

GRID = {"method": "grid", "parameters": {"x": {"values": [1, 2, 3]}}}
RANDOM = {
    "method": "random",
    "run_cap": 8,
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
}


def upsert(wire: Wire, document: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    query = """mutation UpsertSweep($input: UpsertSweepInput!) { upsertSweep(input: $input) {
        sweep { id name state displayName project { name entity { name } } runCountExpected }
        configValidationWarnings } }"""
    if document is not None:
        given = {"config": yaml.safe_dump(document), "projectName": wire.project} | given
    found: dict[str, Any] = wire.ask(query, input=given)["upsertSweep"]
    return found


def create_agent(wire: Wire, sweep: str) -> str:
    query = """mutation CreateAgent($input: CreateAgentInput!) {
        createAgent(input: $input) { agent { id } } }"""
    given = {"host": "h", "projectName": wire.project, "sweep": sweep}
    return str(wire.ask(query, input=given)["createAgent"]["agent"]["id"])


HEARTBEAT = """mutation Heartbeat($id: ID!, $state: JSONString) {
    agentHeartbeat(input: {id: $id, metrics: "{}", runState: $state}) { commands } }"""


def beat(wire: Wire, agent: str, *alive: str) -> list[dict[str, Any]]:
    state = json.dumps(dict.fromkeys(alive, True))
    answer = wire.ask(HEARTBEAT, id=agent, state=state)["agentHeartbeat"]["commands"]
    commands: list[dict[str, Any]] = json.loads(answer)
    return commands


def read(wire: Wire, sweep: str, fields: str) -> dict[str, Any]:
    query = f"""query($p: String, $s: String!) {{
        project(name: $p) {{ sweep(sweepName: $s) {{ {fields} }} }} }}"""
    found: dict[str, Any] = wire.ask(query, p=wire.project, s=sweep)["project"]["sweep"]
    return found


def run_to_the_end(wire: Wire, sweep: str) -> list[str]:
    """Be an agent and its runs until the server sends us away; gives the runs."""
    agent = create_agent(wire, sweep)
    names: list[str] = []
    while True:
        (command,) = beat(wire, agent)
        if command["type"] == "exit":
            return names
        name = command["run_id"]
        config = json.dumps(command["args"])
        wire.start_run(name, sweep=sweep, config=config)
        loss = command["args"]["x"]["value"]
        summary = {"offset": 0, "content": [json.dumps({"loss": loss})]}
        files = {"wandb-summary.json": summary}
        wire.stream(name, {"files": files, "complete": True, "exitcode": 0})
        names.append(name)
