"""ccxt itself against the fake Binance: what it is told of markets, of the account and its past."""

from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import MarketKind, Rights
from tests.fakes.exchange.venues import RunningExchange, start_binance, usual_engine, usual_markets
from tests.fakes.exchange.wire import Kind
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USDT"
START = 1_767_614_400.0  # 2026-01-05 12:00 UTC


def buy_some(binance: Any, quantity: float = 0.1) -> None:
    binance.create_order(SYMBOL, "market", "buy", quantity)


def test_markets_have_their_steps_and_minimums(binance: Any) -> None:
    market = binance.market(SYMBOL)
    assert (market["id"], market["type"], market["active"]) == ("BTCUSDT", "spot", True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-8, 0.1)
    assert market["limits"]["amount"]["min"] == 0.00005
    assert market["limits"]["cost"]["min"] == 0.5
    assert binance.currencies["BTC"]["id"] == "BTC"


def test_prices_trades_and_the_clock_are_those_of_the_engine(
    venue: RunningExchange, binance: Any
) -> None:
    venue.engine.tapes[SYMBOL].half_spread = D("0.5")
    venue.engine.price(SYMBOL, D("64001.5"), D("0.25"))
    ticker = binance.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64001.5, 64001.0, 64002.0)
    assert (ticker["open"], ticker["baseVolume"]) == (64000.0, 1.25)
    assert set(binance.fetch_tickers([SYMBOL, "ETH/USDT"])) == {SYMBOL, "ETH/USDT"}
    assert binance.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] == 64002.0
    assert binance.fetch_order_book(SYMBOL)["bids"][0] == [64001.0, 0.25]
    trade = binance.fetch_trades(SYMBOL)[-1]
    assert (trade["price"], trade["amount"], trade["side"]) == (64001.5, 0.25, "buy")
    assert abs(binance.fetch_time() / 1000 - venue.engine.clock.wall()) < 5


def test_candles_have_no_gaps_and_the_last_is_unfinished(
    venue: RunningExchange, binance: Any
) -> None:
    now = int(venue.engine.clock.wall() // 60) * 60
    past = [
        Candle(now - 60 * n, D(9), D(11), D(8), D(10), D(2), D(20), 3) for n in (2000, 1999, 1990)
    ]
    venue.engine.load_candles(SYMBOL, past)
    since = (now - 60 * 2000) * 1000
    rows = binance.fetch_ohlcv(SYMBOL, "1m", since=since, limit=12)
    assert [row[0] for row in rows] == [since + 60_000 * n for n in range(12)]
    assert rows[0] == [since, 9.0, 11.0, 8.0, 10.0, 2.0]
    assert rows[5] == [since + 300_000, 10.0, 10.0, 10.0, 10.0, 0.0]
    assert rows[10][5] == 2.0
    assert len(binance.fetch_ohlcv(SYMBOL, "1m")) == 500
    newest = binance.fetch_ohlcv(SYMBOL, "1m", limit=1000)[-1]
    assert newest[0] >= now * 1000


def test_trades_are_paged_by_id_and_by_days(venue: RunningExchange, binance: Any) -> None:
    for _number in range(5):
        buy_some(binance, 0.01)
    pages = [binance.fetch_my_trades(SYMBOL, None, 2, {"fromId": first}) for first in (1, 3, 5)]
    assert [[each["id"] for each in page] for page in pages] == [["1", "2"], ["3", "4"], ["5"]]
    assert [each["id"] for each in binance.fetch_my_trades(SYMBOL, None, 2)] == ["4", "5"]
    assert [each["id"] for each in binance.fetch_my_trades(SYMBOL, 1, 2)] == ["1", "2"]
    now = binance.milliseconds()
    venue.exchange.expect_complaint("-1127")
    with pytest.raises(ccxt.BadRequest, match="More than 24 hours"):
        binance.fetch_my_trades(SYMBOL, now - 90_000_000, None, {"until": now})
    venue.exchange.expect_complaint("-1128")
    with pytest.raises(ccxt.BadRequest):
        binance.fetch_my_trades(SYMBOL, 1, None, {"fromId": 1})


def test_orders_are_listed_by_id_and_time(binance: Any) -> None:
    made = [binance.create_order(SYMBOL, "limit", "buy", 0.01, 60000 + n) for n in range(3)]
    ids = [each["id"] for each in made]
    assert [each["id"] for each in binance.fetch_orders(SYMBOL, None, 2)] == ids[1:]
    after = binance.fetch_orders(SYMBOL, None, None, {"orderId": ids[1]})
    assert [each["id"] for each in after] == ids[1:]
    assert len(binance.fetch_orders(SYMBOL, 1, 2)) == 2
    with pytest.raises(ccxt.OrderNotFound, match="Order does not exist"):
        binance.fetch_order("999", SYMBOL)


def test_deposits_and_withdrawals_are_told(venue: RunningExchange, binance: Any) -> None:
    account = venue.engine.account("main")
    venue.engine.withdraw(account, "USDT", D(50))
    (came,), (went,) = binance.fetch_deposits(), binance.fetch_withdrawals()
    assert (came["amount"], came["currency"], came["status"]) == (100000.0, "USDT", "ok")
    assert (went["amount"], went["currency"], went["status"]) == (50.0, "USDT", "ok")
    assert abs(went["timestamp"] / 1000 - venue.engine.clock.wall()) < 60


def test_a_key_tells_its_rights_and_has_no_more(venue: RunningExchange, binance: Any) -> None:
    assert binance.sapiGetAccountApiRestrictions()["enableWithdrawals"] is False
    engine = venue.engine
    engine.add_key(engine.account("main"), "reading-key", "s3cret", Rights(trade=False))
    engine.add_key(engine.account("main"), "thief-key", "s3cret", Rights(withdraw=True))
    with connected(venue, key="thief-key") as thief:
        assert thief.sapiGetAccountApiRestrictions()["enableWithdrawals"] is True
    with connected(venue, key="reading-key") as reader:
        assert reader.fetch_balance()["USDT"]["total"] == 100000.0
        # What the library makes of -2015 once the key has worked: a ban for a while.
        with pytest.raises(ccxt.DDoSProtection, match="Invalid API-key"):
            reader.create_order(SYMBOL, "market", "buy", 0.01)


def test_what_is_young_is_not_shown_by_a_stale_answer() -> None:
    clock = ManualClock(START)
    engine, _account = usual_engine(usual_markets("USDT", MarketKind.SPOT), clock=clock)
    with (
        start_binance(engine) as venue,
        connected(venue, options={"timeDifference": _behind(clock)}) as binance,
    ):
        made = binance.create_order(SYMBOL, "limit", "buy", 0.01, 60000)
        venue.faults.stale(5.0, kind=(Kind.OPEN_ORDERS, Kind.ORDER), times=2)
        assert binance.fetch_open_orders(SYMBOL) == []
        with pytest.raises(ccxt.OrderNotFound):
            binance.fetch_order(made["id"], SYMBOL)
        assert [each["id"] for each in binance.fetch_open_orders(SYMBOL)] == [made["id"]]


def _behind(clock: ManualClock) -> int:
    """How much this machine's clock is ahead of the exchange's, in ms, as ccxt takes it away."""
    return int(ccxt.Exchange.milliseconds()) - round(clock.wall() * 1000)
