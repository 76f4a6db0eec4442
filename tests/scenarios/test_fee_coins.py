"""Fees that Binance takes in a coin which the bot holds: book and exchange stay equal."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.fakes.exchange.tape import Tape
from tests.fakes.exchange.terms import Fees
from tests.scenarios.books import read_kept
from tests.scenarios.exchange_desk import ExchangeDesk, open_exchange
from tests.scenarios.live_bot import LiveBot
from tests.scenarios.moments import Moments
from trading.model.market import Tick

BTC, ETH = "BTC/USDT", "ETH/USDT"
FEES = Fees(Decimal("0.001"), Decimal("0.001"), paid_in="ETH", worth=Decimal(3_000))


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[LiveBot]:
    """Trade bitcoins and ether at once."""
    with open_exchange("binance") as desk:
        add_ether(desk)
        desk.engine.deposit(desk.account, "USDT", Decimal(10_000))
        desk.engine.price(desk.venue_symbol, Decimal(64_000))
        desk.engine.price(ETH, Decimal(3_000))
        pairs = {"pairs": [BTC, ETH], "trade_amount_usd": 500}
        made = LiveBot(tmp_path, desk, Moments(), Random(1), trading=pairs)
        made.run(10)
        made.do("starttrading")
        yield made
        made.kill()


def add_ether(desk: ExchangeDesk) -> None:
    bitcoin = desk.engine.markets[desk.venue_symbol]
    desk.engine.markets[ETH] = replace(bitcoin, symbol=ETH, base="ETH")
    desk.engine.tapes[ETH] = Tape()


def trade(bot: LiveBot, verb: str, symbol: str, *quantity: str) -> None:
    bot.tell(Tick(ETH, 3_000.0, 1.0, bot.clock.wall()))
    bot.do(verb, symbol, *quantity)
    bot.run(8)


def check_equal(bot: LiveBot) -> None:
    """Fail unless the file has the coins and the money that the exchange has."""
    kept, desk = read_kept(bot.config.database), bot.desk
    there = {name: one.total for name, one in desk.engine.balances(desk.account).items()}
    held = {one.symbol: one.quantity for one in kept.positions}
    assert held.get(BTC, 0) == there.get("BTC", 0)
    assert held.get(ETH, 0) == there.get("ETH", 0)
    assert Decimal(kept.values["cash.main"]) == there["USDT"]


def test_what_pays_the_fees_is_sold_no_more(bot: LiveBot) -> None:
    trade(bot, "buy", ETH, "0.1")
    check_equal(bot)
    bot.desk.account.fees = FEES
    for verb in ("buy", "sell"):
        trade(bot, verb, BTC, "0.01")
        check_equal(bot)
    eth = bot.trader.desks["main"].book.positions[ETH]
    assert eth.quantity < Decimal("0.1")
    (stop,) = [one for one in bot.trader.orders.open.values() if one.symbol == ETH]
    assert stop.quantity <= eth.quantity
    bot.look()
    bot.run(10)
    bot.look()
    bot.run(10)
    assert not read_kept(bot.config.database).told("difference")
    bot.desk.account.fees = Fees()
    trade(bot, "sell", ETH)
    kept = read_kept(bot.config.database)
    assert not kept.positions
    assert kept.trades == 2
