"""Fixtures of the tests with real trading processes."""

from pathlib import Path

import pytest

from tests.processes import Processes
from tests.trading_tests.process.bot import Bot


@pytest.fixture
def bot(processes: Processes, tmp_path: Path) -> Bot:
    """One bot with its own folders."""
    return Bot(processes, tmp_path)
