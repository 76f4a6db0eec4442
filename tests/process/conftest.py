"""Fixtures of the tests with both real programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes.exchange.venues import start_kraken, usual_engine
from tests.process.installation import Installation
from tests.process.live_desk import LiveDesk
from tests.process.phone_desk import TRADER
from tests.processes import Processes
from tests.small_filesystem import small_filesystem

__all__ = ["small_filesystem"]


@pytest.fixture
def here(processes: Processes, tmp_path: Path) -> Installation:
    """One installation in folders of this test's own."""
    return Installation(processes, tmp_path)


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    """A Bot API that fails the test on whatever the real one would refuse."""
    with FakeBotApi() as server:
        yield server


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    """The phone of the one person who is listed."""
    return api.phone(api.person("Ann", TRADER), has_met_bot=True)


@pytest.fixture
def desk(here: Installation) -> Iterator[LiveDesk]:
    """A bot with an account at Kraken, where something is traded all the time."""
    engine, account = usual_engine()
    with start_kraken(engine) as venue:
        made = LiveDesk(here, venue, account)
        with made.ticking():
            yield made
