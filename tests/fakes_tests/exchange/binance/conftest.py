"""Fixtures: a fake Binance with a funded account, and ccxt connected to it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.exchange.terms import Fees, MarketKind
from tests.fakes.exchange.venues import RunningExchange, start_binance, usual_engine, usual_markets
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal


@pytest.fixture
def venue() -> Iterator[RunningExchange]:
    engine, account = usual_engine(usual_markets("USDT", MarketKind.SPOT))
    account.fees = Fees(D("0.001"), D("0.001"), "received")
    with start_binance(engine) as running:
        yield running


@pytest.fixture
def binance(venue: RunningExchange) -> Iterator[Any]:
    with connected(venue) as library:
        yield library
