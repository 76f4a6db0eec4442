"""Fixtures of these tests."""

import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from daemonkit.redaction import Redactor
from tests.small_filesystem import small_filesystem

__all__ = ["small_filesystem"]


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test hide a word that another one expects to see."""
    monkeypatch.setattr("daemonkit.secrets._REDACTOR", Redactor())


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let a test set up logging and the exception hooks, and put everything back."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.raiseExceptions = raising
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
