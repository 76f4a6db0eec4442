"""The journal of one event: everything that trading wants kept, told or sent, as effects.

What changed several times within one event is kept once, as it ended, and put into words only
when the effects are taken.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

from trading.engine.effects import (
    AskAccount,
    CancelOrder,
    DropPosition,
    Effect,
    RaiseEvent,
    SaveFill,
    SaveOrder,
    SavePosition,
    SaveState,
    SaveTrade,
    SubmitOrder,
    WriteLog,
)
from trading.model.account import MarketKey
from trading.model.event import DurableEvent
from trading.model.order import Fill, Order
from trading.model.position import Position, Trade
from trading.risk.approval import ApprovedOrder

# What is kept: text, money, or what tells the text once it is asked for.
Kept = str | Decimal | Callable[[], str]


class Journal:
    """Collect the effects of the event that is being processed."""

    # Whether nobody reads any of it: then what is only kept or told need not be made.
    is_silent: ClassVar[bool] = False

    def __init__(self) -> None:
        self.is_empty = True
        self._orders: dict[str, Order] = {}
        self._values: dict[str, Kept] = {}
        self._positions: dict[MarketKey, Position | None] = {}
        self._records: list[Effect] = []
        self._orders_out: list[Effect] = []

    def save(self, key: str, value: Kept) -> None:
        """Keep a value."""
        self._values[key] = value
        self.is_empty = False

    def keep_order(self, order: Order) -> None:
        """Keep an order as it is now."""
        self._orders[order.id] = order
        self.is_empty = False

    def keep_position(self, key: MarketKey, position: Position | None) -> None:
        """Keep a position as it is now; None when it is closed."""
        self._positions[key] = position
        self.is_empty = False

    def keep_fill(self, fill: Fill) -> None:
        """Keep an execution."""
        self._add(SaveFill(fill))

    def keep_trade(self, trade: Trade) -> None:
        """Keep a closed trade."""
        self._add(SaveTrade(trade))

    def tell(self, event: DurableEvent) -> None:
        """Raise an event for the chat."""
        self._add(RaiseEvent(event))

    def log(self, level: str, who: str, text: str) -> None:
        """Write a line into the log."""
        self._add(WriteLog(level, who, text))

    def submit(self, approved: ApprovedOrder) -> None:
        """Have an order sent after the commit."""
        self._orders_out.append(SubmitOrder(approved))
        self.is_empty = False

    def cancel(self, account: str, order_id: str) -> None:
        """Have an order cancelled after the commit."""
        self._orders_out.append(CancelOrder(account, order_id))
        self.is_empty = False

    def ask_account(self, account: str, number: int) -> None:
        """Have an account's worker look at all of it."""
        self._orders_out.append(AskAccount(account, number))
        self.is_empty = False

    def take(self) -> list[Effect]:
        """Return everything collected, and begin anew."""
        effects: list[Effect] = [SaveOrder(order) for order in self._orders.values()]
        for key, position in self._positions.items():
            effects.append(DropPosition(*key) if position is None else SavePosition(position))
        for name, value in self._values.items():
            effects.append(SaveState(name, value() if callable(value) else str(value)))
        effects += self._records
        effects += self._orders_out
        self._orders.clear()
        self._values.clear()
        self._positions.clear()
        self._records.clear()
        self._orders_out.clear()
        self.is_empty = True
        return effects

    def _add(self, effect: Effect) -> None:
        self._records.append(effect)
        self.is_empty = False
