"""The worker: the model runs in another process, which dies with its parent and is replaced."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.search import Trial, suggest
from sweepcnn.search.worker import ModelError, SearchWorker

CONFIG = SweepConfig.model_validate(
    {
        "method": "bayes",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}, "kind": {"values": ["a", "b"]}},
    }
)
TRIALS = [Trial({"x": i / 7, "kind": "ab"[i % 2]}, "finished", (i - 3) ** 2) for i in range(7)]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"in {seconds} s not: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def worker() -> Iterator[SearchWorker]:
    found = SearchWorker()
    yield found
    found.close()


def workers() -> list[psutil.Process]:
    """Give our search processes; neither those of a server nor the resource tracker."""
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended, waited for or not
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_the_answer_is_that_of_suggest(worker: SearchWorker) -> None:
    assert worker.propose(CONFIG, TRIALS, 3) == suggest(CONFIG, TRIALS, 3)
    assert len(workers()) == 1


def test_what_needs_no_model_needs_no_process() -> None:
    idle = SearchWorker()
    before = len(workers())
    assert idle.propose(CONFIG, TRIALS[:2], 3) == suggest(CONFIG, TRIALS[:2], 3)
    assert len(workers()) == before


def test_a_killed_process_is_replaced(worker: SearchWorker) -> None:
    worker.propose(CONFIG, TRIALS, 3)
    (process,) = workers()
    process.kill()
    process.wait(10)
    worker.prepare()  # does not raise, whether or not the death was noticed
    assert worker.propose(CONFIG, TRIALS, 3) is not None
    (other,) = workers()
    assert other.pid != process.pid


@pytest.mark.parametrize("times", [1, 2000], ids=["thinking", "reading"])
def test_a_process_that_hangs_is_given_up(times: int) -> None:
    impatient = SearchWorker(timeout_s=0.5)
    before = {process.pid for process in workers()}
    impatient.prepare()
    (process,) = [found for found in workers() if found.pid not in before]
    process.suspend()
    with pytest.raises(TimeoutError, match=r"no answer in 0\.5 s"):
        impatient.propose(CONFIG, TRIALS * times, 3)  # so many times that the pipe to it is full
    assert not process.is_running()
    impatient.prepare()
    (process,) = [found for found in workers() if found.pid not in before]
    impatient.close()


def test_a_search_that_raises_is_told_with_its_traceback(worker: SearchWorker) -> None:
    with pytest.raises(ModelError, match=r"(?s)Traceback.*suggest.*ValueError"):
        worker.propose(CONFIG, TRIALS, -1)
    assert worker.propose(CONFIG, TRIALS, 3) is not None


class Deadly:
    """Ends the process that reads it."""

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        return os._exit, (3,)


def test_a_question_that_kills_its_process_twice_is_not_put_again(worker: SearchWorker) -> None:
    with pytest.raises(ModelError, match="its process died twice"):
        worker.propose(CONFIG, [*TRIALS, Trial({"x": Deadly()}, "running")], 3)
    assert worker.propose(CONFIG, TRIALS, 3) is not None


def test_close_does_not_wait_for_an_answer() -> None:
    own = SearchWorker()
    before = {process.pid for process in workers()}
    own.propose(CONFIG, TRIALS, 3)
    (process,) = [p for p in workers() if p.pid not in before]
    process.suspend()
    told: list[str] = []

    def ask() -> None:
        try:
            own.propose(CONFIG, TRIALS, 3)
        except ModelError as error:
            told.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    own.close()
    thread.join(30)
    assert told == ["the search was ended"]
    assert not process.is_running()


def test_close_ends_the_process() -> None:
    own = SearchWorker()
    before = {process.pid for process in workers()}
    own.prepare()
    wait_until(lambda: len(workers()) > len(before), "the process is there")
    own.close()
    wait_until(lambda: {p.pid for p in workers()} <= before, "the process is gone")


PARENT = textwrap.dedent("""
    import sys, time
    from sweepcnn.config import SweepConfig
    from sweepcnn.search import Trial
    from sweepcnn.search.worker import SearchWorker

    if __name__ == "__main__":
        config = SweepConfig.model_validate({
            "method": "bayes", "metric": {"name": "loss"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
        })
        trials = [Trial({"x": i / 7}, "finished", float(i)) for i in range(7)]
        origin = SearchWorker().propose(config, trials, 0).origin
        loaded = sorted({"torch", "optuna"} & set(sys.modules))
        print(f"{origin} | {loaded}", flush=True)
        time.sleep(600)
""")


def test_the_parent_loads_no_model_and_its_death_ends_the_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    script = tmp_path_factory.mktemp("parent") / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        line = parent.stdout.readline()
        children = psutil.Process(parent.pid).children(recursive=True)
        os.kill(parent.pid, signal.SIGKILL)
    assert line.startswith("gp, expected improvement")
    assert line.endswith("| []\n")
    assert children
    wait_until(lambda: not any(child.is_running() for child in children), "all children end")
