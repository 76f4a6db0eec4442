"""A sample of seeded lives of a live account, one of each exchange after the other."""

import os
from pathlib import Path

import pytest

from tests.scenarios.story import play

SEED = os.environ.get("SCENARIO_SEED", "")


@pytest.mark.parametrize("seed", range(15))
def test_book_and_exchange_agree_whatever_happened(seed: int, tmp_path: Path) -> None:
    play(seed, tmp_path)


@pytest.mark.skipif(not SEED, reason="SCENARIO_SEED names the life to tell")
def test_one_seed(tmp_path: Path) -> None:
    bot = play(int(SEED), tmp_path)
    print("\n".join(bot.story))  # noqa: T201 - it was asked for
