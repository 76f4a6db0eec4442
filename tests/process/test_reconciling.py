"""What a person does at the exchange by hand is asked about in the chat, and done as answered.

The exchange is the fake one on loopback, spoken to through ccxt as the real one would be.
"""

import re
from decimal import Decimal

import pytest

from tests.fakes.exchange.terms import OrderKind, Side, Wish
from tests.process.installation import PATIENCE_S, assert_no_traceback, wait_connected
from tests.process.test_live_account import BTC, LiveDesk, desk
from tests.process.test_trading_console import ask, ask_surely
from tests.processes import RunningProcess
from tests.waiting import wait_until

__all__ = ["desk"]

COINS = Decimal("0.01")


def number_of(bridge: RunningProcess, subject: str) -> str:
    """Wait until a difference is asked about, and return its number."""
    pattern = re.compile(rf"difference (\d+): {subject}\n")
    wait_until(lambda: pattern.search(bridge.stdout), PATIENCE_S, f"{subject}\n{bridge.describe()}")
    found = pattern.search(bridge.stdout)
    assert found is not None
    return found[1]


@pytest.mark.long
def test_coins_and_an_order_from_elsewhere_are_asked_about_and_dealt_with(desk: LiveDesk) -> None:
    desk.engine.deposit(desk.account, "BTC", COINS)
    price = Decimal(50_000)
    wish = Wish(symbol=BTC, side=Side.BUY, kind=OrderKind.LIMIT, quantity=COINS, price=price)
    desk.engine.submit(desk.account, wish)
    desk.configure()
    desk.put_keys()
    desk.confirm()
    bridge, trading = desk.here.start_bridge(), desk.here.start_trading()
    wait_connected(bridge)
    coins, order = number_of(bridge, "BTC"), number_of(bridge, "buy order BTC/USD")
    assert "/reconcile" in ask_surely(bridge, "/buy BTC/USD")
    assert ask_surely(bridge, f"/reconcile {order} close").startswith("[applied]")
    wait_until(lambda: not desk.engine.open_orders(desk.account), PATIENCE_S, "the order cancelled")
    line = f"/reconcile {coins} adopt"
    # Until the market is heard of, nobody knows what they are worth.
    wait_until(lambda: ask_surely(bridge, line).startswith("[applied]"), PATIENCE_S, line)
    wait_until(lambda: len(desk.stops()) == 1, PATIENCE_S, "a stop for what was adopted")
    assert desk.stops()[0].wish.quantity == COINS
    wait_until(lambda: "all agrees" in ask(bridge, "/reconcile"), PATIENCE_S, "an agreement")
    assert ask_surely(bridge, "/buy BTC/USD").startswith("[applied]")
    wait_until(lambda: desk.held() > COINS, PATIENCE_S, "a purchase")
    for _ in range(5):
        assert "all agrees" in ask(bridge, "/reconcile")
    assert bridge.stdout.count("⚠ difference") == 2, bridge.stdout
    assert (trading.stop(), bridge.stop()) == (0, 0)
    assert_no_traceback(trading, bridge)
