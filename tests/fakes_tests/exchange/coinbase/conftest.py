"""Fixtures: a fake Coinbase with a funded account, and ccxt connected to it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.exchange.coinbase import Duplicates
from tests.fakes.exchange.terms import Fees, MarketKind
from tests.fakes.exchange.venues import (
    RunningExchange,
    coinbase_secret,
    start_coinbase,
    usual_engine,
    usual_markets,
)
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal


@pytest.fixture
def venue(request: pytest.FixtureRequest) -> Iterator[RunningExchange]:
    engine, account = usual_engine(usual_markets("USD", MarketKind.SPOT), secret=coinbase_secret())
    account.fees = Fees(D("0.004"), D("0.006"))
    duplicates = getattr(request, "param", Duplicates.ANSWER_FIRST)
    with start_coinbase(engine, duplicates=duplicates) as running:
        yield running


@pytest.fixture
def coinbase(venue: RunningExchange) -> Iterator[Any]:
    with connected(venue) as library:
        yield library
