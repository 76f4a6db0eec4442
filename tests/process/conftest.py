"""Fixtures of the tests with both real programs."""

from pathlib import Path

import pytest

from tests.process.installation import Installation
from tests.processes import Processes
from tests.small_filesystem import small_filesystem

__all__ = ["small_filesystem"]


@pytest.fixture
def here(processes: Processes, tmp_path: Path) -> Installation:
    """One installation in folders of this test's own."""
    return Installation(processes, tmp_path)
