"""What the benchmark `ingest` starts: PROJECT RUNS STEPS; prints its wall and CPU seconds."""

import json
import sys
import time

import wandb

from tests.benchmarks.measurement import cpu_s


def main(project: str, runs: int, steps: int) -> None:
    """Log runs one after the other."""
    started = time.perf_counter()
    before = cpu_s()
    for number in range(runs):
        with wandb.init(project=project, name=f"run-{number}", config={"number": number}) as run:
            for step in range(steps):
                run.log({f"metric_{index}": step * 0.001 + index for index in range(5)})
    wall = time.perf_counter() - started
    cpu = cpu_s() - before
    print(json.dumps({"wall_s": wall, "cpu_s": cpu}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
