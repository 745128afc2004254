"""A run that asks the server for its own end and goes on until it is told; leaves what ended it."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import requests
import wandb

LONGEST_S = 120.0  # the client hears of it after some 15 s


def ask(query: str, **variables: str) -> Any:
    """Ask the server as its page does, beside the client."""
    address, auth = f"{os.environ['WANDB_BASE_URL']}/graphql", ("api", os.environ["WANDB_API_KEY"])
    body = {"query": query, "variables": variables}
    return requests.post(address, json=body, auth=auth, timeout=60).json()["data"]


FIND = "query($p: String, $r: String!) { project(name: $p) { run(name: $r) { id } } }"
STOP = "mutation($id: ID!) { stopRun(input: {id: $id}) { success } }"

with wandb.init(project=sys.argv[1], id="stopped") as run:
    run.log({"loss": 1})
    found = ask(FIND, p=sys.argv[1], r=run.id)["project"]["run"]
    ask(STOP, id=found["id"])
    try:
        time.sleep(LONGEST_S)
        ended = "by itself"
    except KeyboardInterrupt:
        ended = "interrupted"
Path("stopping.json").write_text(json.dumps(ended))
