"""W&B's engine answers in an environment of its own."""

from tests.oracle import ask


def test_the_engine_is_the_one_that_the_tests_were_written_against() -> None:
    body = """
        from importlib.metadata import version
        from sweeps import next_run
        config = {"method": "grid", "parameters": {"x": {"values": [question]}}}
        return [version("sweeps"), next_run(config, []).config["x"]["value"]]
    """
    assert ask(body, 3) == ["0.3.0", 3]
