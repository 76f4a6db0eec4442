"""Fixtures: a venue that matches, with a spot and a swap market, and a funded account."""

from decimal import Decimal

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Fees, Market, MarketKind

D = Decimal
SPOT = "BTC/USD"
SWAP = "BTC/USD:USD"


@pytest.fixture
def engine() -> Engine:
    markets = [
        Market(SPOT, "BTC", "USD", D("0.1"), D("0.0001"), D("0.001"), D(5), MarketKind.MARGIN, 5),
        Market(
            SWAP, "BTC", "USD", D(1), D("0.01"), D("0.01"), kind=MarketKind.SWAP, leverage_max=5
        ),
    ]
    engine = Engine(ManualClock(1_800_000_000.0), markets)
    account = engine.add_account("main", Fees(D("0.001"), D("0.002")))
    engine.deposit(account, "USD", D(1000))
    engine.price(SPOT, D(100))
    engine.price(SWAP, D(100))
    return engine


@pytest.fixture
def account(engine: Engine) -> Account:
    return engine.account("main")
