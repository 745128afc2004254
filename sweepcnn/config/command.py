"""The command of a sweep file: the words from which W&B's agent makes the process of each run."""

import re
from collections.abc import Sequence
from itertools import dropwhile

_MODULE = ("-m", "sweepcnn")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)  # as in `env CUDA_VISIBLE_DEVICES=1 ...`
_INTERPRETER = re.compile(r"\$\{interpreter\}|python[0-9.]*")
_FLAG = re.compile(r"-[bBdEIOPsSuv]+")  # the interpreter's options without values


def train_arguments(
    command: str | Sequence[str] | None, program: str | None
) -> tuple[str, ...] | None:
    """Give the words that follow `sweepcnn train`; null where the command starts another program.

    In front of it may stand `env` with assignments and a Python interpreter, as words or as W&B's
    macros; other macros are left as they are. A command that is one text starts another program:
    agents do not read it and start `program` with Python.
    """
    if command is None or isinstance(command, str):
        return None
    words = [program if word == "${program}" and program else word for word in command]
    if _name(words[:1]) in ("env", "${env}"):
        words = list(dropwhile(_ASSIGNMENT.fullmatch, words[1:]))
    if _INTERPRETER.fullmatch(_name(words[:1])):
        words = list(dropwhile(_FLAG.fullmatch, words[1:]))
        if tuple(words[:2]) == _MODULE:
            words = words[1:]
    if _name(words[:1]) != "sweepcnn" or words[1:2] != ["train"]:
        return None
    return tuple(words[2:])


def _name(words: Sequence[str]) -> str:
    """Give the first word's name without its folder; nothing where there is no word."""
    return words[0].rpartition("/")[2] if words else ""
