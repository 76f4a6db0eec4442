"""Fixtures: adapters of all exchanges, of those with spot markets, and other choices."""

from collections.abc import Iterator

import pytest

from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS, Desk, open_desk

SPOT = [name for name in SETTINGS if "-" not in name]


@pytest.fixture(params=list(SETTINGS))
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


@pytest.fixture(params=SPOT)
def spot(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


@pytest.fixture(params=[*SPOT, "krakenfutures-swap"])
def own(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


@pytest.fixture(params=[*SPOT, "kraken-generic", "binance-generic"])
def coins(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened
