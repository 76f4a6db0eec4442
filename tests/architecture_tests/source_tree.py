"""Reads the project's source as syntax trees: what each module imports, calls and contains."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.processes import ROOT

SHIPPED = ("tcpproto", "daemonkit", "trading", "telegram", "scripts")


@dataclass(frozen=True, slots=True)
class Module:
    """One source file under its dotted name."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Tell whether this is an __init__.py."""
        return self.path.name == "__init__.py"


def _load(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8")))


@cache
def _modules_below(folder: str) -> tuple[Module, ...]:
    return tuple(_load(path) for path in sorted((ROOT / folder).rglob("*.py")))


def modules(*folders: str) -> Iterator[Module]:
    """Give every module below these folders of the root, each read once until `forget`."""
    for folder in folders:
        yield from _modules_below(folder)


def forget() -> None:
    """Let go of all trees: millions of objects, at which each later collection would look."""
    _modules_below.cache_clear()


def is_below(name: str, parent: str) -> bool:
    """Tell whether a dotted name is `parent` or lies in it."""
    return name == parent or name.startswith(f"{parent}.")


def imports(module: Module) -> Iterator[str]:
    """Name everything it imports, wherever in the file: `from a import b` gives `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted_uses(module: Module) -> Iterator[tuple[str, int]]:
    """Name every `a.b` and `from a import b` with its line."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    """Return one cycle of a graph, or None."""
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in finished:
            return None
        for target in sorted(graph[name]):
            if cycle := visit(target, [*path, name]):
                return cycle
        finished.add(name)
        return None

    return next((cycle for name in sorted(graph) if (cycle := visit(name, []))), None)
