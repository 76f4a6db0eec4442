"""ccxt.pro against the market streams of the fake Binance, and the streams by themselves."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.binance_streams import BinanceStreams
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import MarketKind
from tests.fakes.exchange.venues import RunningExchange, start_binance, usual_engine, usual_markets
from tests.fakes_tests.exchange.library_calls import news_of, watch

D = Decimal
SYMBOL = "BTC/USDT"
NOON = 1_767_614_400.0  # 2026-01-05 12:00 UTC


@pytest.fixture
def venue() -> Iterator[RunningExchange]:
    engine, _account = usual_engine(usual_markets("USDT", MarketKind.SPOT))
    with start_binance(engine, beat_s=0.05) as running:
        yield running


def test_prices_come_as_they_are_traded(venue: RunningExchange) -> None:
    engine = venue.engine
    engine.tapes[SYMBOL].half_spread = D("0.5")

    async def story(binance: Any) -> None:
        ticker = await binance.watch_ticker(SYMBOL)
        assert (ticker["last"], ticker["bid"]) == (64000.0, None), "its ticker has no best prices"
        best = await news_of(
            binance.watch_bids_asks([SYMBOL]), lambda: engine.price(SYMBOL, D(64010), D("0.2"))
        )
        assert (best[SYMBOL]["bid"], best[SYMBOL]["ask"]) == (64009.5, 64010.5)
        trades = await news_of(
            binance.watch_trades(SYMBOL), lambda: engine.price(SYMBOL, D(64020), D("0.3"))
        )
        assert (trades[-1]["price"], trades[-1]["amount"]) == (64020.0, 0.3)
        candles = await news_of(
            binance.watch_ohlcv(SYMBOL, "1m"), lambda: engine.price(SYMBOL, D(64005))
        )
        assert candles[-1][4] == 64005.0
        tickers = await binance.watch_tickers([SYMBOL, "ETH/USDT"])
        assert set(tickers) <= {SYMBOL, "ETH/USDT"}

    watch(venue, story)


def test_a_stream_that_was_given_up_says_no_more(venue: RunningExchange) -> None:
    async def story(binance: Any) -> None:
        await binance.watch_ticker(SYMBOL)
        await binance.un_watch_ticker(SYMBOL)
        assert binance.tickers.get(SYMBOL) is None
        again = await binance.watch_ticker(SYMBOL)
        assert again["last"] == 64000.0

    watch(venue, story)
    assert venue.exchange.connections >= 1


class _Client:
    """One connection without a network, on a clock that is moved by hand."""

    def __init__(self, path: str = "/stream/ws/0") -> None:
        self.clock = ManualClock(NOON)
        self.engine: Engine = usual_engine(
            usual_markets("USDT", MarketKind.SPOT), clock=self.clock
        )[0]
        self.complaints: list[str] = []
        self.sent: list[Any] = []
        self.streams = BinanceStreams(self.engine, path, self.complaints, self.sent.append)
        self.engine.listen(self.streams.take)

    def ask(self, **message: object) -> None:
        self.streams.receive(json.dumps(message))


def test_candles_end_by_the_clock_and_none_is_left_out() -> None:
    client = _Client()
    client.ask(method="SUBSCRIBE", params=["btcusdt@kline_1m"], id=7)
    assert client.sent == [{"result": None, "id": 7}]
    client.engine.price(SYMBOL, D(64100))
    client.clock.advance(180)
    client.streams.beat()
    rows = [each["k"] for each in client.sent[1:]]
    assert [(row["t"] // 1000 - NOON, row["x"]) for row in rows] == [
        (0, False),
        (0, True),
        (60, True),
        (120, True),
    ]
    assert [row["c"] for row in rows] == ["64100.00000000"] * 4
    assert [row["v"] for row in rows] == ["2.00000000"] * 2 + ["0.00000000"] * 2
    client.engine.price(SYMBOL, D(64200))
    assert (client.sent[-1]["k"]["t"] // 1000 - NOON, client.sent[-1]["k"]["x"]) == (180, False)


def test_only_what_was_subscribed_to_is_sent() -> None:
    client = _Client()
    client.ask(method="SUBSCRIBE", params=["btcusdt@trade", "ethusdt@bookTicker"], id=1)
    client.engine.price("SOL/USDT", D(151))
    client.engine.price("ETH/USDT", D(3001))
    client.engine.price(SYMBOL, D(64001))
    assert [each["s"] for each in client.sent[1:]] == ["ETHUSDT", "BTCUSDT"]
    assert "e" not in client.sent[1], "Binance does not name the kind of its best prices"
    client.ask(method="UNSUBSCRIBE", params=["btcusdt@trade"], id=2)
    client.ask(method="LIST_SUBSCRIPTIONS", id=3)
    assert client.sent[-1] == {"result": ["ethusdt@bookTicker"], "id": 3}
    client.engine.price(SYMBOL, D(64002))
    assert client.sent[-1]["id"] == 3


def test_a_stream_may_stand_in_the_address() -> None:
    client = _Client("/stream/ws/btcusdt@aggTrade")
    client.engine.price(SYMBOL, D(64001), D("0.5"))
    assert (client.sent[0]["e"], client.sent[0]["q"]) == ("aggTrade", "0.50000000")


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"method": "SUBSCRIBE", "params": ["btceur@trade"], "id": 1}, "no stream 'btceur@trade'"),
        ({"method": "SUBSCRIBE", "params": ["btcusdt@kline_7m"], "id": 1}, "kline_7m"),
        ({"method": "LISTEN", "params": [], "id": 1}, "no request for a stream"),
    ],
)
def test_what_is_no_stream_is_complained_about(message: dict[str, Any], complaint: str) -> None:
    client = _Client()
    client.ask(**message)
    assert complaint in client.complaints[0]
    assert client.sent[0]["id"] == 1
