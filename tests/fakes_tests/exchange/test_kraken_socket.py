"""ccxt.pro against the WebSocket of the fake Kraken, in good days and in bad ones."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt.pro  # type: ignore[import-untyped]
import pytest
from aiohttp import ClientSession

from tests.fakes.exchange.venues import RunningExchange
from tests.fakes.exchange.wire import Kind
from tests.fakes_tests.exchange.library_calls import SETTLED_S, after, watch
from tests.waiting import wait_until

D = Decimal
SYMBOL = "BTC/USD"
Story = Callable[[Any], Awaitable[None]]


@pytest.fixture
def tell(venue: RunningExchange) -> Callable[[Story], None]:
    """Run a story with ccxt.pro, whose connections are closed at its end."""

    return lambda story: watch(venue, story)


def test_prices_come_as_they_are_traded(
    venue: RunningExchange, tell: Callable[[Story], None]
) -> None:
    engine = venue.engine
    engine.tapes[SYMBOL].half_spread = D("0.5")

    async def story(kraken: Any) -> None:
        ticker = await kraken.watch_ticker(SYMBOL)
        assert (ticker["last"], ticker["bid"], ticker["ask"]) == (64000.0, 63999.5, 64000.5)
        moved = await after(
            kraken.watch_ticker(SYMBOL), lambda: engine.price(SYMBOL, D("64010"), D("0.2"))
        )
        assert moved["last"] == 64010.0
        trades = await kraken.watch_trades(SYMBOL)
        assert [trade["price"] for trade in trades] == [64000.0, 64010.0]
        assert trades[-1]["amount"] == 0.2
        candle = (await kraken.watch_ohlcv(SYMBOL, "1m"))[-1]
        assert candle[1:] == [64000.0, 64010.0, 64000.0, 64010.0, 1.2]
        candles = await after(
            kraken.watch_ohlcv(SYMBOL, "1m"), lambda: engine.price(SYMBOL, D("64005"))
        )
        assert candles[-1][4] == 64005.0
        book = await kraken.watch_order_book(SYMBOL)
        assert (book["bids"][0][0], book["asks"][0][0]) == (64004.5, 64005.5)

    tell(story)


def test_own_orders_trades_and_balances_come_too(
    venue: RunningExchange, tell: Callable[[Story], None]
) -> None:
    async def story(kraken: Any) -> None:
        assert (await kraken.watch_balance())["USD"]["total"] == 100_000

        async def buy() -> None:
            await kraken.create_order(SYMBOL, "limit", "buy", 0.1, 63000, {"clientOrderId": "tb-1"})

        waiting = asyncio.ensure_future(kraken.watch_orders())
        await asyncio.wait({waiting}, timeout=SETTLED_S)
        await buy()
        (order,) = await waiting
        assert (order["status"], order["amount"]) == ("open", 0.1)
        assert order["info"]["cl_ord_id"] == "tb-1"
        (trade,) = await after(
            kraken.watch_my_trades(), lambda: venue.engine.price(SYMBOL, D(63000))
        )
        assert (trade["order"], trade["amount"]) == (order["id"], 0.1)
        assert trade["fee"] == {"cost": 10.08, "currency": "USD"}
        assert trade["takerOrMaker"] == "maker"

    tell(story)


def test_a_mute_socket_stays_open_and_says_nothing(
    venue: RunningExchange, tell: Callable[[Story], None]
) -> None:
    async def story(kraken: Any) -> None:
        await kraken.watch_ticker(SYMBOL)
        rule = venue.faults.mute_sockets()
        await asyncio.to_thread(wait_until, lambda: rule.met, 5, "the trouble")
        waiting = asyncio.ensure_future(kraken.watch_ticker(SYMBOL))
        await asyncio.wait({waiting}, timeout=SETTLED_S)
        venue.engine.price(SYMBOL, D(64010))
        await asyncio.wait({waiting}, timeout=SETTLED_S)
        assert not waiting.done()
        assert venue.exchange.sockets == 1
        rule.clear()
        venue.engine.price(SYMBOL, D(64020))
        assert (await waiting)["last"] == 64020.0

    tell(story)


def test_a_socket_that_is_closed_can_be_opened_again(
    venue: RunningExchange, tell: Callable[[Story], None]
) -> None:
    async def story(kraken: Any) -> None:
        await kraken.watch_ticker(SYMBOL)
        waiting = asyncio.ensure_future(kraken.watch_ticker(SYMBOL))
        await asyncio.wait({waiting}, timeout=SETTLED_S)
        rule = venue.faults.close_sockets(times=1)
        with pytest.raises(ccxt.NetworkError):
            await waiting
        assert len(rule.met) == 1
        venue.engine.price(SYMBOL, D(64030))
        assert (await kraken.watch_ticker(SYMBOL))["last"] == 64030.0
        assert venue.exchange.connections == 2

    tell(story)


def test_a_socket_can_be_refused_and_others_are_not_concerned(
    venue: RunningExchange, tell: Callable[[Story], None]
) -> None:
    rule = venue.faults.status(503, acts=True, kind=Kind.WEBSOCKET)

    async def story(kraken: Any) -> None:
        with pytest.raises(ccxt.NetworkError):
            await kraken.watch_ticker(SYMBOL)
        assert (await kraken.watch_ticker(SYMBOL))["last"] == 64000.0
        pending = venue.faults.drop(acts=False, kind=Kind.WEBSOCKET)
        moved = await after(kraken.watch_ticker(SYMBOL), lambda: venue.engine.price(SYMBOL, D(1)))
        assert moved["last"] == 1.0
        assert (len(rule.met), pending.met) == (1, [])

    tell(story)


def test_an_exchange_that_goes_down_ends_its_sockets(
    venue: RunningExchange, tell: Callable[[Story], None]
) -> None:
    async def story(kraken: Any) -> None:
        await kraken.watch_ticker(SYMBOL)
        waiting = asyncio.ensure_future(kraken.watch_ticker(SYMBOL))
        await asyncio.wait({waiting}, timeout=SETTLED_S)
        await asyncio.to_thread(venue.exchange.go_down)
        with pytest.raises(ccxt.NetworkError):
            await waiting
        with pytest.raises(ccxt.NetworkError):
            await kraken.watch_ticker(SYMBOL)
        await asyncio.to_thread(venue.exchange.come_up)
        assert (await kraken.watch_ticker(SYMBOL))["last"] == 64000.0

    tell(story)


def test_subscriptions_are_answered_refused_and_ended_as_by_kraken(venue: RunningExchange) -> None:
    async def story() -> None:
        async with ClientSession() as session, session.ws_connect(f"{venue.ws_url}/v2") as socket:

            async def ask(method: str, **params: Any) -> dict[str, Any]:
                await socket.send_json({"method": method, "params": params, "req_id": 7})
                while "method" not in (answer := await socket.receive_json(timeout=5)):
                    pass
                assert answer["req_id"] == 7
                return dict(answer)

            assert (await socket.receive_json(timeout=5))["channel"] == "status"
            assert (await ask("ping"))["method"] == "pong"
            taken = await ask("subscribe", channel="ticker", symbol=[SYMBOL])
            assert (taken["success"], taken["result"]["symbol"]) == (True, SYMBOL)
            again = await ask("subscribe", channel="ticker", symbol=[SYMBOL])
            assert again["error"] == "Already subscribed"
            unknown = await ask("subscribe", channel="ticker", symbol=["XYZ/USD"])
            assert unknown["error"].startswith("Currency pair not supported")
            stranger = await ask("subscribe", channel="executions", token="x")
            assert stranger["error"] == "ESession:Invalid session"
            assert (await ask("unsubscribe", channel="ticker", symbol=[SYMBOL]))["success"]
            await socket.ping()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_heartbeats_come_while_nothing_is_traded(venue: RunningExchange) -> None:
    async def story() -> None:
        async with ClientSession() as session, session.ws_connect(f"{venue.ws_url}/v2") as socket:
            params = {"channel": "trade", "symbol": [SYMBOL]}
            await socket.send_json({"method": "subscribe", "params": params})
            while (await socket.receive_json(timeout=5)).get("channel") != "heartbeat":
                pass

    asyncio.run(asyncio.wait_for(story(), 20))
