"""The sweep files that we ship, on the wire."""

import json
from pathlib import Path

import yaml

from tests.server.conftest import Wire
from tests.server.sweep_wire import beat, create_agent, upsert

SHIPPED = Path(__file__).parents[2] / "sweeps"
CURVES = {
    "good": [0.3, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.8],
    "flat": [0.3, 0.6, 0.65, 0.65, 0.65, 0.65, 0.65, 0.65, 0.65],
    "poor": [0.1, 0.1, 0.2],
}


def log(wire: Wire, run: str, epoch: int, best: float) -> bool:
    """Log an epoch; tells whether the run is to stop."""
    line = json.dumps({"_step": epoch, "epoch": epoch + 1, "best_val_accuracy": best})
    part = {"offset": epoch, "content": [line]}
    answer = wire.stream(run, {"files": {"wandb-history.jsonl": part}})
    return bool(answer.json()["stopped"])


def test_hyperband_stops_poor_runs_at_epochs_3_and_9(wire: Wire) -> None:
    made = upsert(wire, yaml.safe_load((SHIPPED / "hyperband.yaml").read_text("utf-8")))
    assert made["configValidationWarnings"] == []
    stopped_at = {}
    for name, curve in CURVES.items():
        agent = create_agent(wire, made["sweep"]["name"])
        (command,) = beat(wire, agent)
        config = json.dumps(command["args"])
        run = wire.start_run(command["run_id"], sweep=made["sweep"]["name"], config=config)
        stopped = [log(wire, run, epoch, best) for epoch, best in enumerate(curve)]
        stopped_at[name] = stopped.index(True) + 1 if any(stopped) else None
    assert stopped_at == {"good": None, "flat": 9, "poor": 3}
