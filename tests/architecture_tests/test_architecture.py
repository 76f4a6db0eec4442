"""The project's dependency rules, as tables, checked on the source itself."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.architecture_tests.source_tree import (
    SHIPPED,
    Module,
    dotted_uses,
    find_cycle,
    forget,
    functions,
    imports,
    is_below,
    modules,
)
from tests.processes import ROOT

LIBRARY = "python-telegram-bot"
OUR_PACKAGES = ("tcpproto", "daemonkit", "trading", "telegram", "scripts", "tests", "benchmarks")
FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 500
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager"}

# Each package may import these of ours, and no other.
LAYERS = {
    "tcpproto": {"tcpproto"},
    "daemonkit": {"daemonkit"},
    "trading": {"trading", "tcpproto", "daemonkit"},
    "telegram": {"telegram", "tcpproto", "daemonkit"},
}

# Who may name a library (or a standard module), and nobody else.
HOMES = {
    "ccxt": {"trading.brokers"},
    LIBRARY: {"telegram.bridge.bot"},
    "sqlalchemy": {"daemonkit.storage", "trading.store", "telegram.bridge.store"},
    "alembic": {"daemonkit.storage", "trading.store", "telegram.bridge.store"},
    "sqlite3": {"daemonkit.storage", "trading.store", "telegram.bridge.store"},
    "fastapi": {"trading.web"},
    "async_rithmic": {"trading.brokers.rithmic"},
}

# The parts of tcpproto that touch sockets or threads; all others are its core.
LINK_SHELLS = {
    "tcpproto",
    "tcpproto.client",
    "tcpproto.client_callbacks",
    "tcpproto.client_queue",
    "tcpproto.client_stream",
    "tcpproto.server",
    "tcpproto.server_callbacks",
    "tcpproto.server_conversations",
    "tcpproto.server_listener",
    "tcpproto.server_peer",
    "tcpproto.server_sockets",
    "tcpproto.tls",
}
OUTSIDE_WORLD = {
    *("socket", "ssl", "select", "selectors", "asyncio", "threading", "queue", "subprocess"),
    *("time", "logging", "os", "pathlib", "signal", "multiprocessing"),
}

CLOCK_READERS = {
    *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter"),
    *("time.perf_counter_ns", "time.sleep", "datetime.now", "datetime.utcnow", "datetime.today"),
    *("date.today",),
}


@dataclass(frozen=True, slots=True)
class Ban:
    """Modules below `where`, but for `shells`, import nothing below any of `what`."""

    where: str
    what: frozenset[str]
    why: str
    shells: frozenset[str] = frozenset()


BANS = (
    Ban(
        "trading.model",
        frozenset(
            {"trading.engine", "trading.store", "trading.link", "trading.market", *OUTSIDE_WORLD}
        ),
        "the model is values",
    ),
    Ban(
        "trading.engine",
        frozenset(
            {
                *("trading.store", "trading.link", "trading.app", "trading.guard"),
                *("tcpproto.client", *OUTSIDE_WORLD),
            }
        ),
        "the engine's core turns events into effects and touches nothing",
        shells=frozenset({"trading.engine.engine", "trading.engine.inbox"}),
    ),
    Ban(
        "trading.risk",
        frozenset(
            {
                *("trading.engine", "trading.store", "trading.link", "trading.market"),
                *("trading.brokers", "trading.strategies", "trading.reports", "trading.app"),
                *("trading.config", "tcpproto", "daemonkit.clock", *OUTSIDE_WORLD),
            }
        ),
        "risk decides on what it is shown",
    ),
)


@pytest.fixture(scope="module", autouse=True)
def trees() -> Iterator[None]:
    yield
    forget()


def _imported_library(module: Module, name: str) -> str:
    if not is_below(name, "telegram"):
        return name.split(".", maxsplit=1)[0]
    ours = any(is_below(name, own) for own in ("telegram.main", "telegram.bridge"))
    return "telegram" if ours else LIBRARY


@pytest.mark.parametrize("package", LAYERS)
def test_packages_import_only_the_layers_below_them(package: str) -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules(package)
        for name in imports(module)
        if (top := name.split(".")[0]) in OUR_PACKAGES and top not in LAYERS[package]
    ]
    assert not wrong


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_named_in_its_home_only(library: str) -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules(*SHIPPED)
        for name in imports(module)
        if _imported_library(module, name) == library
        and not any(is_below(module.name, home) for home in HOMES[library])
    ]
    assert not wrong


def test_the_core_of_the_link_needs_the_standard_library_and_orjson_only() -> None:
    allowed = (sys.stdlib_module_names - OUTSIDE_WORLD) | {"tcpproto", "orjson"}
    wrong = [
        f"{module.name} imports {name}"
        for module in modules("tcpproto")
        if module.name not in LINK_SHELLS
        for name in imports(module)
        if name.split(".")[0] not in allowed
    ]
    assert not wrong


def test_the_core_of_the_link_does_not_know_its_shells() -> None:
    wrong = [
        f"{module.name} imports {name}"
        for module in modules("tcpproto")
        if module.name not in LINK_SHELLS
        for name in imports(module)
        if any(is_below(name, shell) for shell in LINK_SHELLS - {"tcpproto"})
    ]
    assert not wrong


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.where)
def test_the_core_of_trading_stays_pure(ban: Ban) -> None:
    wrong = [
        f"{module.name} imports {name}: {ban.why}"
        for module in modules("trading")
        if is_below(module.name, ban.where) and module.name not in ban.shells
        for name in imports(module)
        if any(is_below(name, banned) for banned in ban.what)
    ]
    assert not wrong


def test_only_the_risk_gate_approves_orders() -> None:
    home, proof = "trading.risk.approval", "trading.risk.approval.ApprovedOrder"
    wrong = [
        f"{module.name} imports {name}"
        for module in modules(*SHIPPED)
        if module.name != "trading.risk.gate"
        for name in imports(module)
        if is_below(name, home) and name != proof
    ] + [
        f"{module.name}:{node.lineno} makes an ApprovedOrder"
        for module in modules(*SHIPPED)
        if module.name != home
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ApprovedOrder")
    ]
    assert not wrong


def test_the_clock_is_read_in_one_module() -> None:
    wrong = [
        f"{module.path.relative_to(ROOT)}:{line}: {name}"
        for module in modules(*SHIPPED)
        if module.name != "daemonkit.clock"
        for name, line in dotted_uses(module)
        if name.removeprefix("datetime.") in CLOCK_READERS or name in CLOCK_READERS
    ]
    assert not wrong


def test_packages_hold_no_code_of_their_own() -> None:
    allowed: dict[str, tuple[type[ast.AST], ...]] = {
        "telegram": (ast.AST,),
        "tcpproto": (ast.ImportFrom, ast.Assign),
    }
    wrong = [
        f"{module.path.relative_to(ROOT)}:{node.lineno}"
        for module in modules(*SHIPPED)
        if module.is_package
        for node in module.tree.body[1:]
        if not isinstance(node, allowed.get(module.name, ()))
    ]
    assert not wrong


def test_no_two_modules_import_each_other() -> None:
    known = {module.name: module for module in modules(*SHIPPED)}
    graph: dict[str, set[str]] = {}
    for name, module in known.items():
        targets = set()
        for imported in imports(module):
            parent = imported.rpartition(".")[0]
            targets |= {candidate for candidate in (imported, parent) if candidate in known}
        # A package's own module may be named through the package.
        graph[name] = {
            target
            for target in targets
            if not (known[target].is_package and is_below(name, target))
        }
    cycle = find_cycle(graph)
    assert cycle is None, " -> ".join(cycle or [])


def test_no_module_has_a_name_that_says_nothing() -> None:
    files = [
        path
        for folder in (*SHIPPED, "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert files
    wrong = [
        str(path.relative_to(ROOT))
        for path in files
        if (path.parent if path.name == "__init__.py" else path).stem in FORBIDDEN_NAMES
    ]
    assert not wrong


def test_no_folder_of_tests_is_named_like_the_library() -> None:
    assert not (ROOT / "tests" / "telegram").exists()


def test_functions_and_modules_stay_readable() -> None:
    wrong = []
    for module in modules(*SHIPPED, "benchmarks"):
        path = module.path.relative_to(ROOT)
        lines = len(module.path.read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES_MAX:
            wrong.append(f"{path}: {lines} lines")
        for function in functions(module):
            length = (function.end_lineno or 0) - function.lineno + 1
            if length > FUNCTION_LINES_MAX:
                wrong.append(f"{path}:{function.lineno}: {function.name} has {length} lines")
    assert not wrong
