"""Runs as the search sees them."""

import json

import sqlalchemy as sa

from sweepcnn.search import Trial
from sweepcnn.storage import points
from sweepcnn.storage.points import Outcome
from sweepcnn.storage.run_states import FINISHED, LIVE


def trials(connection: sa.Connection, sweep_id: int, metric: str | None) -> list[Trial]:
    """Give all points that a sweep handed out, oldest first, with what came of them."""
    return [_trial(outcome) for outcome in points.outcomes(connection, sweep_id, metric)]


def _trial(outcome: Outcome) -> Trial:
    point = json.loads(outcome.point)
    if outcome.state in LIVE:
        return Trial(point, "running")
    if outcome.state == FINISHED or outcome.summary is not None:
        return Trial(point, "finished", outcome.summary)
    return Trial(point, "failed")
