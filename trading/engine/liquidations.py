"""Positions that a venue closes by itself: booked as any execution, told, and nothing after them.

Its margin was used up: whatever strategies want next waits until a person has looked and says
`/startbuying`. An execution that fits no position of ours is none of ours: differences show it.
"""

from collections.abc import Callable, Mapping
from decimal import Context
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.markets import Markets
from trading.engine.order_ids import OrderIds
from trading.engine.orders import sent
from trading.model.difference import Gone
from trading.model.order import Fill, Order, OrderType, Purpose
from trading.model.position import Position
from trading.model.report import FORCED, OrderFilled, Report
from trading.model.values import replace
from trading.reports.live_alerts import liquidated

REASON: Final = "liquidated by the exchange"
_QUOTIENT: Final = Context(prec=18)


class Liquidations:
    """Take in executions that a venue forces on positions."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        *,
        dealer: Dealer,
        conditions: Conditions,
        ids: OrderIds,
        announcer: Announcer,
    ) -> None:
        self._desks = desks
        self._markets = markets
        self._dealer = dealer
        self._conditions = conditions
        self._ids = ids
        self._announcer = announcer
        # Tells what was booked as gone before it was told of; its booking makes room for it then.
        self.gone: Callable[[Fill], Gone | None] = lambda _fill: None
        # Hear of an execution before it is booked, and after that.
        self.before_fill: Callable[[Fill], None] = lambda _fill: None
        self.on_fill: Callable[[Fill], None] = lambda _fill: None

    def take(self, report: Report) -> bool:
        """Take in a report of no order of ours; tell whether it is about a liquidation."""
        if not isinstance(report, OrderFilled) or not report.order_id.startswith(FORCED):
            return False
        fill = report.fill
        desk = self._desks.get(fill.account)
        if desk is not None and not self._dealer.orders.knows_fill(fill):
            position = desk.book.positions.get(fill.symbol)
            gone = self.gone(fill)
            if _is_about(position, fill) or (gone is not None and _leaves(position, fill)):
                self._book(desk, fill, gone)
        return True

    def _book(self, desk: AccountDesk, fill: Fill, gone: Gone | None) -> None:
        self.before_fill(fill)
        position = desk.book.positions.get(fill.symbol)
        if position is None:
            # What it was of could not be taken back: it stays gone.
            return
        quantity = min(fill.quantity, abs(position.quantity))
        order = Order(
            id=self._ids.next_id(desk.name, ""),
            account=desk.name,
            symbol=fill.symbol,
            side=fill.side,
            type=OrderType.MARKET,
            purpose=Purpose.EXIT,
            quantity=quantity,
            created_at=self._markets.now,
            reduce_only=True,
            instance=position.instance,
            reason=REASON,
        )
        order = sent(order, self._markets.now)
        self._dealer.orders.add(order)
        fee = fill.fee
        if quantity != fill.quantity:
            fee = _QUOTIENT.divide(fee * quantity, fill.quantity)
        booked = replace(fill, order_id=order.id, quantity=quantity, fee=fee)
        self._bar(desk, fill)
        entry_price = position.entry_price if gone is None else gone.entry_price
        self._announcer.tell(liquidated(position, entry_price, booked, desk.account.is_paper))
        self._dealer.book_outside(OrderFilled(booked))
        self.on_fill(fill)

    def _bar(self, desk: AccountDesk, fill: Fill) -> None:
        keys = set(desk.markets.values())
        why = f"{fill.symbol} was liquidated: look at the account, then /startbuying"
        self._conditions.flags.set_buying(keys, why)
        self._conditions.keep()
        self._dealer.cancel_entries(keys)


def _leaves(position: Position | None, fill: Fill) -> bool:
    return position is None or fill.side is position.side.opposite


def _is_about(position: Position | None, fill: Fill) -> bool:
    """Tell whether an execution reduces a position, and is none from before there was one."""
    return position is not None and _leaves(position, fill) and fill.at >= position.opened_at
