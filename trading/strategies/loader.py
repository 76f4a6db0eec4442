"""Find and load strategy files: the shipped library and the user's production folder.

The one part of the strategies that touches files. Loading runs the file's code, so whatever may
go wrong in it becomes one line for a person. Must not know instances or the engine.
"""

import hashlib
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from trading.strategies.base import Strategy, handles_bars, handles_ticks
from trading.strategies.errors import StrategyLoadError
from trading.strategies.load_limit import LOAD_MAX_S, LoadInterrupted, load_limit
from trading.strategies.schema import Schema, parse_schema

SOURCE_SIZE_MAX: Final = 1_048_576
LIBRARY: Final = Path(__file__).resolve().parent / "library"
# The modules of strategy files are called so, and nothing else is.
MODULE_PREFIX: Final = "tradebridge_strategy_"
PRODUCTION: Final = Path(__file__).resolve().parents[2] / "strategies" / "production"
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class StrategyType:
    """Hold a loaded strategy: its class, what it wants, and which text it was loaded from."""

    name: str
    cls: type[Strategy]
    file: Path
    fingerprint: str
    schema: Schema

    @property
    def handles_ticks(self) -> bool:
        """Whether ticks are to be handed to it."""
        return handles_ticks(self.cls)

    @property
    def handles_bars(self) -> bool:
        """Whether closed candles are to be handed to it."""
        return handles_bars(self.cls)


def find_strategy(
    name: str, *, production: Path = PRODUCTION, library: Path = LIBRARY
) -> StrategyType:
    """Load a strategy by name from the library or the user's production folder.

    A name that both have is refused: nobody should wonder which of the two trades.
    """
    if not _NAME.fullmatch(name) or name.startswith("__"):
        raise StrategyLoadError(
            f"strategy: found {name!r}, allowed 1 to 64 of a-z, 0-9 and _, as the file is named"
        )
    files = [file for folder in (library, production) if (file := folder / f"{name}.py").is_file()]
    if len(files) > 1:
        raise StrategyLoadError(
            f"{files[1]}: strategy {name}: found also in the shipped library, "
            "allowed a name of its own: rename the file"
        )
    if not files:
        known = ", ".join(list_strategies(production=production, library=library)) or "none"
        raise StrategyLoadError(
            f"strategy: found {name}, of which there is no file {production / f'{name}.py'}, "
            f"allowed {known}"
        )
    folder = files[0].parent.resolve()
    if files[0].resolve().parent != folder:
        raise StrategyLoadError(
            f"{files[0]}: found a link to another folder, allowed a file: bots trade only with "
            "what stands in the production folder"
        )
    return load_strategy(files[0])


def list_strategies(*, production: Path = PRODUCTION, library: Path = LIBRARY) -> list[str]:
    """Return the names that can be loaded, without loading them."""
    found = {
        file.stem
        for folder in (library, production)
        for file in folder.glob("*.py")
        if _NAME.fullmatch(file.stem) and not file.stem.startswith("__") and file.is_file()
    }
    return sorted(found)


def load_strategy(file: Path, *, limit_s: float = LOAD_MAX_S) -> StrategyType:
    """Load the one strategy of a file, wherever it lies; its code may take so long."""
    source = _read(file)
    fingerprint = hashlib.sha256(source).hexdigest()
    name = f"{MODULE_PREFIX}{file.stem}_{fingerprint[:16]}"
    module = _run(source, file, name, limit_s)
    found = _find_class(module, file)
    where = f"{file}: {found.__name__}"
    schema = parse_schema(getattr(found, "CONFIG_SCHEMA", {}), where)
    return StrategyType(file.stem, _as_strategy(found, where), file, fingerprint, schema)


def _read(file: Path) -> bytes:
    if file.exists() and not file.is_file():
        raise StrategyLoadError(f"{file}: found no regular file, allowed a strategy's source")
    try:
        with file.open("rb") as opened:
            source = opened.read(SOURCE_SIZE_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StrategyLoadError(f"{file}: cannot be read: {reason}") from None
    if len(source) > SOURCE_SIZE_MAX:
        raise StrategyLoadError(
            f"{file}: found more than 1 MiB, allowed a strategy of at most that"
        )
    return source


def _run(source: bytes, file: Path, module_name: str, limit_s: float) -> ModuleType:
    module = ModuleType(module_name)
    module.__file__ = str(file)
    # Dataclasses and type hints look their module up by name.
    sys.modules[module_name] = module
    try:
        code = compile(source, str(file), "exec", dont_inherit=True)
        with load_limit(limit_s):
            exec(code, module.__dict__)  # noqa: S102
    except BaseException as error:  # the file is the user's: anything may come
        sys.modules.pop(module_name, None)
        raise StrategyLoadError(_describe(error, file)) from error
    return module


def _describe(error: BaseException, file: Path) -> str:
    if isinstance(error, LoadInterrupted):
        return f"{file}: {error}; allowed code that returns at once: act in on_tick or on_bar"
    line: int | None = None
    if isinstance(error, SyntaxError) and error.filename == str(file):
        line, text = error.lineno, error.msg
    else:
        text = str(error)
        for frame in traceback.extract_tb(error.__traceback__):
            line = frame.lineno if frame.filename == str(file) else line
    place = f"{file}:{line}" if line else str(file)
    return f"{place}: {type(error).__name__}" + (f": {text}" if text else "")


def _find_class(module: ModuleType, file: Path) -> type[Any]:
    candidates = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and (issubclass(value, Strategy) or value.__name__ == "Strategy")
    ]
    # A class from which another one in the file is made is only a part of it.
    found = [
        one
        for one in dict.fromkeys(candidates)
        if not any(issubclass(other, one) for other in candidates if other is not one)
    ]
    if len(found) == 1:
        return found[0]
    names = " and ".join(one.__name__ for one in found) or "no strategy"
    raise StrategyLoadError(
        f"{file}: found {names}, allowed one class: `class Strategy`, or a subclass of "
        "trading.strategies.base.Strategy"
    )


def _as_strategy(found: type[Any], where: str) -> type[Strategy]:
    """Return a class that has every method, also where the file's class stands on its own."""
    if issubclass(found, Strategy):
        return found
    try:
        return type(found.__name__, (found, Strategy), {"__module__": found.__module__})
    except TypeError as error:
        raise StrategyLoadError(f"{where}: cannot be used as a strategy: {error}") from None
