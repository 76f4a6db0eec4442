"""ccxt itself against the fake Coinbase: what it is told of products, the account and its past."""

from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Rights
from tests.fakes.exchange.venues import RunningExchange, coinbase_secret
from tests.fakes.exchange.wire import Kind
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
SYMBOL = "BTC/USD"


def test_products_have_their_steps_minimums_and_fees(coinbase: Any) -> None:
    market = coinbase.market(SYMBOL)
    assert (market["id"], market["type"], market["active"]) == ("BTC-USD", "spot", True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (1e-8, 0.1)
    assert market["limits"]["amount"]["min"] == 0.00005
    assert market["limits"]["cost"]["min"] == 0.5
    assert (market["taker"], market["maker"]) == (0.006, 0.004)
    assert {"USD", "BTC", "ETH"} <= set(coinbase.currencies)


def test_prices_trades_and_the_clock_are_those_of_the_engine(
    venue: RunningExchange, coinbase: Any
) -> None:
    venue.engine.tapes[SYMBOL].half_spread = D("0.5")
    venue.engine.price(SYMBOL, D("64001.5"), D("0.25"))
    ticker = coinbase.fetch_ticker(SYMBOL)
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64001.5, 64001.0, 64002.0)
    assert coinbase.fetch_tickers([SYMBOL])[SYMBOL]["last"] == 64001.5
    assert coinbase.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] == 64002.0
    assert coinbase.fetch_order_book(SYMBOL)["bids"][0] == [64001.0, 0.25]
    trade = coinbase.fetch_trades(SYMBOL, limit=1)[0]
    assert (trade["price"], trade["amount"]) == (64001.5, 0.25)
    for method in ("v2PublicGetTime", "v3PublicGetBrokerageTime"):
        told = coinbase.fetch_time({"method": method})
        assert abs(told / 1000 - venue.engine.clock.wall()) < 5


def test_candles_leave_out_minutes_without_a_trade(venue: RunningExchange, coinbase: Any) -> None:
    now = int(venue.engine.clock.wall() // 60) * 60
    past = [Candle(now - 60 * n, D(9), D(11), D(8), D(10), D(2)) for n in (400, 399, 390)]
    venue.engine.load_candles(SYMBOL, past)
    since = (now - 60 * 400) * 1000
    rows = coinbase.fetch_ohlcv(SYMBOL, "1m", since=since, limit=20)
    assert [(row[0] - since) // 60_000 for row in rows] == [0, 1, 10]
    assert rows[0][1:] == [9.0, 11.0, 8.0, 10.0, 2.0]
    venue.exchange.expect_complaint("less than 350")
    with pytest.raises(ccxt.BadRequest, match="less than 350"):
        coinbase.fetch_ohlcv(SYMBOL, "1m", since=since, params={"until": now * 1000})


def test_orders_and_fills_are_paged_by_cursor_newest_first(coinbase: Any) -> None:
    made = [
        coinbase.create_order(SYMBOL, "market", "buy", 0.001 * n, 64000)["id"] for n in range(1, 6)
    ]

    def pages(ask: Any, rows: str) -> list[list[str]]:
        found, cursor = [], ""
        while True:
            page = ask({"limit": 2, **({"cursor": cursor} if cursor else {})})
            found.append([row["order_id"] for row in page[rows]])
            cursor = page["cursor"]
            if not cursor:
                return found

    expected = [made[:2:-1], made[2:0:-1], made[:1]]
    assert pages(coinbase.v3PrivateGetBrokerageOrdersHistoricalBatch, "orders") == expected
    assert pages(coinbase.v3PrivateGetBrokerageOrdersHistoricalFills, "fills") == expected
    everything = coinbase.fetch_my_trades(SYMBOL, params={"paginate": True})
    assert {trade["order"] for trade in everything} == set(made)
    of_one = coinbase.fetch_my_trades(params={"order_ids": made[1:2]})
    assert [trade["order"] for trade in of_one] == made[1:2]
    assert len(coinbase.fetch_closed_orders(SYMBOL, since=1)) == 5
    later = coinbase.milliseconds() + 60_000
    assert coinbase.fetch_my_trades(SYMBOL, since=later) == []


def test_an_order_that_is_not_there_is_said_to_be_so(coinbase: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="NOT_FOUND"):
        coinbase.fetch_order("11111111-1111-1111-1111-111111111111")


def test_bookings_of_a_wallet_are_told(venue: RunningExchange, coinbase: Any) -> None:
    venue.engine.withdraw(venue.engine.account("main"), "USD", D(50))
    rows = coinbase.fetch_ledger("USD")
    told = {(row["amount"], row["direction"], row["info"]["type"]) for row in rows}
    assert told == {(100000.0, "in", "fiat_deposit"), (50.0, "out", "fiat_withdrawal")}
    account = coinbase.fetch_accounts()[0]["id"]
    first = coinbase.v2PrivateGetAccountsAccountIdTransactions({"account_id": account, "limit": 1})
    after = first["pagination"]["next_starting_after"]
    rest = coinbase.v2PrivateGetAccountsAccountIdTransactions(
        {"account_id": account, "limit": 1, "starting_after": after}
    )
    kinds = [page["data"][0]["type"] for page in (first, rest)]
    assert kinds == ["fiat_withdrawal", "fiat_deposit"]


def test_a_key_tells_its_rights_and_has_no_more(venue: RunningExchange, coinbase: Any) -> None:
    assert coinbase.v3PrivateGetBrokerageKeyPermissions()["can_transfer"] is False
    engine = venue.engine
    engine.add_key(engine.account("main"), "reading", coinbase_secret(), Rights(trade=False))
    engine.add_key(engine.account("main"), "thief", coinbase_secret(), Rights(withdraw=True))
    with connected(venue, key="thief") as thief:
        assert thief.v3PrivateGetBrokerageKeyPermissions()["can_transfer"] is True
    with connected(venue, key="reading") as reader:
        assert reader.fetch_balance({"v3": True})["USD"]["total"] == 100000.0
        with pytest.raises(ccxt.PermissionDenied, match="PERMISSION_DENIED"):
            reader.create_order(SYMBOL, "limit", "buy", 0.01, 60000)


def test_what_is_young_is_not_shown_by_a_stale_answer(
    venue: RunningExchange, coinbase: Any
) -> None:
    made = coinbase.create_order(SYMBOL, "limit", "buy", 0.01, 65000)
    kinds = (Kind.CLOSED_ORDERS, Kind.TRADES, Kind.ORDER)
    venue.faults.stale(60.0, kind=kinds, times=3)
    assert coinbase.fetch_closed_orders() == coinbase.fetch_my_trades() == []
    with pytest.raises(ccxt.ExchangeError, match="NOT_FOUND"):
        coinbase.fetch_order(made["id"])
    assert len(coinbase.fetch_closed_orders()) == len(coinbase.fetch_my_trades()) == 1
