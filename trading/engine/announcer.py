"""Tells people what happens in trading: events by wall time, through the journal."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from trading.engine.announcements import announce_strange_report
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.model.account import Account
from trading.model.event import DurableEvent
from trading.model.order import Order, OrderIntent
from trading.model.position import Position, Trade
from trading.model.report import Report
from trading.reports import alerts, risk_alerts
from trading.risk.limit_values import Tripped
from trading.risk.refusal import Refusal


class Announcer:
    """Raise events about accounts' orders, positions and limits."""

    def __init__(self, journal: Journal, markets: Markets, accounts: Mapping[str, Account]) -> None:
        self._journal = journal
        self._markets = markets
        self._accounts = accounts

    def tell(self, event: DurableEvent) -> None:
        """Raise an event as of now: market time may be years away from the reader's."""
        self._journal.tell(replace(event, at=self._markets.wall))

    def placed(self, order: Order) -> None:
        """Say that an order was sent."""
        self.tell(alerts.order_placed(order, self._accounts[order.account], 0.0))

    def bought(self, order: Order, position: Position, cash: Decimal) -> None:
        """Say that an entry was filled."""
        self.tell(alerts.bought(order, position, self._accounts[order.account], cash, 0.0))

    def sold(self, trade: Trade, cash: Decimal) -> None:
        """Say that a position was closed."""
        self.tell(alerts.sold(trade, self._accounts[trade.account], cash))

    def sold_part(self, order: Order, position: Position, realised: Decimal, cash: Decimal) -> None:
        """Say that a part of a position was closed."""
        account = self._accounts[order.account]
        self.tell(alerts.sold_part(order, position, realised, account, cash, 0.0))

    def rejected(self, order: Order) -> None:
        """Say that the venue refused an order."""
        self.tell(alerts.order_rejected(order, order.note, self._accounts[order.account], 0.0))

    def cancelled(self, order: Order) -> None:
        """Say that an order is gone that nobody here cancelled."""
        self.tell(alerts.order_cancelled(order, order.note, self._accounts[order.account], 0.0))

    def unknown(self, order: Order) -> None:
        """Say that nobody knows what became of an order."""
        self.tell(alerts.order_unknown(order, order.note, self._accounts[order.account], 0.0))

    def unprotected(self, position: Position, reason: str) -> None:
        """Say that a position stands without its stop."""
        account = self._accounts[position.account]
        self.tell(risk_alerts.protection_missing(position, reason, account, 0.0))

    def refused(self, intent: OrderIntent, refusal: Refusal) -> None:
        """Say that risk refused what a strategy wanted."""
        self.tell(
            alerts.order_refused(
                side=intent.side,
                symbol=intent.symbol,
                code=refusal.code,
                reason=refusal.text,
                author=intent.author,
                account=self._accounts[intent.account],
                at=0.0,
            )
        )

    def tripped(self, tripped: Tripped) -> None:
        """Say that a limit was passed."""
        self.tell(risk_alerts.limit_tripped(tripped, self._accounts[tripped.account]))

    def lifted(self, tripped: Tripped, author: str) -> None:
        """Say that a limit bars nothing any more."""
        account = self._accounts[tripped.account]
        self.tell(risk_alerts.limit_lifted(tripped, author, account, 0.0))

    def strange(self, report: Report, reason: str) -> None:
        """Say that a venue said what cannot be."""
        self.tell(announce_strange_report(report.account, report.order_id, reason))
