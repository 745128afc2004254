"""The house's rules: which room may import which, without cycles, and what stays unloaded."""

import ast
import graphlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sweepcnn"

MAY_IMPORT: dict[str, set[str]] = {
    "config": set(),
    "plan": {"config"},
    "models": {"plan"},
    "data": {"config"},
    "training": {"config", "plan", "models", "data"},  # plan: to restore a checkpoint
    "figures": set(),
    "evaluation": {"models", "data", "training", "figures"},
    "tracking": {"config"},
    "agent": {
        "config",
        "plan",
        "models",
        "data",
        "training",
        "figures",
        "evaluation",
        "tracking",
    },
    "demo": {"tracking"},
    "search": {"config", "plan"},
    "storage": set(),
    "scheduler": {"config", "search", "storage"},
    "server": {"storage", "scheduler"},
    "web": {"storage", "scheduler", "analysis"},
    "analysis": {"config"},
    "preflight": {"config", "plan", "search"},
}
"""Which rooms a room may import, besides itself and `errors`; `cli` may import all."""

WITHOUT_TORCH = ("server", "web", "scheduler", "storage", "cli", "config", "plan", "search")
HEAVY = {"torch", "torchvision", "optuna", "wandb"}
LONGEST = 400


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name, and whether the import runs with its module."""

    name: str
    at_load: bool


@cache
def modules() -> dict[str, Path]:
    """Give all modules of the package by name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("sweepcnn", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def imports(module: str) -> tuple[Import, ...]:
    """List what a module imports."""
    tree = ast.parse(modules()[module].read_text("utf-8"))
    return tuple(_walk(tree, module, at_load=True))


def _walk(node: ast.AST, module: str, *, at_load: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            yield from (Import(alias.name, at_load) for alias in names)
        case ast.ImportFrom(module=base, names=names, level=0):
            for alias in names:
                inner = f"{base}.{alias.name}"
                yield Import(inner if inner in modules() else str(base), at_load)
        case ast.ImportFrom():
            pytest.fail(f"{module} has a relative import; write the module's full name")
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            for statement in node.body:
                yield from _walk(statement, module, at_load=False)
            for statement in node.orelse:
                yield from _walk(statement, module, at_load=at_load)
        case _:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from _walk(child, module, at_load=at_load and not inside)


def room_of(module: str) -> str:
    """Give the room of a module of ours; that of `sweepcnn` itself is empty."""
    return module.split(".")[1] if "." in module else ""


def ours(module: str) -> list[Import]:
    """List what a module imports of this package."""
    return [found for found in imports(module) if found.name.split(".")[0] == "sweepcnn"]


def test_every_room_has_a_rule() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms - {"cli"} <= set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room, "errors"}
    broken = [
        f"{module} imports {found.name}"
        for module in modules()
        if room_of(module) == room
        for found in ours(module)
        if room_of(found.name) not in allowed
    ]
    assert broken == []


def test_errors_import_nothing_of_ours_and_nothing_imports_the_command_line() -> None:
    assert ours("sweepcnn.errors") == []
    users = [
        module
        for module in modules()
        if room_of(module) not in ("cli", "__main__")
        and any(room_of(found.name) == "cli" for found in ours(module))
    ]
    assert users == []


def test_modules_do_not_import_each_other_in_circles() -> None:
    # Imports within functions count too: they hide a circle, they do not open it. A package's
    # `__init__` gathers its modules, which may not import it in turn.
    graph = {
        module: {found.name for found in ours(module) if found.name in modules()}
        for module in modules()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_a_light_room_loads_no_heavy_library(room: str) -> None:
    broken = [
        f"{module} imports {found.name}"
        for module in modules()
        if room_of(module) == room
        for found in imports(module)
        if found.at_load and found.name.split(".")[0] in HEAVY
    ]
    assert broken == []


def test_only_tracking_and_the_demo_import_wandb() -> None:
    users = {
        room_of(module)
        for module in modules()
        if any(found.name.split(".")[0] == "wandb" for found in imports(module))
    }
    assert users <= {"tracking", "demo"}


def test_the_command_line_loads_no_room() -> None:
    broken = [
        f"{module} imports {found.name}"
        for module in modules()
        if room_of(module) == "cli"
        for found in ours(module)
        if found.at_load and room_of(found.name) not in ("", "cli", "errors")
    ]
    assert broken == []


@pytest.mark.parametrize("module", modules())
def test_a_module_is_short_enough_to_be_read(module: str) -> None:
    assert len(modules()[module].read_text("utf-8").splitlines()) <= LONGEST


def test_the_walk_finds_imports_wherever_they_stand() -> None:
    assert Import("sweepcnn.config.run", at_load=True) in imports("sweepcnn.config")
    assert Import("sweepcnn.agent", at_load=False) in imports("sweepcnn.cli.train")
    assert Import("wandb", at_load=False) in imports("sweepcnn.demo.story")
    assert Import("torch", at_load=True) in imports("sweepcnn.agent.run")
