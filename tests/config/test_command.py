"""Which commands of sweep files start our program."""

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.config.command import train_arguments


def is_ours(command: object, program: str | None = None) -> bool:
    return SweepConfig.model_validate(
        {"method": "grid", "command": command, "program": program}
    ).is_ours


@pytest.mark.parametrize(
    "command",
    [
        ["sweepcnn", "train"],
        ["/opt/venv/bin/sweepcnn", "train", "--json"],
        ["${envvar:VENV}/bin/sweepcnn", "train"],
        ["${env}", "sweepcnn", "train"],
        ["${env}", "CUDA_VISIBLE_DEVICES=1", "OMP_NUM_THREADS=", "sweepcnn", "train"],
        ["/usr/bin/env", "python3.11", "-m", "sweepcnn", "train"],
        ["${env}", "${interpreter}", "-m", "sweepcnn", "train", "${args}"],
        ["${interpreter}", "-u", "-OO", "-m", "sweepcnn", "train"],
        ["/opt/venv/bin/python", "/opt/venv/bin/sweepcnn", "train"],
    ],
    ids=" ".join,
)
def test_a_command_that_starts_sweepcnn_train_is_ours(command: list[str]) -> None:
    assert is_ours(command)


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["train"],
        ["sweepcnn"],
        ["sweepcnn", "describe"],
        ["sweepcnn", "--help", "train"],
        ["train", "sweepcnn"],
        ["sweepcnn train"],
        ["mysweepcnn", "train"],
        ["sweepcnn/train"],
        ["echo", "sweepcnn", "train"],
        ["${env}", "${interpreter}", "train.py", "sweepcnn", "train"],
        ["python", "-m", "other.sweepcnn", "train"],
        ["python", "-m", "/opt/sweepcnn", "train"],
        ["-m", "sweepcnn", "train"],
        ["${env}", "${interpreter}", "${program}", "${args}"],
        ["A=1", "sweepcnn", "train"],
    ],
    ids=" ".join,
)
def test_a_command_that_starts_another_program_is_not(command: list[str]) -> None:
    assert not is_ours(command, program="train.py")


@pytest.mark.parametrize(
    "command", [["${program}", "train"], ["${interpreter}", "-m", "${program}", "train"]]
)
def test_program_names_what_its_macro_starts(command: list[str]) -> None:
    assert is_ours(command, program="sweepcnn")
    assert not is_ours(command, program="train.py")
    assert not is_ours(command)


@pytest.mark.parametrize("program", [None, "train.py", "sweepcnn"])
@pytest.mark.parametrize("command", [None, "sweepcnn train"])
def test_without_a_command_of_words_the_agent_starts_the_program(
    command: str | None, program: str | None
) -> None:
    """W&B's agent reads a command only where it is a list, and else starts `python PROGRAM`."""
    assert not is_ours(command, program)


def test_the_arguments_are_what_follows() -> None:
    command = ["${env}", "sweepcnn", "train", "--set", "epochs=3", "${args}"]
    assert train_arguments(command, None) == ("--set", "epochs=3", "${args}")
    assert train_arguments(["sweepcnn", "train"], None) == ()
