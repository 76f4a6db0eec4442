"""A core that tells nothing trades as one that tells everything."""

from random import Random

import pytest

from tests.trading_tests.engine.floor import Floor
from tests.trading_tests.engine.test_walks import RISK, wish_at_random
from tests.trading_tests.makers import BTC, ETH, make_account, make_account_setup, of_kind, play
from trading.engine.effects import RaiseEvent, SaveOrder, SaveTrade, WriteLog
from trading.model.account import MarketType
from trading.model.position import Trade


def trade_through(seed: int, *, is_silent: bool, by_bars: bool) -> tuple[list[Trade], Floor]:
    """Return the trades of random strategies on one tape, and the floor they were made on."""
    accounts = [
        make_account_setup(),
        make_account_setup(make_account("margin", MarketType.MARGIN)),
    ]
    instances = [
        play(wish_at_random(Random(seed)), f"{name}-{symbol}", symbol=symbol, account=name)
        for name in ("main", "margin")
        for symbol in (BTC, ETH)
    ]
    floor = Floor(
        *instances, accounts=accounts, risk=RISK, is_silent=is_silent, ranges_by_bars=by_bars
    )
    random, prices, trades = Random(seed), {BTC: 100.0, ETH: 25.0}, []
    for _ in range(800):
        symbol = random.choice((BTC, ETH))
        before = prices[symbol]
        prices[symbol] = max(1.0, round(before * random.gauss(1, 0.006), 2))
        if random.random() < 0.3:
            effects = floor.bar(before, prices[symbol], symbol=symbol)
        else:
            effects = floor.tick(prices[symbol], symbol)
        trades += [one.trade for one in of_kind(effects, SaveTrade)]
        if is_silent:
            assert not of_kind(effects, RaiseEvent)
            assert not of_kind(effects, SaveOrder)
            assert not of_kind(effects, WriteLog)
    return trades, floor


@pytest.mark.parametrize("by_bars", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_tape_gives_the_same_trades_and_money(seed: int, by_bars: bool) -> None:
    loud, speaking = trade_through(seed, is_silent=False, by_bars=by_bars)
    quiet, silent = trade_through(seed, is_silent=True, by_bars=by_bars)
    assert loud == quiet
    assert loud, "nothing was traded: this proves nothing"
    for name, desk in speaking.trader.desks.items():
        same = silent.trader.desks[name]
        assert desk.book.cash == same.book.cash
        assert desk.book.positions == same.book.positions
        assert desk.book.equity() == same.book.equity()
