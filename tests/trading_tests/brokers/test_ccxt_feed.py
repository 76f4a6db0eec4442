"""The live market of an exchange, read by the real library from the fake exchange on loopback."""

import asyncio
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.exchange.wire import Kind
from tests.trading_tests.brokers.feed_rig import BTC, ETH, MINUTE, START, FeedRig, open_rig
from trading.brokers.exchanges.feed import ExchangeFeed
from trading.brokers.exchanges.stream import end_tasks
from trading.engine.events import FeedFailed, FeedStarted, HistoryLoaded
from trading.engine.inbox import Inbox
from trading.feed_runner import FeedRetry, FeedRunner
from trading.market.errors import SourceError
from trading.market.settings import ExchangeFeedSettings
from trading.model.market import Bar, Tick
from trading.model.venue_news import InstrumentsKnown


@pytest.fixture(params=["kraken", "binance"])
def rig(request: pytest.FixtureRequest) -> Iterator[FeedRig]:
    with open_rig(request.param) as made:
        yield made


@pytest.fixture(params=["kraken", "binance", "coinbase"])
def any_rig(request: pytest.FixtureRequest) -> Iterator[FeedRig]:
    with open_rig(request.param) as made:
        yield made


def listening(rig: FeedRig) -> bool:
    """Tell whether prices arrive by WebSocket: the REST requests stay as they are."""
    rig.price(101.0 + len(rig.ticks()) % 7)
    return any(tick.size > 0 for tick in rig.ticks())


def trades_of(rig: FeedRig) -> list[tuple[float, float]]:
    return [(tick.price, tick.size) for tick in rig.ticks() if tick.size]


def is_last(rig: FeedRig, price: float) -> bool:
    return rig.ticks()[-1].price == price


def is_last_in_time(rig: FeedRig, price: float) -> bool:
    """Ask for the price while time goes by, so that a silence becomes one."""
    rig.clock.advance(0.05)
    return is_last(rig, price)


def test_history_is_the_closed_candles_up_to_now_oldest_first(any_rig: FeedRig) -> None:
    rig = any_rig
    bars = list(rig.build(symbols=(BTC, ETH), history_candles=20).history())
    assert len(bars) == 40
    assert [bar.start for bar in bars] == sorted(bar.start for bar in bars)
    ours = [bar for bar in bars if bar.symbol == BTC]
    assert [bar.start for bar in ours] == [START - (20 - n) * MINUTE for n in range(20)]
    assert ours[-1] == Bar(BTC, START - MINUTE, MINUTE, 1099.0, 1100.0, 1098.0, 1099.0, 1.0)


def test_trades_arrive_as_ticks_and_the_candle_after_its_end(any_rig: FeedRig) -> None:
    rig = any_rig
    feed = rig.build()
    list(feed.history())
    assert feed.instruments[BTC].price_step > 0
    with rig.running(feed) as failures:
        rig.wait_for(lambda: listening(rig), "ticks by WebSocket")
        rig.clock.advance(35)
        rig.price(222.0)
        rig.wait_for(rig.bars, "the candle")
        rig.price(223.0)
        rig.wait_for(lambda: rig.ticks()[-1].price == 223.0, "the last price")
    assert not failures
    assert rig.bars()[0].start == START
    trades = [(tick.price, tick.at) for tick in rig.ticks() if tick.size]
    assert trades[-2:] == [(222.0, START + 65), (223.0, START + 65)]


def test_trades_that_come_in_a_burst_are_all_told_once(rig: FeedRig) -> None:
    feed = rig.build()
    list(feed.history())
    with rig.running(feed):
        rig.wait_for(lambda: listening(rig), "ticks by WebSocket")
        rig.clock.advance(1)
        for number in range(300):
            rig.price(500 + number)
        rig.wait_for(lambda: (799.0, 1.0) in trades_of(rig), "the last of the burst")
    told = [price for price, _size in trades_of(rig) if price >= 500]
    assert told == [500.0 + number for number in range(300)]


def test_a_minute_without_trades_is_a_flat_candle(rig: FeedRig) -> None:
    feed = rig.build()
    list(feed.history())
    with rig.running(feed):
        rig.wait_for(lambda: listening(rig), "ticks by WebSocket")
        last = rig.ticks()[-1].price
        rig.clock.advance(31 + 2 * MINUTE)
        rig.price(last)
        rig.wait_for(lambda: len(rig.bars()) >= 3, "three candles")
    assert [bar.start for bar in rig.bars()][:3] == [START + n * MINUTE for n in range(3)]
    assert [bar.volume for bar in rig.bars()][1:3] == [0.0, 0.0]


def test_without_websocket_prices_and_candles_are_asked_for(rig: FeedRig) -> None:
    feed = rig.build(websocket=False, symbols=(BTC, ETH))
    list(feed.history())
    with rig.running(feed):
        rig.price(55.0, ETH)
        rig.wait_for(lambda: any(tick.price == 55.0 for tick in rig.ticks(ETH)), "the price")
        rig.clock.advance(31 + 12)
        rig.price(56.0, ETH)
        rig.wait_for(lambda: rig.bars(ETH) and rig.bars(BTC), "the candles")
    assert rig.exchange.connections == 0
    assert all(tick.size == 0 for tick in rig.ticks())
    assert rig.bars(ETH)[0].close == 55.0


def test_a_stream_that_dies_mute_is_replaced_by_asking_and_then_by_a_new_stream(
    rig: FeedRig,
) -> None:
    feed = rig.build(staleness_s=1.0, reconnect_after_s=600)
    list(feed.history())
    with rig.running(feed) as failures:
        rig.wait_for(lambda: listening(rig), "ticks by WebSocket")
        mute = rig.exchange.faults.mute_sockets()
        rig.wait_for(lambda: mute.met, "the silence")
        for price in (301.0, 302.0, 303.0):
            rig.price(price)
            rig.wait_for(partial(is_last_in_time, rig, price), "an asked price")
        rig.exchange.faults.clear()
        rig.wait_for(lambda: rig.exchange.connections > 1, "a new connection")
        count = len([tick for tick in rig.ticks() if tick.size])
        rig.wait_for(
            lambda: listening(rig) and len([one for one in rig.ticks() if one.size]) > count,
            "trades by the new stream",
        )
    assert not failures


def test_a_stream_that_is_cut_comes_back_and_the_candle_is_whole(rig: FeedRig) -> None:
    feed = rig.build(staleness_s=1.0)
    list(feed.history())
    with rig.running(feed) as failures:
        rig.wait_for(lambda: listening(rig), "ticks by WebSocket")
        first = rig.exchange.connections
        cut = rig.exchange.faults.close_sockets(times=1)
        rig.wait_for(lambda: cut.met, "the cut")
        # Nobody hears this one: it is in the candle all the same.
        rig.price(999.0)
        rig.wait_for(lambda: rig.exchange.connections > first, "a new connection")
        rig.clock.advance(31)
        rig.price(150.0)
        rig.clock.advance(5)
        rig.wait_for(rig.bars, "the candle")
    assert not failures
    assert rig.bars()[0].start == START
    assert rig.bars()[0].high == 999.0


@pytest.fixture
def kraken() -> Iterator[FeedRig]:
    with open_rig("kraken") as made:
        yield made


def runner_of(rig: FeedRig, inbox: Inbox) -> FeedRunner:
    retry = FeedRetry(first_s=0.05, longest_s=0.1)
    return FeedRunner("exchange", rig.build(), inbox, clock=rig.clock, rng=Random(1), retry=retry)


def drain(inbox: Inbox) -> list[Any]:
    taken: list[Any] = []
    while batch := list(inbox.take_round(0.0)):
        taken += batch
    return taken


def test_an_exchange_that_is_away_at_the_start_is_tried_until_it_is_there(kraken: FeedRig) -> None:
    inbox, events = Inbox(), list[Any]()
    kraken.exchange.go_down()
    runner = runner_of(kraken, inbox)
    runner.start()

    def has(kind: type) -> bool:
        events.extend(drain(inbox))
        return any(isinstance(event, kind) for event in events)

    kraken.wait_for(lambda: has(FeedFailed), "the failure")
    kraken.exchange.come_up()
    kraken.wait_for(lambda: has(Tick), "a price")
    runner.ask_to_stop()
    assert runner.join(2.0)
    kinds = [type(event) for event in events]
    assert kinds.count(HistoryLoaded) == 1
    assert kinds.index(FeedFailed) < kinds.index(HistoryLoaded) < kinds.index(FeedStarted)
    assert InstrumentsKnown in kinds
    (failure, *_) = [event for event in events if isinstance(event, FeedFailed)]
    assert failure.reason.startswith("kraken: not available")
    assert failure.retry_in_s is not None
    assert 0.025 <= failure.retry_in_s <= 0.05


def test_a_stop_while_the_exchange_owes_an_answer_is_not_held_up(kraken: FeedRig) -> None:
    hang = kraken.exchange.faults.hang(acts=False, kind=Kind.MARKETS)
    runner = runner_of(kraken, Inbox())
    runner.start()
    kraken.wait_for(lambda: hang.met, "the question")
    runner.ask_to_stop()
    assert runner.join(1.5)


def test_a_market_that_is_not_there_does_not_take_the_others_with_it(
    kraken: FeedRig, caplog: pytest.LogCaptureFixture
) -> None:
    feed = kraken.build(symbols=("LTC/USDT", BTC))
    assert {bar.symbol for bar in feed.history()} == {BTC}
    assert "a market is left out" in caplog.text
    assert "LTC/USDT" in caplog.text
    with kraken.running(feed) as failures:
        kraken.wait_for(lambda: listening(kraken), "ticks by WebSocket")
    assert not failures


def test_a_feed_that_hears_nothing_any_more_fails_and_says_why(
    kraken: FeedRig, caplog: pytest.LogCaptureFixture
) -> None:
    feed = kraken.build(staleness_s=1.0, reconnect_after_s=5.0)
    list(feed.history())
    with kraken.running(feed) as failures:
        kraken.wait_for(lambda: listening(kraken), "ticks by WebSocket")
        kraken.exchange.go_down()

        def fails_in_time() -> bool:
            # Not before there is a reason to tell.
            kraken.clock.advance(0.2 if "asking fails" in caplog.text else 0.01)
            return bool(failures)

        kraken.wait_for(fails_in_time, "the end", 15)
    (failure,) = failures
    assert isinstance(failure, SourceError)
    assert str(failure).startswith("nothing heard of kraken for ")
    assert "s: kraken: not available" in str(failure)
    assert "the last is stale" in caplog.text


def test_a_process_that_stood_still_does_not_take_that_for_silence(kraken: FeedRig) -> None:
    feed = kraken.build(staleness_s=1.0, reconnect_after_s=5.0)
    list(feed.history())
    with kraken.running(feed) as failures:
        kraken.wait_for(lambda: listening(kraken), "ticks by WebSocket")
        kraken.clock.advance(600)
        kraken.price(444.0)
        kraken.wait_for(partial(is_last, kraken, 444.0), "the price afterwards")
        kraken.wait_for(lambda: len(kraken.bars()) >= 10, "the candles in between")
    assert not failures


def test_candles_missed_while_nothing_could_be_asked_are_fetched(kraken: FeedRig) -> None:
    feed = kraken.build(reconnect_after_s=3600)
    list(feed.history())
    with kraken.running(feed) as failures:
        kraken.wait_for(lambda: listening(kraken), "ticks by WebSocket")
        kraken.exchange.go_down()
        for number in range(30):
            kraken.price(700 + number)
            kraken.clock.advance(MINUTE)
        kraken.exchange.come_up()
        kraken.wait_for(lambda: len(kraken.bars()) >= 30, "the candles", 10)
    assert not failures
    bars = kraken.bars()[:30]
    assert [bar.start for bar in bars] == [START + n * MINUTE for n in range(30)]
    assert [bar.close for bar in bars] == [700.0 + n for n in range(30)]


def test_a_clock_that_is_wrong_is_said_and_closes_no_candle_early(
    kraken: FeedRig, caplog: pytest.LogCaptureFixture
) -> None:
    ours = ManualClock(kraken.clock.wall() + 20, 1000.0)
    feed = ExchangeFeed(
        ExchangeFeedSettings(symbols=(BTC,), history_candles=10, websocket=False),
        kraken.source,
        clock=ours,
        rng=Random(1),
    )
    list(feed.history())
    assert "our clock is 20.0 s ahead of that of kraken" in caplog.text
    with kraken.running(feed):
        kraken.wait_for(kraken.ticks, "a price")
        # By our clock the minute is over, by the exchange's it is not.
        ours.advance(18)
        kraken.clock.advance(18)
        kraken.price(444.0)
        asked = len(kraken.exchange.requests(Kind.PUBLIC))
        ours.advance(3)
        kraken.clock.advance(3)
        kraken.wait_for(
            lambda: len(kraken.exchange.requests(Kind.PUBLIC)) > asked, "another question"
        )
        assert not kraken.bars()
        ours.advance(20)
        kraken.clock.advance(20)
        kraken.wait_for(kraken.bars, "the candle")
    assert kraken.bars()[0].close == 444.0


@pytest.mark.parametrize(("again_s", "is_whole"), [(5.0, True), (0.01, False)])
def test_what_closes_slowly_is_broken_off_only_when_it_is_cancelled_again(
    again_s: float, is_whole: bool
) -> None:
    said = list[str]()

    async def listen(begun: asyncio.Event) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            closed = asyncio.Event()
            asyncio.get_running_loop().call_later(0.2, closed.set)
            await closed.wait()
            said.append("closed")

    async def run() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(listen(begun))
        await begun.wait()
        await end_tasks([task], again_s=again_s)

    asyncio.run(run())
    assert said == ["closed"] * is_whole
