"""Every GraphQL document in the Python files of the installed wandb package."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wandb

_ROOT = Path(wandb.__file__).parent
_FOLDERS = ("apis", "sdk/artifacts", "sdk/internal")
_OPERATION = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:query|mutation)\s+(\w+)")


def operations() -> dict[str, str]:
    """Give the documents by the name of their operation, and by their place where it is not one."""
    found: dict[str, str] = {}
    for folder in _FOLDERS:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            for text in _texts(path):
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
