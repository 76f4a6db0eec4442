"""The history of trades counts them late, and nobody who asks can tell."""

from datetime import UTC
from decimal import Decimal

from tests.trading_tests.makers import BTC, NOW
from trading.engine.trade_history import KEPT_MAX, WAITING_MAX, TradeHistory
from trading.model.order import Side
from trading.model.position import Trade

COUNT = 2 * WAITING_MAX + 7
ONE = Decimal(1)


def make_trade(number: int) -> Trade:
    """Return a trade that won or lost what its number says."""
    profit = Decimal(number if number % 2 else -number)
    at = NOW + number
    return Trade(
        number, "main", BTC, "one", Side.BUY, ONE, ONE, ONE, at, at, profit, ONE * 0, profit, "exit"
    )


def test_who_asks_after_each_trade_and_who_asks_at_the_end_are_told_the_same() -> None:
    trades = [make_trade(number) for number in range(1, COUNT + 1)]
    asked, silent = TradeHistory(UTC, []), TradeHistory(UTC, [])
    at = trades[-1].closed_at
    for trade in trades:
        asked.add(trade)
        silent.add(trade)
        assert asked.statistics.total(at).trades == asked.daily.last_days(at, 1)[0].trades
    assert silent.statistics.total(at) == asked.statistics.total(at)
    assert silent.statistics.total(at).trades == COUNT
    assert silent.daily.last_days(at, 2) == asked.daily.last_days(at, 2)
    assert TradeHistory(UTC, trades).statistics.total(at) == asked.statistics.total(at)
    assert silent.realised == asked.realised
    assert [one.number for one in silent.last(COUNT)] == list(range(COUNT, COUNT - KEPT_MAX, -1))


def test_trades_that_nobody_asks_about_do_not_pile_up() -> None:
    history = TradeHistory(UTC, map(make_trade, range(1, COUNT + 1)))
    assert len(history._waiting) < WAITING_MAX
