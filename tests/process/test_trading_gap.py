"""What the market did while the bot was away meets what the bot left behind."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.process.installation import PATIENCE_S, Installation
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import check_books, check_continued, read_books
from tests.waiting import wait_until

START_S = 1_767_571_200
CANDLE_S = 60
GAP_S = 1_200
CANDLES = 4_000
LEFT_AT = 100


def write_market(file: Path, *, until_s: float = float("inf"), then: int = LEFT_AT) -> None:
    """Write a market that stands still, and from a while after a moment on at another price."""
    lines = ["timestamp,open,high,low,close,volume"]
    for number in range(CANDLES):
        start_s = START_S + number * CANDLE_S
        price = LEFT_AT if start_s < until_s else then
        if not until_s <= start_s < until_s + GAP_S:
            lines.append(f"{start_s * 1000},{price},{price},{price},{price},1000")
    file.write_text("\n".join(lines) + "\n", encoding="ascii")


@pytest.mark.parametrize(
    ("then", "exit_price"),
    [
        # Far below the stop at 95: not at the stop's price, but at the first one there is.
        (80, Decimal("79.96")),
        (94, Decimal("93.953")),
    ],
)
def test_a_stop_that_was_crossed_while_the_bot_was_away_is_filled_at_the_first_price(
    here: Installation, then: int, exit_price: Decimal
) -> None:
    file = here.bot_dir / "BTC_USDT.csv"
    market = f"feed: {{kind: replay, file: {file.name}, symbol: BTC/USDT, speed: 600}}\n"
    here.configure_bot("status_interval_s: 0.05\n", market=market)
    write_market(file)
    with ScriptedBridge() as bridge:
        first = here.start_trading(**bridge.environment)
        bridge.wait_connected()
        bridge.buy("BTC/USDT", "1")
        wait_until(lambda: read_books(here.state_db).positions, PATIENCE_S, "a position")
        first.kill()
        before = read_books(here.state_db)
        check_books(before)
        left_at = float(before.values["market.time"])
        write_market(file, until_s=left_at, then=then)
        second = here.start_trading(**bridge.environment)
        wait_until(lambda: read_books(here.state_db).trades, PATIENCE_S, "the stop is filled")
        assert second.stop() == 0
    books = read_books(here.state_db)
    check_books(books)
    check_continued(before, books)
    (trade,) = books.trades
    assert Decimal(trade["exit_price"]) == exit_price
    # At the first price after the gap, and at no later one.
    assert left_at + GAP_S <= trade["closed_at"] <= left_at + GAP_S + CANDLE_S
    assert not books.positions
    assert not books.open_orders
