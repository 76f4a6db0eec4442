"""ccxt itself against the fake Binance: how it counts requests, and refuses what is too much."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock, SystemClock
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import MarketKind
from tests.fakes.exchange.venues import start_binance, usual_engine, usual_markets
from tests.fakes_tests.exchange.library_calls import connected

SYMBOL = "BTC/USDT"
BEGAN_S = 10


@dataclass
class Rig:
    """ccxt, and an exchange whose clock stands still ten seconds into a minute."""

    clock: ManualClock
    engine: Engine
    library: Any

    @property
    def headers(self) -> dict[str, str]:
        """What the last answer told beside itself."""
        return {name.lower(): value for name, value in self.library.last_response_headers.items()}

    @property
    def used(self) -> int:
        """What the exchange has counted this minute."""
        return int(self.headers["x-mbx-used-weight-1m"])

    def advance(self, seconds: float) -> None:
        """Let time pass at the exchange and for the signatures."""
        self.clock.advance(seconds)
        self.library.options["timeDifference"] -= int(seconds * 1000)

    def rest(self) -> None:
        """Have an order rest."""
        self.library.create_order(SYMBOL, "limit", "buy", 0.01, 1000)

    def use_up(self) -> None:
        """Ask until it is refused."""
        for _ in range(100):
            try:
                self.library.fetch_balance()
            except ccxt.DDoSProtection:
                return
        raise AssertionError("never refused")


@contextmanager
def open_rig(weight_max: int) -> Iterator[Rig]:
    real = SystemClock.wall()
    began = real // 60 * 60 + BEGAN_S
    clock = ManualClock(began)
    engine, _account = usual_engine(usual_markets("USDT", MarketKind.SPOT), clock=clock)
    options = {"timeDifference": int((real - began) * 1000), "fetchMarkets": {"types": ["spot"]}}
    with (
        start_binance(engine, weight_max=weight_max) as venue,
        connected(venue, options=options) as library,
    ):
        yield Rig(clock, engine, library)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with open_rig(200) as made:
        yield made


@pytest.mark.parametrize(
    ("ask", "weight"),
    [
        (lambda library: library.publicGetTime(), 1),
        (lambda library: library.fetch_balance(), 20),
        (lambda library: library.privateGetOpenOrders({"symbol": "BTCUSDT"}), 6),
        (lambda library: library.privateGetOpenOrders(), 80),
        (lambda library: library.fetch_my_trades(SYMBOL), 20),
        (lambda library: library.create_order(SYMBOL, "limit", "buy", 0.01, 1000), 1),
        (lambda library: library.fetch_ohlcv(SYMBOL), 2),
    ],
)
def test_each_request_has_its_weight(rig: Rig, ask: Any, weight: int) -> None:
    rig.library.publicGetTime()
    before = rig.used
    ask(rig.library)
    assert rig.used == before + weight


def test_the_count_begins_anew_with_each_minute_of_the_exchange(rig: Rig) -> None:
    rig.use_up()
    assert rig.headers["retry-after"] == str(60 - BEGAN_S + 1)
    rig.advance(60 - BEGAN_S)
    rig.library.fetch_balance()
    assert rig.used == 20


def test_who_asks_on_after_a_refusal_is_banned_each_time_for_twice_as_long(rig: Rig) -> None:
    for ban_s in (120, 240):
        rig.use_up()
        for _ in range(4):
            with pytest.raises(ccxt.DDoSProtection, match="429"):
                rig.library.fetch_balance()
        until_ms = int((rig.clock.wall() + ban_s) * 1000)
        with pytest.raises(ccxt.DDoSProtection, match=f"418.*IP banned until {until_ms}"):
            rig.library.fetch_balance()
        assert rig.headers["retry-after"] == str(ban_s)
        rig.advance(ban_s - 1)
        with pytest.raises(ccxt.DDoSProtection, match="418"):
            rig.rest()
        rig.advance(1)
        rig.rest()


def test_what_is_beside_the_api_is_counted_for_itself(rig: Rig) -> None:
    rig.use_up()
    rig.library.sapiGetCapitalDepositHisrec()
    assert rig.headers["x-sapi-used-ip-weight-1m"] == "1"
    assert "x-mbx-used-weight-1m" not in rig.headers


def test_a_hundred_orders_may_rest_anew_within_ten_seconds_and_it_is_not_said_how_long() -> None:
    with open_rig(6_000) as rig:
        for _ in range(100):
            rig.rest()
        assert rig.headers["x-mbx-order-count-10s"] == "100"
        with pytest.raises(ccxt.DDoSProtection, match=r"-1015.*100 orders per 10 SECOND"):
            rig.rest()
        assert "retry-after" not in rig.headers
        assert rig.library.cancel_order(rig.engine.orders(rig.engine.account("main"))[0].id, SYMBOL)
        rig.advance(10)
        rig.rest()
        assert rig.headers["x-mbx-order-count-10s"] == "1"
        assert rig.headers["x-mbx-order-count-1d"] == "101"


def test_orders_that_are_executed_do_not_count() -> None:
    with open_rig(6_000) as rig:
        for _ in range(7):
            rig.rest()
        rig.library.create_order(SYMBOL, "market", "buy", 0.01)
        assert rig.headers["x-mbx-order-count-10s"] == "7"
        rig.library.create_order(SYMBOL, "limit", "buy", 0.01, 63_000)
        rig.engine.price(SYMBOL, Decimal(62_990))
        rig.rest()
        assert rig.headers["x-mbx-order-count-10s"] == "4", "one that rested counts for five"
