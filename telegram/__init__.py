"""Joins this folder with python-telegram-bot, whose import name it shares.

Once imported, `telegram` is python-telegram-bot itself: its code, file and spec. This folder only
adds `telegram.main` and `telegram.bridge`. docs/decisions/0001-telegram-import-name.md says why.
"""

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType


def _become_library(module: ModuleType) -> None:
    here = Path(__file__).resolve().parent
    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != here.parent]
    spec = PathFinder.find_spec("telegram", elsewhere)
    if spec is None or spec.loader is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(
            "python-telegram-bot is not installed in this Python; "
            "run_telegram.sh sets up .venv with it",
            name="telegram",
        )
    # The library's folder comes first: should it ever grow a `main`, that fails at once and loudly.
    module.__path__ = [*spec.submodule_search_locations, str(here)]
    spec.loader.exec_module(module)
    # Last of all: until now other threads that import `telegram` wait on this module's own spec.
    module.__file__, module.__loader__, module.__spec__ = spec.origin, spec.loader, spec


_become_library(sys.modules[__name__])
del _become_library, sys, PathFinder, Path, ModuleType
