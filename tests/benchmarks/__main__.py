"""`python -m tests.benchmarks NAME [--json]`: run one benchmark and print its report."""

import argparse
import json
import sys
from importlib import import_module

from tests.benchmarks.measurement import Report, Settings

BENCHMARKS = {
    "agents": "a sweep of 50 agents x 500 runs on a server that is killed; agents that vanish",
    "filters": "lists of runs, filtered and ordered, and what keeping them so costs a write",
    "ingest": "a client that logs to our backend, and one that logs offline",
    "read": "lists, samples and pages of 1,000 runs x 1,000 steps x 20 metrics",
    "search": "the best points and the cost of our search, W&B's, TPE and random draws",
    "latency": "answers to heartbeats, streams and upserts at 1, 16 and 64 connections",
    "stopping": "epochs saved and best value kept by early stopping; what an arrival costs",
}
"""A name is that of a module beside this one, its dashes underscores; `run` measures."""


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "name",
        choices=BENCHMARKS,
        metavar="NAME",
        help="; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items()),
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--repetitions", type=int, default=5, help="measurements of each side")
    parser.add_argument("--smoke", action="store_true", help="tiny, only to see that it works")
    parser.add_argument("--database-url", help="a PostgreSQL to be measured as well")
    given = parser.parse_args()
    settings = Settings(given.repetitions, smoke=given.smoke, database_url=given.database_url)
    module = import_module(f"tests.benchmarks.{given.name.replace('-', '_')}")
    report: Report = module.run(settings)
    if given.json:
        print(json.dumps({"benchmark": given.name} | report.as_json()))
    else:
        print(*report.lines(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
