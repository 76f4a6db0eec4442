"""A core that tells nothing: what a backtest hands in, because nobody reads or keeps any of it.

Orders, positions and money are what they are elsewhere. Closed trades still leave the core, and
so does what a live venue must be told.
"""

# ruff: noqa: ARG002 - what is handed in is dropped: that is all it does

from decimal import Decimal
from typing import ClassVar

from trading.engine.announcer import Announcer
from trading.engine.decisions import Decisions
from trading.engine.effects import Effect
from trading.engine.journal import Journal, Kept
from trading.model.account import MarketKey
from trading.model.event import DurableEvent
from trading.model.order import Fill, Order, OrderIntent
from trading.model.position import Position, Trade
from trading.model.report import Report
from trading.risk.limits import Tripped
from trading.risk.refusal import Refusal


class SilentJournal(Journal):
    """Keep closed trades and what goes to a venue; of the rest only that there was something."""

    is_silent: ClassVar[bool] = True

    def save(self, key: str, value: Kept) -> None:
        """Keep no value."""
        self.is_empty = False

    def keep_order(self, order: Order) -> None:
        """Keep no order."""
        self.is_empty = False

    def keep_position(self, key: MarketKey, position: Position | None) -> None:
        """Keep no position."""
        self.is_empty = False

    def keep_fill(self, fill: Fill) -> None:
        """Keep no execution."""

    def take(self) -> list[Effect]:
        """Return the trades that were closed, and what goes to a venue."""
        self.is_empty = True
        if not (self._records or self._orders_out):
            return []
        effects = self._records + self._orders_out
        self._records.clear()
        self._orders_out.clear()
        return effects

    def tell(self, event: DurableEvent) -> None:
        """Tell nothing."""

    def log(self, level: str, who: str, text: str) -> None:
        """Write nothing."""


class SilentDecisions(Decisions):
    """Remember no decision."""

    def note(self, at: float, key: MarketKey, text: str) -> None:
        """Note nothing."""

    def sent(self, order: Order) -> None:
        """Note nothing."""

    def refused(self, at: float, key: MarketKey, refusal: Refusal) -> None:
        """Note nothing."""


class SilentAnnouncer(Announcer):
    """Put nothing into words."""

    def tell(self, event: DurableEvent) -> None:
        """Say nothing."""

    def placed(self, order: Order) -> None:
        """Say nothing."""

    def bought(self, order: Order, position: Position, cash: Decimal) -> None:
        """Say nothing."""

    def sold(self, trade: Trade, cash: Decimal) -> None:
        """Say nothing."""

    def sold_part(self, order: Order, position: Position, realised: Decimal, cash: Decimal) -> None:
        """Say nothing."""

    def rejected(self, order: Order) -> None:
        """Say nothing."""

    def cancelled(self, order: Order) -> None:
        """Say nothing."""

    def unknown(self, order: Order) -> None:
        """Say nothing."""

    def unprotected(self, position: Position, reason: str) -> None:
        """Say nothing."""

    def refused(self, intent: OrderIntent, refusal: Refusal) -> None:
        """Say nothing."""

    def tripped(self, tripped: Tripped) -> None:
        """Say nothing."""

    def lifted(self, tripped: Tripped, author: str) -> None:
        """Say nothing."""

    def strange(self, report: Report, reason: str) -> None:
        """Say nothing."""
