"""Every GraphQL document of a wandb package: in its Python files, and in its Go program.

Run by the interpreter of an environment (`python -m tests.server.operations`) it prints those of
the package there as JSON.
"""

import ast
import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import wandb

_ROOT = Path(wandb.__file__).parent
_OPERATION = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:query|mutation)\s+(\w+)")
# What the Go program's generator writes: only a document's own braces stand at a line's start.
_COMPILED = re.compile(rb"\n(?:query|mutation) \w+ [\t\n -~]+?\n}(?:\nfragment [\t\n -~]+?\n})*\n")


def operations() -> dict[str, str]:
    """Give the documents of the Python files by the name of their operation."""
    paths = [path for path in sorted(_ROOT.rglob("*.py")) if "vendor" not in path.parts]
    return _named(text for path in paths for text in _texts(path))


def core_operations() -> dict[str, str]:
    """Give the documents of the Go program, which speaks for runs, by the same."""
    program = (_ROOT / "bin" / "wandb-core").read_bytes()
    return _named(found.decode() for found in _COMPILED.findall(program))


def _named(texts: Iterable[str]) -> dict[str, str]:
    """Name each by its operation; further ones of a name get an apostrophe."""
    found: dict[str, str] = {}
    for text in texts:
        name = _OPERATION.match(text)
        if name:
            key = name[1]
            while key in found and found[key] != text:
                key += "'"
            found[key] = text
    return found


def _texts(path: Path) -> Iterator[str]:
    parts = path.relative_to(_ROOT.parent).with_suffix("").parts
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    pieces = {id(part) for n in nodes if isinstance(n, ast.JoinedStr) for part in n.values}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in pieces:
                yield node.value
        elif isinstance(node, ast.JoinedStr) and _OPERATION.match(_filled(node, {})):
            yield _filled(node, vars(importlib.import_module(".".join(parts))))


def _filled(text: ast.JoinedStr, values: dict[str, Any]) -> str:
    """Fill in the module's own fragments; what is local to a function stays empty."""
    return "".join(
        str(part.value)
        if isinstance(part, ast.Constant)
        else str(values.get(ast.unparse(part.value), ""))
        if isinstance(part, ast.FormattedValue)
        else ""
        for part in text.values
    )


if __name__ == "__main__":
    json.dump({"python": operations(), "core": core_operations()}, sys.stdout)
