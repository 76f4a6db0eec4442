"""The paper exchange: a simulated venue of one account, and the reports it gives.

Pure and deterministic: no clock, thread or file. Orders are matched only by market events that
come after they have arrived; a cancel is carried out at once. It keeps nothing: what it must
know after a restart is in the account's cash, holdings and open orders.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.brokers.paper.checks import find_fault
from trading.brokers.paper.execution import EVERYTHING, Volume
from trading.brokers.paper.matcher import Matcher
from trading.brokers.paper.resting import RestingOrder
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account
from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick
from trading.model.order import Order, OrderType
from trading.model.order_states import OrderState
from trading.model.report import OrderAccepted, OrderCancelled, OrderRejected, Report

# What a cancelled order is told when nothing else is.
CANCELLED: Final = "cancelled"
_ZERO: Final = Decimal(0)
_PENDING: Final = (OrderState.NEW, OrderState.SENT)
_RESTING: Final = (OrderState.WORKING, OrderState.PARTIAL)


def venue_id_of(order: Order) -> str:
    """Return the id by which the exchange knows an order."""
    return f"paper-{order.id}"


class PaperExchange:
    """Match the orders of one account against market events.

    Only markets in `busy` need any: the others have no working order. It is one set for ever.
    """

    def __init__(
        self, account: Account, terms: PaperTerms, instruments: Mapping[str, Instrument]
    ) -> None:
        self.busy: set[str] = set()
        self._account = account
        self._terms = terms
        self._instruments = instruments
        self._matcher = Matcher(account, terms, self.busy)

    @property
    def cash(self) -> Decimal:
        """Return the account's cash; negative when it is borrowed."""
        return self._matcher.purse.cash

    @property
    def holdings(self) -> Mapping[str, Decimal]:
        """Return what is held of each market, without zeros; negative when short."""
        return dict(self._matcher.purse.holdings)

    @property
    def marks(self) -> Mapping[str, float]:
        """Return the last price seen of each market, by which margin is reckoned."""
        return dict(self._matcher.purse.marks)

    def restore(
        self,
        *,
        cash: Decimal,
        holdings: Mapping[str, Decimal],
        orders: Iterable[Order],
        at: float,
        prices: Mapping[str, float] | None = None,
    ) -> list[Report]:
        """Become what the account was at a moment; orders that were on their way arrive now.

        `prices` are the last ones known; without any, an account that borrows takes no new risk
        before it has seen one of each market it holds. Of partly filled and triggered orders,
        `updated_at` must say when that was. Not kept are only which limits a market that was
        silent until now has passed by, and how much of a running candle's volume was used.
        """
        self.busy.clear()
        self._matcher = Matcher(self._account, self._terms, self.busy)
        purse = self._matcher.purse
        purse.cash = cash
        purse.holdings = {symbol: held for symbol, held in holdings.items() if held}
        purse.marks = dict(prices or {})
        reports: list[Report] = []
        pending: list[Order] = []
        for order in orders:
            if order.state is OrderState.UNKNOWN or order.symbol not in self._instruments:
                why = "not known to the exchange"
                reports.append(OrderCancelled(order.account, order.id, why, at))
            elif order.state in _PENDING:
                pending.append(order)
            elif order.state in _RESTING and order.remaining > 0:
                self._matcher.rest(self._restored(order, at), self._matcher.books[order.symbol])
        for order in pending:
            reports += self.submit(order, order.created_at)
        return reports

    def take_in(self, order: Order, at: float) -> str:
        """Take in an order that was sent at a moment; return why not, or nothing."""
        matcher, symbol = self._matcher, order.symbol
        instrument = self._instruments.get(symbol)
        if instrument is None:
            return f"symbol: found {symbol}, allowed {', '.join(sorted(self._instruments))}"
        if order.id in matcher.working:
            return f"order id: found {order.id} again, allowed once"
        if order.reduce_only:
            # It needs no money, and may be as small as what is held.
            fault = find_fault(order, instrument, None)
        else:
            purse = matcher.purse
            fault = find_fault(order, instrument, purse.reference_price(order))
            fault = fault or purse.find_shortage(order, matcher.working.values())
        if not fault:
            book, since = matcher.books[symbol], at + self._terms.latency_s
            matcher.rest(RestingOrder(order, instrument, _ZERO, since, book.events), book)
        return fault

    def submit(self, order: Order, at: float) -> list[Report]:
        """Accept or refuse an order that was sent at a moment."""
        fault = self.take_in(order, at)
        if fault:
            return [OrderRejected(order.account, order.id, fault, at)]
        return [OrderAccepted(order.account, order.id, venue_id_of(order), at)]

    def withdraw(self, order_id: str) -> bool:
        """Cancel what is left of an order without a report; tell whether it was working."""
        resting = self._matcher.working.get(order_id)
        if resting is None:
            return False
        self._matcher.forget(resting)
        return True

    def cancel(self, order_id: str, at: float, reason: str = CANCELLED) -> list[Report]:
        """Cancel what is left of an order; one that is not working gives no report."""
        resting = self._matcher.working.get(order_id)
        return [] if resting is None else [self._matcher.end(resting, reason, at)]

    def on_tick(self, tick: Tick) -> list[Report]:
        """Match a price; with a share of the volume, only as far as something was traded."""
        price = tick.price
        if not 0.0 < price < math.inf:
            return []
        if self._matcher.passes(tick.symbol, price, tick.at):
            return []
        share = self._terms.volume_share
        volume = EVERYTHING if share is None else Volume.of_tick(tick, share)
        return self._matcher.match_price(tick.symbol, price, tick.at, volume)

    def passes(self, bar: Bar) -> bool:
        """Tell, by floats only, whether a candle concerns no order; then it is dealt with."""
        # Its open and its range: two events.
        return self._matcher.passes_range(bar, 2)

    def bounds(self, symbol: str) -> tuple[float, float]:
        """Return between which prices nothing happens in a market."""
        book = self._matcher.books[symbol]
        return book.below, book.above

    def pass_candles(self, last: Bar, count: int) -> None:
        """Take note of so many candles in a row, all of them within the bounds."""
        self._matcher.pass_range(last, 2 * count)

    def on_bar_open(self, bar: Bar) -> list[Report]:
        """Match the first price of a candle, as it was when the candle began."""
        if not 0.0 < bar.open < math.inf:
            return []
        if self._matcher.passes(bar.symbol, bar.open, bar.start):
            return []
        volume = EVERYTHING if self._terms.volume_share is None else self._volume_of(bar)
        return self._matcher.match_price(bar.symbol, bar.open, bar.start, volume)

    def on_bar_range(self, bar: Bar) -> list[Report]:
        """Match a whole candle against the orders that had arrived when it began.

        The open comes first, then every stop that was reached, then the limits. What ticks have
        filled or triggered within the candle is not matched by it again.
        """
        if not 0.0 < bar.low <= bar.high < math.inf or self._matcher.passes_range(bar):
            return []
        at_open = self.on_bar_open(bar)
        return at_open + self._matcher.match_range(bar, self._volume_of(bar))

    def on_quiet(self, symbol: str, price: float, at: float) -> list[Report]:
        """Fill what takes any price at the last one known, in a market where nothing happens.

        Whoever says so has waited longer than any latency.
        """
        if not 0.0 < price < math.inf:
            return []
        return self._matcher.match_quiet(symbol, price, at)

    def _volume_of(self, bar: Bar) -> Volume:
        share = self._terms.volume_share
        if share is None:
            return EVERYTHING
        return Volume.of_bar(bar, share, self._matcher.books[bar.symbol].spent)

    def _restored(self, order: Order, at: float) -> RestingOrder:
        accepted_at = order.created_at if order.accepted_at is None else order.accepted_at
        since = accepted_at + self._terms.latency_s
        arrived_at = accepted_at
        if order.filled or order.is_triggered:
            since = arrived_at = max(since, order.updated_at)
        return RestingOrder(
            order=order,
            instrument=self._instruments[order.symbol],
            filled=order.filled,
            since=since,
            born=0,
            # A stop fills only once it was reached.
            is_triggered=order.is_triggered or (order.type is OrderType.STOP and order.filled > 0),
            is_rested=order.filled > 0 or (at >= since and at > arrived_at),
        )
