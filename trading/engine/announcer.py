"""Tells people what happens in trading: events by wall time, through the journal."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.model.account import Account
from trading.model.event import DurableEvent
from trading.model.order import Order, OrderIntent
from trading.model.position import Position, Trade
from trading.model.report import NEVER_REACHED, Report
from trading.reports import alerts
from trading.reports.live_alerts import order_given_up
from trading.risk.limits import Tripped
from trading.risk.refusal import Refusal


class Announcer:
    """Raise events about accounts' orders, positions and limits."""

    def __init__(self, journal: Journal, markets: Markets, accounts: Mapping[str, Account]) -> None:
        self._journal = journal
        self._markets = markets
        self._accounts = accounts

    def tell(self, event: DurableEvent) -> None:
        """Raise an event as of now."""
        self._journal.tell(replace(event, at=self._at))

    def placed(self, order: Order) -> None:
        """Say that an order was sent."""
        self._journal.tell(alerts.order_placed(order, self._is_paper(order.account), self._at))

    def bought(self, order: Order, position: Position, cash: Decimal) -> None:
        """Say that an entry was filled."""
        is_paper = self._is_paper(order.account)
        self._journal.tell(alerts.bought(order, position, cash, is_paper, self._at))

    def sold(self, trade: Trade, cash: Decimal) -> None:
        """Say that a position was closed."""
        self._journal.tell(alerts.sold(trade, cash, self._is_paper(trade.account), self._at))

    def sold_part(self, order: Order, position: Position, realised: Decimal, cash: Decimal) -> None:
        """Say that a part of a position was closed."""
        is_paper = self._is_paper(order.account)
        self._journal.tell(alerts.sold_part(order, position, realised, cash, is_paper, self._at))

    def rejected(self, order: Order) -> None:
        """Say that the venue refused an order."""
        is_paper = self._is_paper(order.account)
        self._journal.tell(alerts.order_rejected(order, order.note, self._at, is_paper))

    def cancelled(self, order: Order) -> None:
        """Say that an order is gone that nobody here cancelled."""
        is_paper = self._is_paper(order.account)
        said = order_given_up if order.note == NEVER_REACHED else alerts.order_cancelled
        self._journal.tell(said(order, self._at, is_paper))

    def unknown(self, order: Order) -> None:
        """Say that nobody knows what became of an order."""
        self._journal.tell(alerts.order_unknown(order, self._at, self._is_paper(order.account)))

    def unprotected(self, position: Position, reason: str) -> None:
        """Say that a position stands without its stop."""
        is_paper = self._is_paper(position.account)
        self._journal.tell(alerts.protection_missing(position, reason, self._at, is_paper))

    def refused(self, intent: OrderIntent, refusal: Refusal) -> None:
        """Say that risk refused what a strategy wanted."""
        is_paper = self._is_paper(intent.account)
        self._journal.tell(alerts.order_refused(intent, refusal, self._at, is_paper))

    def tripped(self, tripped: Tripped) -> None:
        """Say that a limit was passed."""
        self._journal.tell(alerts.limit_tripped(tripped, self._at, self._is_paper(tripped.account)))

    def lifted(self, tripped: Tripped, author: str) -> None:
        """Say that a limit bars nothing any more."""
        is_paper = self._is_paper(tripped.account)
        self._journal.tell(alerts.limit_lifted(tripped, author, self._at, is_paper))

    def strange(self, report: Report, reason: str) -> None:
        """Say that a venue said what cannot be."""
        self._journal.tell(alerts.strange_report(report, reason, self._at))

    def _is_paper(self, account: str) -> bool:
        return self._accounts[account].is_paper

    @property
    def _at(self) -> float:
        # Market time may be years away from the reader's.
        return self._markets.wall
