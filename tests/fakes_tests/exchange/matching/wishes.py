"""Orders as an account wishes for them."""

from decimal import Decimal
from typing import Any

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, OrderKind, Side, Wish

D = Decimal
SPOT = "BTC/USD"


def wish(
    side: Side,
    kind: OrderKind,
    quantity: str = "1",
    *,
    symbol: str = SPOT,
    price: str | None = None,
    trigger: str | None = None,
    **rest: Any,
) -> Wish:
    return Wish(
        symbol=symbol,
        side=side,
        kind=kind,
        quantity=D(quantity),
        price=None if price is None else D(price),
        trigger=None if trigger is None else D(trigger),
        **rest,
    )


def buy(engine: Engine, account: Account, quantity: str = "1") -> None:
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, quantity))
