"""ccxt.pro against the user data of the fake Binance, and who is told of an account at all."""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.binance_account_stream import BinanceAccountStream
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import MarketKind, OrderKind, Rights, Side, Wish
from tests.fakes.exchange.venues import (
    KEY,
    KRAKEN_SECRET,
    RunningExchange,
    usual_engine,
    usual_markets,
)
from tests.fakes_tests.exchange.library_calls import SETTLED_S, after, watch

D = Decimal
SYMBOL = "BTC/USDT"
NOON = 1_767_614_400.0  # 2026-01-05 12:00 UTC


def test_the_library_is_told_of_its_orders_and_executions(venue: RunningExchange) -> None:
    async def story(binance: Any) -> None:
        waiting = asyncio.ensure_future(binance.watch_orders(SYMBOL))
        await asyncio.wait({waiting}, timeout=SETTLED_S)
        await binance.create_order(SYMBOL, "limit", "buy", 0.1, 63000, {"clientOrderId": "tb-1"})
        (order,) = await waiting
        assert (order["status"], order["clientOrderId"]) == ("open", "tb-1")
        (trade,) = await after(
            binance.watch_my_trades(SYMBOL), lambda: venue.engine.price(SYMBOL, D(63000))
        )
        assert (trade["order"], trade["amount"], trade["price"]) == (order["id"], 0.1, 63000)
        assert trade["fee"] == {"cost": 0.0001, "currency": "BTC"}
        assert trade["takerOrMaker"] == "maker"

    watch(venue, story)


class _Client:
    """One connection without a network, on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.engine: Engine = usual_engine(
            usual_markets("USDT", MarketKind.SPOT), clock=self.clock
        )[0]
        self.complaints: list[str] = []
        self.sent: list[Any] = []
        self.weight = 0
        self.stream = BinanceAccountStream(
            self.engine, deque(), self.complaints, self.sent.append, spend=self._spend
        )
        self.engine.listen(self.stream.take)

    def _spend(self, weight: int) -> None:
        self.weight += weight

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self.stream.receive(json.dumps({"id": 7, "method": method, "params": params}))
        answer: dict[str, Any] = self.sent[-1]
        assert answer["id"] == 7
        return answer

    def subscribe(self, *, secret: str = KRAKEN_SECRET, **changes: Any) -> dict[str, Any]:
        params = {"apiKey": KEY, "timestamp": int(NOON * 1000)} | changes
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return self.ask("userDataStream.subscribe.signature", params | {"signature": signature})

    def buy(self) -> None:
        wish = Wish(
            symbol=SYMBOL,
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            quantity=D("0.1"),
            price=D(63000),
            client_id="tb-1",
        )
        self.engine.submit(self.engine.account("main"), wish)

    def events(self) -> list[tuple[str, str, str]]:
        rows = [each["event"] for each in self.sent if "event" in each]
        return [(row["e"], row.get("x", ""), row.get("X", "")) for row in rows]


def test_a_connection_is_told_of_an_account_once_it_has_signed_for_it() -> None:
    client = _Client()
    client.buy()
    assert client.events() == []
    assert client.subscribe(recvWindow=5000)["result"] == {"subscriptionId": 0}
    client.engine.price(SYMBOL, D(62000), D("0.04"))
    client.engine.cancel(client.engine.account("main"), client_id="tb-1")
    assert client.events() == [
        ("executionReport", "TRADE", "PARTIALLY_FILLED"),
        ("outboundAccountPosition", "", ""),
        ("executionReport", "CANCELED", "CANCELED"),
        ("outboundAccountPosition", "", ""),
    ]
    report = client.sent[-4]["event"]
    assert (report["l"], report["z"], report["L"], report["q"]) == (
        *("0.04000000", "0.04000000", "63000.00000000"),
        "0.10000000",
    )
    (bought,) = [row for row in client.sent[-1]["event"]["B"] if row["a"] == "BTC"]
    assert (bought["f"], bought["l"]) == ("0.04000000", "0.00000000")
    assert client.complaints == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "not-the-secret"}, -1022),
        ({"apiKey": "no-such-key-anywhere"}, -2015),
        ({"timestamp": int((NOON - 6) * 1000)}, -1021),
        ({"timestamp": int((NOON + 2) * 1000)}, -1021),
        ({"timestamp": str(int(NOON * 1000))}, -1102),
        ({"recvWindow": 60_001}, -1131),
        ({"listenKey": "of-old"}, -1104),
    ],
)
def test_who_signs_wrongly_is_refused_and_told_nothing(changes: dict[str, Any], code: int) -> None:
    client = _Client()
    answer = client.subscribe(**changes)
    assert (answer["status"] >= 400, answer["error"]["code"]) == (True, code)
    client.buy()
    assert client.events() == []


def test_a_key_that_may_not_read_is_refused() -> None:
    client = _Client()
    client.engine.add_key(
        client.engine.account("main"), "key-of-trades", KRAKEN_SECRET, Rights(query=False)
    )
    assert client.subscribe(apiKey="key-of-trades")["error"]["code"] == -2015


def test_a_ping_is_answered_and_weighs_one_and_other_methods_there_are_none() -> None:
    client = _Client()
    assert client.ask("ping")["result"] == {}
    assert client.weight == 1
    assert client.ask("userDataStream.start")["status"] == 400
    assert "unknown method" in client.complaints[0]
