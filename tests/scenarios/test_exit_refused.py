"""A way out that the exchange refuses for good: a stop rests between the tries to leave."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.fakes.exchange.wire import Kind, Word
from tests.scenarios.books import check_books, read_kept
from tests.scenarios.exchange_desk import open_exchange
from tests.scenarios.live_bot import LiveBot
from tests.scenarios.moments import Moments
from trading.model.order import Purpose


@pytest.fixture(params=["kraken", "binance", "krakenfutures-swap"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveBot]:
    """Hold a hundredth of a bitcoin with a stop that rests."""
    with open_exchange(request.param) as desk:
        desk.engine.deposit(desk.account, desk.setting.quote, Decimal(10_000))
        desk.engine.price(desk.venue_symbol, Decimal(64_000))
        made = LiveBot(tmp_path, desk, Moments(), Random(1))
        made.run(10)
        made.do("starttrading")
        made.do("buy", desk.symbol, "0.01")
        made.run(8)
        assert stops(made) == 1
        yield made
        made.kill()


def stops(bot: LiveBot) -> int:
    """Return how many stops rest at the exchange."""
    ours = bot.trader.orders.open
    resting = bot.desk.engine.open_orders(bot.desk.account)
    known = [ours.get(one.client_id) for one in resting]
    return sum(one is not None and one.purpose is Purpose.PROTECTION for one in known)


def test_the_stop_rests_between_the_tries_until_one_is_taken(bot: LiveBot) -> None:
    rule = bot.desk.running.faults.say(Word.FUNDS, acts=False, kind=Kind.SUBMIT, times=2)
    bot.do("sell", bot.desk.symbol)
    rests = 0
    for _ in range(40):
        bot.run(0.25)
        rests = max(rests, stops(bot) if len(rule.met) == 2 else 0)
    assert rests == 1, "after the second refusal it is protected again"
    bot.run(60)
    kept = read_kept(bot.config.database)
    assert not kept.positions
    assert kept.trades == 1
    assert kept.told("protection_missing") == kept.told("protection_back") == 1
    check_books(kept, bot.desk.there)


def test_what_is_refused_for_minutes_is_told_once_and_never_forgotten(bot: LiveBot) -> None:
    faults = bot.desk.running.faults
    faults.say(Word.FUNDS, acts=False, kind=Kind.SUBMIT, times=1_000)
    bot.do("sell", bot.desk.symbol)
    bot.run(300)
    kept = read_kept(bot.config.database)
    assert kept.positions[0].closing
    assert kept.told("order_placed") == 1, "the entry: no try to leave was taken in"
    assert kept.told("order_rejected") == 0
    faults.clear()
    bot.run(90)
    assert not read_kept(bot.config.database).positions
