"""The live market of an exchange, read by the real library from the fake exchange on loopback."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.trading_tests.brokers.feed_rig import BTC, ETH, MINUTE, START, FeedRig, open_rig
from trading.model.market import Bar


@pytest.fixture(params=["kraken", "binance"])
def rig(request: pytest.FixtureRequest) -> Iterator[FeedRig]:
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


def test_history_is_the_closed_candles_up_to_now_oldest_first(rig: FeedRig) -> None:
    bars = list(rig.build(symbols=(BTC, ETH), history_candles=20).history())
    assert len(bars) == 40
    assert [bar.start for bar in bars] == sorted(bar.start for bar in bars)
    ours = [bar for bar in bars if bar.symbol == BTC]
    assert [bar.start for bar in ours] == [START - (20 - n) * MINUTE for n in range(20)]
    assert ours[-1] == Bar(BTC, START - MINUTE, MINUTE, 1099.0, 1100.0, 1098.0, 1099.0, 1.0)


def test_trades_arrive_as_ticks_and_the_candle_after_its_end(rig: FeedRig) -> None:
    feed = rig.build()
    list(feed.history())
    assert feed.instruments[BTC].price_step > 0
    with rig.running(feed) as failures:
        rig.wait_for(lambda: listening(rig), "ticks by WebSocket")
        rig.clock.advance(31)
        rig.price(222.0)
        rig.wait_for(rig.bars, "the candle")
        rig.price(223.0)
        rig.wait_for(lambda: rig.ticks()[-1].price == 223.0, "the last price")
    assert not failures
    assert rig.bars()[0].start == START
    trades = [(tick.price, tick.at) for tick in rig.ticks() if tick.size]
    assert trades[-2:] == [(222.0, START + 61), (223.0, START + 61)]


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
        rig.clock.advance(2)
        for price in (301.0, 302.0, 303.0):
            rig.clock.advance(1)
            rig.price(price)
            rig.wait_for(partial(is_last, rig, price), "an asked price")
        rig.exchange.faults.clear()
        rig.clock.advance(1)
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
