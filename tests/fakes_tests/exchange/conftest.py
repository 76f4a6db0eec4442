"""Fixtures: a fake Kraken with a funded account, and ccxt connected to it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.exchange.venues import RunningExchange, start_kraken, usual_engine
from tests.fakes_tests.exchange.library_calls import connected


@pytest.fixture
def venue() -> Iterator[RunningExchange]:
    engine, _account = usual_engine()
    with start_kraken(engine) as running:
        yield running


@pytest.fixture
def kraken(venue: RunningExchange) -> Iterator[Any]:
    with connected(venue) as library:
        yield library
