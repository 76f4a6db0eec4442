"""What a person does at the exchange by hand is asked about in the chat, and done as answered."""

import re
from decimal import Decimal

import pytest

from tests.fakes.exchange.terms import OrderKind, Side, Wish
from tests.process.installation import PATIENCE_S
from tests.process.live_desk import BTC, LiveDesk
from tests.process.test_trading_console import ask, ask_surely
from tests.processes import RunningProcess
from tests.waiting import wait_until

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
    bridge, trading = desk.go_live()
    coins, order = number_of(bridge, "BTC"), number_of(bridge, "buy order BTC/USD")
    assert "/reconcile" in ask_surely(bridge, "/buy BTC/USD")
    assert ask_surely(bridge, f"/reconcile {order} close").startswith("[applied]")
    wait_until(lambda: not desk.engine.open_orders(desk.account), PATIENCE_S, "the order cancelled")
    # Until the market is heard of, nobody knows what they are worth.
    desk.applied(bridge, f"/reconcile {coins} adopt")
    wait_until(lambda: len(desk.stops()) == 1, PATIENCE_S, "a stop for what was adopted")
    assert desk.stops()[0].wish.quantity == COINS
    wait_until(lambda: "all agrees" in ask(bridge, "/reconcile"), PATIENCE_S, "an agreement")
    assert ask_surely(bridge, "/buy BTC/USD").startswith("[applied]")
    wait_until(lambda: desk.held() > COINS, PATIENCE_S, "a purchase")
    for _ in range(5):
        assert "all agrees" in ask(bridge, "/reconcile")
    assert bridge.stdout.count("⚠ difference") == 2, bridge.stdout
    desk.end(bridge, trading)
