"""ccxt.pro against the WebSocket of the fake Coinbase, and the channels by themselves."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.coinbase_streams import CoinbaseStreams
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import MarketKind, OrderKind, Side, Wish
from tests.fakes.exchange.venues import (
    RunningExchange,
    coinbase_secret,
    start_coinbase,
    usual_engine,
    usual_markets,
)
from tests.fakes_tests.exchange.library_calls import news_of, watch

D = Decimal
SYMBOL = "BTC/USD"
NOON = 1_767_614_400.0  # 2026-01-05 12:00 UTC


@pytest.fixture
def venue() -> Iterator[RunningExchange]:
    engine, _account = usual_engine(usual_markets("USD", MarketKind.SPOT), secret=coinbase_secret())
    with start_coinbase(engine, beat_s=0.05) as running:
        yield running


def buy(engine: Engine, price: int) -> None:
    wish = Wish(
        symbol=SYMBOL,
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        quantity=D("0.01"),
        price=D(price),
        client_id="tb-1",
    )
    engine.submit(engine.account("main"), wish)


def test_prices_come_as_they_are_traded(venue: RunningExchange) -> None:
    engine = venue.engine
    engine.tapes[SYMBOL].half_spread = D("0.5")

    async def story(coinbase: Any) -> None:
        ticker = await coinbase.watch_ticker(SYMBOL)
        assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64000.0, 63999.5, 64000.5)
        moved = await news_of(
            coinbase.watch_ticker(SYMBOL), lambda: engine.price(SYMBOL, D(64010), D("0.2"))
        )
        assert moved["last"] == 64010.0
        trades = await coinbase.watch_trades(SYMBOL)
        assert (trades[-1]["price"], trades[-1]["amount"]) == (64010.0, 0.2)
        book = await coinbase.watch_order_book(SYMBOL)
        assert (book["bids"][0][0], book["asks"][0][0]) == (64009.5, 64010.5)
        tickers = await coinbase.watch_tickers([SYMBOL])
        assert tickers[SYMBOL]["last"] == 64010.0

    watch(venue, story)


def test_own_orders_are_told_to_who_has_a_key(venue: RunningExchange) -> None:
    buy(venue.engine, 60000)

    async def story(coinbase: Any) -> None:
        (order,) = await coinbase.watch_orders(SYMBOL)
        assert (order["clientOrderId"], order["status"], order["filled"]) == ("tb-1", "open", 0.0)
        changed = await news_of(
            coinbase.watch_orders(SYMBOL), lambda: venue.engine.price(SYMBOL, D(59000))
        )
        assert (changed[-1]["status"], changed[-1]["filled"]) == ("closed", 0.01)

    watch(venue, story)


class _Client:
    """One connection without a network, on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.engine: Engine = usual_engine(usual_markets("USD", MarketKind.SPOT), clock=self.clock)[
            0
        ]
        self.complaints: list[str] = []
        self.sent: list[Any] = []
        self.streams = CoinbaseStreams(self.engine, self.complaints, self.sent.append)
        self.engine.listen(self.streams.take)

    def ask(self, **message: object) -> None:
        self.streams.receive(json.dumps(message))

    def channels(self) -> list[str]:
        return [message["channel"] for message in self.sent]


def test_every_message_counts_and_heartbeats_come_with_the_beat() -> None:
    client = _Client()
    client.streams.beat()
    assert client.sent == []
    client.ask(type="subscribe", channel="heartbeats")
    client.streams.beat()
    client.streams.beat()
    assert client.channels() == ["subscriptions", "heartbeats", "heartbeats"]
    assert [message["sequence_num"] for message in client.sent] == [0, 1, 2]
    assert client.sent[2]["events"][0]["heartbeat_counter"] == 2


def test_candles_are_of_five_minutes() -> None:
    client = _Client()
    client.ask(type="subscribe", channel="candles", product_ids=["BTC-USD"])
    client.clock.advance(300)
    client.engine.price(SYMBOL, D(64100), D(2))
    (candle,) = client.sent[-1]["events"][0]["candles"]
    assert (candle["start"], candle["open"], candle["volume"]) == (
        str(int(NOON) + 300),
        "64100",
        "2",
    )


def test_a_channel_that_was_given_up_says_no_more() -> None:
    client = _Client()
    client.ask(type="subscribe", channel="ticker", product_ids=["BTC-USD", "ETH-USD"])
    assert client.channels() == ["subscriptions", "ticker", "ticker"]
    client.ask(type="unsubscribe", channel="ticker", product_ids=["BTC-USD"])
    assert client.sent[-1]["events"] == [{"subscriptions": {"ticker": ["ETH-USD"]}}]
    client.engine.price(SYMBOL, D(64100))
    assert client.channels()[-1] == "subscriptions"
    client.engine.price("ETH/USD", D(3001))
    assert client.sent[-1]["events"][0]["tickers"][0]["price"] == "3001"
    client.ask(type="unsubscribe", channel="ticker")
    assert client.sent[-1]["events"] == [{"subscriptions": {}}]


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"type": "subscribe", "channel": "tickers"}, "channel is required"),
        (
            {"type": "subscribe", "channel": "ticker", "product_ids": ["BTC-JPY"]},
            "BTC-JPY is not a valid product",
        ),
        ({"type": "subscribe", "channel": "user", "jwt": "a.b.c"}, "authentication failure"),
    ],
)
def test_what_is_no_channel_is_complained_about(message: dict[str, Any], complaint: str) -> None:
    client = _Client()
    client.ask(**message)
    assert complaint in client.complaints[0]
    assert client.sent[0]["type"] == "error"
