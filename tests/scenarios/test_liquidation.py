"""A position that the exchange liquidates: booked to the last digit, told, and nothing after it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.scenarios.books import read_kept
from tests.scenarios.exchange_desk import open_exchange
from tests.scenarios.live_bot import LiveBot
from tests.scenarios.moments import Moments
from trading.model.order import Purpose

PRICE = Decimal(64_000)
STEP = Decimal("0.00000001")


@pytest.fixture(params=["krakenfutures-swap", "kraken-margin"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveBot]:
    """Hold a position whose liquidation is nearer than its stop."""
    with open_exchange(request.param) as desk:
        desk.engine.deposit(desk.account, "USD", Decimal(10_000))
        market = desk.engine.markets[desk.venue_symbol]
        # Nearly all of its margin must stay; on cross margin that is all of the position.
        margin = 1 if request.param == "krakenfutures-swap" else 1 / Decimal(desk.setting.leverage)
        close = replace(market, maintenance=margin - Decimal("0.02"))
        desk.engine.markets[desk.venue_symbol] = close
        desk.engine.price(desk.venue_symbol, PRICE)
        made = LiveBot(tmp_path, desk, Moments(), Random(1))
        made.run(10)
        made.do("starttrading")
        made.do("buy", desk.symbol, "0.01")
        made.run(5)
        assert desk.engine.positions(desk.account)
        assert [one.purpose for one in made.trader.orders.open.values()] == [Purpose.PROTECTION]
        yield made
        made.kill()


def check_money(bot: LiveBot) -> None:
    """Fail unless the file has what the exchange has: no position, and the same money."""
    kept, desk = read_kept(bot.config.database), bot.desk
    assert not kept.positions
    assert kept.trades == 1
    there = desk.engine.balances(desk.account)["USD"].total
    assert Decimal(kept.values["cash.main"]).quantize(STEP) == there.quantize(STEP)


def told(bot: LiveBot, kind: str) -> int:
    return read_kept(bot.config.database).told(kind)


def test_a_liquidation_is_booked_told_and_ends_entries_until_somebody_looks(bot: LiveBot) -> None:
    desk = bot.desk
    desk.engine.price(desk.venue_symbol, PRICE * Decimal("0.975"))
    assert not desk.engine.positions(desk.account)
    bot.run(240)
    assert not bot.trader.desks["main"].book.positions
    assert not bot.trader.orders.open, "its stop is cancelled"
    assert not desk.engine.open_orders(desk.account)
    check_money(bot)
    assert told(bot, "liquidated") == 1
    assert not told(bot, "difference")
    (key,) = bot.trader.desks["main"].markets.values()
    assert "liquidat" in bot.trader.conditions.flags.buying_off(key)


def test_a_liquidation_while_the_bot_was_down_is_booked_once_at_the_next_start(
    bot: LiveBot,
) -> None:
    desk = bot.desk
    bot.kill()
    desk.engine.price(desk.venue_symbol, PRICE * Decimal("0.975"))
    for _ in range(2):
        bot.open()
        bot.run(240)
        check_money(bot)
        assert told(bot, "liquidated") == 1
        bot.kill()
    bot.open()
