import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import Result

VERBS = ["demo", "train", "describe", "best", "server", "data fetch"]
VERBS += ["server gc", "server doctor"]
VERBS += ["user add", "user list", "user remove"]
VERBS += ["team add", "team list", "team remove-member"]
HEAVY = ("torch", "wandb", "sqlalchemy", "optuna", "numpy", "sweepcnn.config")


def test_help_names_all_verbs(sweepcnn: Callable[..., Result]) -> None:
    done = sweepcnn("--help")
    assert (done.code, done.err) == (0, "")
    listed = re.findall(r"^  (\w+)  ", done.out.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(dict.fromkeys(verb.split()[0] for verb in VERBS))


def test_no_words_at_all_give_the_help(sweepcnn: Callable[..., Result]) -> None:
    assert sweepcnn() == sweepcnn("--help")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_shows_two_examples_on_lines_of_their_own(
    verb: str, sweepcnn: Callable[..., Result]
) -> None:
    done = sweepcnn(*verb.split(), "--help")
    assert (done.code, done.err) == (0, "")
    examples = re.search(r"^  Examples:\n((?:    .+\n)+)", done.out, re.MULTILINE)
    assert examples
    lines = examples[1].splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(f"    sweepcnn {verb}")


@pytest.mark.parametrize("verb", VERBS)
def test_examples_use_options_that_exist(verb: str, sweepcnn: Callable[..., Result]) -> None:
    text = sweepcnn(*verb.split(), "--help").out
    head, _, options = text.partition("Options:")
    used = re.findall(r"(--[a-z-]+)", head.partition("Examples:")[2])
    assert set(used) <= set(re.findall(r"(--[a-z-]+)", options))


@pytest.mark.parametrize("verb", VERBS)
def test_h_is_help(verb: str, sweepcnn: Callable[..., Result]) -> None:
    assert sweepcnn(*verb.split(), "-h") == sweepcnn(*verb.split(), "--help")


def loaded(verb: str, modules: tuple[str, ...]) -> str:
    """Show the help of a verb in a process of its own; gives which modules it loaded."""
    code = (
        "import sys\n"
        f"sys.argv = ['sweepcnn', *{verb.split()!r}, '--help']\n"
        "from sweepcnn.cli import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    print(*[m for m in {modules!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ")
    return done.stderr.strip()


def test_the_help_loads_no_library() -> None:
    assert loaded("", (*HEAVY, "pydantic", "rich", "yaml")) == ""


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_loads_none_of_our_rooms(verb: str) -> None:
    assert loaded(verb, HEAVY) == ""  # pydantic is Typer's own need here


def test_the_help_takes_less_than_half_a_second_of_cpu() -> None:
    def cpu_seconds() -> float:
        before = os.times()
        subprocess.run(
            [sys.executable, "-m", "sweepcnn", "--help"], stdout=subprocess.DEVNULL, check=True
        )
        after = os.times()
        spent = after.children_user + after.children_system
        return spent - before.children_user - before.children_system

    assert min(cpu_seconds() for _ in range(3)) < 0.5
