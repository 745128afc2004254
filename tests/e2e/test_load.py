"""Many agents on one sweep, some of which vanish, and a server that is killed while they work."""

import pytest

from tests.benchmarks.agents import story
from tests.benchmarks.driven_agents import Load

LOAD = Load(agents=12, gone=3, runs=60, epoch_s=0.3)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("database", "method"), [("sqlite", "bayes"), ("postgresql", "random")])
def test_every_point_of_a_sweep_comes_to_its_end_once(
    database: str, method: str, request: pytest.FixtureRequest
) -> None:
    url = None
    if database == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    figures = dict(story(LOAD, method, database_url=url))  # which checks what is promised
    assert (figures["model_points"] > 0) == (method == "bayes")
