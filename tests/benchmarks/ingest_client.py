"""What the benchmark `ingest` starts: PROJECT RUNS STEPS; prints its wall and CPU seconds."""

import json
import sys
import time

import psutil
import wandb


def main(project: str, runs: int, steps: int) -> None:
    """Log runs one after the other."""
    own = psutil.Process()
    started = time.perf_counter()
    before = _cpu_s([own])
    for number in range(runs):
        with wandb.init(project=project, name=f"run-{number}", config={"number": number}) as run:
            for step in range(steps):
                run.log({f"metric_{index}": step * 0.001 + index for index in range(5)})
    wall = time.perf_counter() - started
    cpu = _cpu_s([own, *own.children(recursive=True)]) - before
    print(json.dumps({"wall_s": wall, "cpu_s": cpu}))


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [each.cpu_times() for each in processes]
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
