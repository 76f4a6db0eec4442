"""The first 250 of the thousand lives: in a file of its own, so that they run beside the others."""

from pathlib import Path

import pytest

from tests.scenarios.story import play

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


@pytest.mark.parametrize("seed", range(25, 275))
def test_book_and_exchange_agree_whatever_happened(seed: int, tmp_path: Path) -> None:
    play(seed, tmp_path)
