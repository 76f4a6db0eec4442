"""The matching venue behind the dialects: what it tells of prices, to listeners and as candles."""

from decimal import Decimal

from daemonkit.clock import ManualClock
from tests.fakes.exchange.books import OrderChanged, Ticked
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.tape import Candle
from tests.fakes.exchange.terms import Account
from tests.fakes_tests.exchange.matching.wishes import buy

D = Decimal
SPOT = "BTC/USD"


def test_listeners_hear_of_prices_orders_and_trades(engine: Engine, account: Account) -> None:
    heard: list[str] = []

    def listen(news: Ticked | OrderChanged) -> None:
        heard.append("tick" if isinstance(news, Ticked) else "trade" if news.trade else "order")

    end = engine.listen(listen)
    engine.price(SPOT, D(101))
    buy(engine, account)
    end()
    engine.price(SPOT, D(102))
    assert heard == ["tick", "order", "trade"]


def test_candles_come_from_a_loaded_past_and_from_the_tape(engine: Engine) -> None:
    tape = engine.tapes[SPOT]
    start = 1_800_000_000 // 300 * 300
    past = [Candle(start - 60 * n, D(n), D(n + 1), D(n), D(n), D(1)) for n in range(1, 6)]
    engine.load_candles(SPOT, past)
    assert [each.start for each in tape.candles(60, start - 120, 2)] == [start - 120, start - 60]
    five = tape.candles(300)[0]
    assert five.start == start - 300
    assert [five.open, five.high, five.low, five.close] == [5, 6, 1, 1]
    assert five.volume == 5


def test_the_last_day_is_that_of_its_minutes(engine: Engine) -> None:
    """Whole hours stand in for minutes, which must show in nothing but the time it takes."""
    clock, tape = engine.clock, engine.tapes[SPOT]
    assert isinstance(clock, ManualClock)
    for number in range(600):
        clock.advance(307)
        engine.price(SPOT, D(100 + number * 7 % 50), D(1 + number % 3))
    begin = int(tape.at) - 86_400
    minutes = [each for each in tape.minutes if each.start >= begin]
    day = tape.day()
    assert (day.start, day.open, day.close) == (
        minutes[0].start,
        minutes[0].open,
        minutes[-1].close,
    )
    assert day.high == max(each.high for each in minutes)
    assert day.low == min(each.low for each in minutes)
    assert day.volume == sum(each.volume for each in minutes)
    assert day.turnover == sum(each.turnover for each in minutes)
    assert day.count == sum(each.count for each in minutes)
    assert [each.start for each in tape.newest(300, 3)] == [
        each.start for each in tape.candles(300)[-3:]
    ]
