"""The paper exchange: a simulated venue of one account, and the reports it gives.

Pure and deterministic: no clock, thread or file. Orders are matched only by market events that
come after they have arrived; a cancel is carried out at once. It keeps nothing: what it must
know after a restart is in the account's cash, holdings and open orders.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.brokers.paper.book import MarketBook
from trading.brokers.paper.checks import find_fault
from trading.brokers.paper.execution import Volume, better_of, round_against, taker_price
from trading.brokers.paper.purse import Purse
from trading.brokers.paper.resting import RestingOrder, Touch, touch
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account
from trading.model.instrument import Instrument, to_decimal
from trading.model.market import Bar, Tick
from trading.model.order import Fill, Order, OrderType, Side
from trading.model.order_states import OrderState
from trading.model.report import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    Report,
)

_ZERO: Final = Decimal(0)
_PENDING: Final = (OrderState.NEW, OrderState.SENT)
_RESTING: Final = (OrderState.WORKING, OrderState.PARTIAL)
# Stops come before limits where one candle reaches both: the worse order of events.
_STOPS: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET)


class PaperExchange:
    """Match the orders of one account against market events."""

    def __init__(
        self, account: Account, terms: PaperTerms, instruments: Mapping[str, Instrument]
    ) -> None:
        self._account = account
        self._terms = terms
        self._instruments = instruments
        self._purse = Purse(account, terms)
        self._books: dict[str, MarketBook] = {}
        self._working: dict[str, RestingOrder] = {}
        self.busy: set[str] = set()

    @property
    def cash(self) -> Decimal:
        """Return the account's cash; negative when it is borrowed."""
        return self._purse.cash

    @property
    def holdings(self) -> Mapping[str, Decimal]:
        """Return what is held of each market, without zeros; negative when short."""
        return dict(self._purse.holdings)

    @property
    def marks(self) -> Mapping[str, float]:
        """Return the last price seen of each market, by which margin is reckoned."""
        return dict(self._purse.marks)

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
        before it has seen one of each market it holds.
        """
        self._purse = Purse(self._account, self._terms)
        self._purse.cash = cash
        self._purse.holdings = {symbol: held for symbol, held in holdings.items() if held}
        self._purse.marks = dict(prices or {})
        self._books, self._working, self.busy = {}, {}, set()
        known = list(orders)
        reports: list[Report] = []
        for order in known:
            reports += self._restore(order, at)
        for order in known:
            if order.state in _PENDING and order.symbol in self._instruments:
                reports += self.submit(order, order.created_at)
        return reports

    def submit(self, order: Order, at: float) -> list[Report]:
        """Accept or refuse an order that was sent at a moment."""
        fault = self._find_fault(order)
        if fault:
            return [OrderRejected(order.account, order.id, fault, at)]
        book = self._book(order.symbol)
        self._rest(
            RestingOrder(
                order=order,
                instrument=self._instruments[order.symbol],
                filled=_ZERO,
                since=at + self._terms.latency_s,
                born=book.events,
            )
        )
        return [OrderAccepted(order.account, order.id, f"paper-{order.id}", at)]

    def cancel(self, order_id: str, at: float, reason: str = "cancelled") -> list[Report]:
        """Cancel what is left of an order; one that is not working gives no report."""
        resting = self._working.get(order_id)
        return [] if resting is None else [self._end(resting, reason, at)]

    def on_tick(self, tick: Tick) -> list[Report]:
        """Match a price; with a share of the volume, only as far as something was traded."""
        book = self._books.get(tick.symbol)
        if book is None or not 0.0 < tick.price < math.inf:
            return []
        self._purse.marks[tick.symbol] = tick.price
        if book.below < tick.price < book.above:
            book.note(tick.at)
            return []
        volume = Volume.of_tick(tick, self._terms.volume_share)
        return self._at_price(book, tick.price, tick.at, volume)

    def on_bar_open(self, bar: Bar) -> list[Report]:
        """Match the first price of a candle, once it is known, as seen when it began."""
        book = self._books.get(bar.symbol)
        if book is None or not 0.0 < bar.open < math.inf:
            return []
        self._purse.marks[bar.symbol] = bar.open
        volume = Volume.of_bar(bar, self._terms.volume_share, book.spent)
        return self._at_price(book, bar.open, bar.start, volume)

    def on_bar_range(self, bar: Bar) -> list[Report]:
        """Match a whole candle against the orders that had arrived when it began.

        The open comes first, then every stop that was reached, then the limits. What ticks have
        filled or triggered within the candle is not matched by it again.
        """
        book = self._books.get(bar.symbol)
        if book is None or not 0.0 < bar.low <= bar.high < math.inf:
            return []
        reports = self.on_bar_open(bar)
        volume = Volume.of_bar(bar, self._terms.volume_share, book.spent)
        ends = to_decimal(bar.low), to_decimal(bar.high)
        present = [] if volume.is_nothing else self._present(book, bar.start)
        for resting in sorted(present, key=lambda one: one.order.type not in _STOPS):
            reports += self._match_range(resting, ends, bar.end, volume)
        self._purse.marks[bar.symbol] = bar.close
        book.note(bar.end)
        book.spent = _ZERO
        return reports

    def on_quiet(self, symbol: str, price: float, at: float) -> list[Report]:
        """Fill what takes any price at the last one known, in a market where nothing happens."""
        book = self._books.get(symbol)
        if book is None or not 0.0 < price < math.inf:
            return []
        self._purse.marks[symbol] = price
        reports: list[Report] = []
        for resting in self._present(book, at):
            if resting.takes:
                reports += self._take(resting, to_decimal(price), at, Volume(None), Touch.TAKE)
        return reports

    def _at_price(self, book: MarketBook, price: float, at: float, volume: Volume) -> list[Report]:
        if volume.is_nothing:
            return []
        reports: list[Report] = []
        exact = to_decimal(price)
        for resting in self._present(book, at):
            met = touch(resting, exact, exact)
            if met is Touch.LIMIT and book.has_rested(resting):
                reports += self._make(resting, exact, at, volume)
            elif met is Touch.TRIGGER:
                reports.append(self._trigger(resting, at))
            elif met is not None:
                reports += self._take(resting, exact, at, volume, met)
        book.note(at)
        return reports

    def _match_range(
        self, resting: RestingOrder, ends: tuple[Decimal, Decimal], at: float, volume: Volume
    ) -> list[Report]:
        low, high = ends
        order = resting.order
        met = touch(resting, *((high, low) if order.side is Side.BUY else (low, high)))
        if met is Touch.STOP and order.stop_price is not None:
            return self._take(resting, order.stop_price, at, volume, met)
        if met is Touch.LIMIT and order.limit_price is not None:
            return self._make(resting, order.limit_price, at, volume)
        return [self._trigger(resting, at)] if met is Touch.TRIGGER else []

    def _take(
        self, resting: RestingOrder, market: Decimal, at: float, volume: Volume, met: Touch
    ) -> list[Report]:
        order, step = resting.order, resting.instrument.price_step
        price = taker_price(market, order.side, self._terms.slippage, step)
        limit = resting.live_limit
        if met is Touch.LIMIT and limit is not None:
            price = better_of(limit, price, order.side)
        return self._execute(resting, price, at, volume, met)

    def _make(
        self, resting: RestingOrder, market: Decimal, at: float, volume: Volume
    ) -> list[Report]:
        side, limit = resting.order.side, resting.live_limit
        assert limit is not None
        price = better_of(limit, round_against(market, side, resting.instrument.price_step), side)
        return self._execute(resting, price, at, volume, None)

    def _execute(
        self, resting: RestingOrder, price: Decimal, at: float, volume: Volume, met: Touch | None
    ) -> list[Report]:
        """Fill as much as money and volume allow; `met` is None for whoever makes the price."""
        wanted, shortage = self._purse.fillable(resting, price, self._working)
        if not wanted:
            return [self._end(resting, shortage, at)]
        quantity = volume.take(wanted, resting.instrument.quantity_step)
        reports: list[Report] = []
        if met is Touch.STOP and quantity < wanted:
            reports.append(self._trigger(resting, at))
        if quantity:
            reports.append(self._fill(resting, price, quantity, at, is_maker=met is None))
        if not resting.remaining:
            self._forget(resting)
        elif quantity == wanted:
            reports.append(self._end(resting, shortage, at))
        return reports

    def _fill(
        self, resting: RestingOrder, price: Decimal, quantity: Decimal, at: float, *, is_maker: bool
    ) -> OrderFilled:
        order = resting.order
        resting.filled += quantity
        resting.since = at
        resting.is_rested = True
        if self._terms.volume_share is not None:
            self._books[order.symbol].spent += quantity
        fill = Fill(
            # The sum of what is filled names a fill for ever, also after a restart.
            fill_id=f"{order.id}:{resting.filled.normalize():f}",
            account=order.account,
            order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=self._purse.fee(price, quantity, is_maker=is_maker),
            fee_currency=self._account.currency,
            at=at,
            is_maker=is_maker,
        )
        self._purse.book(fill)
        return OrderFilled(fill)

    def _trigger(self, resting: RestingOrder, at: float) -> OrderTriggered:
        book = self._books[resting.order.symbol]
        resting.is_triggered = True
        resting.since = at
        # The event that triggers does not pass by: what follows is as if it had arrived now.
        resting.born = book.events + 1
        resting.is_rested = False
        book.refresh()
        return OrderTriggered(resting.order.account, resting.order.id, at)

    def _end(self, resting: RestingOrder, reason: str, at: float) -> OrderCancelled:
        self._forget(resting)
        return OrderCancelled(resting.order.account, resting.order.id, reason, at)

    def _forget(self, resting: RestingOrder) -> None:
        order = resting.order
        del self._working[order.id]
        book = self._books[order.symbol]
        book.remove(order.id)
        if not book.orders:
            self.busy.discard(order.symbol)

    def _rest(self, resting: RestingOrder) -> None:
        order = resting.order
        self._working[order.id] = resting
        self._book(order.symbol).add(resting)
        self.busy.add(order.symbol)

    def _restore(self, order: Order, at: float) -> list[Report]:
        if order.state is OrderState.UNKNOWN or order.symbol not in self._instruments:
            return [OrderCancelled(order.account, order.id, "not known to the exchange", at)]
        if order.state not in _RESTING or order.remaining <= 0:
            return []
        accepted_at = order.created_at if order.accepted_at is None else order.accepted_at
        since = accepted_at + self._terms.latency_s
        arrived_at = accepted_at
        if order.filled or order.is_triggered:
            since = arrived_at = max(since, order.updated_at)
        self._rest(
            RestingOrder(
                order=order,
                instrument=self._instruments[order.symbol],
                filled=order.filled,
                since=since,
                born=0,
                # A stop fills only once it was reached.
                is_triggered=order.is_triggered
                or (order.type is OrderType.STOP and order.filled > 0),
                is_rested=order.filled > 0 or (at >= since and at > arrived_at),
            )
        )
        return []

    def _find_fault(self, order: Order) -> str:
        instrument = self._instruments.get(order.symbol)
        if instrument is None:
            return f"symbol: found {order.symbol}, allowed {', '.join(sorted(self._instruments))}"
        if order.id in self._working:
            return f"order id: found {order.id} again, allowed once"
        return find_fault(
            order, instrument, self._purse.reference_price(order)
        ) or self._purse.find_shortage(order, self._working.values())

    def _book(self, symbol: str) -> MarketBook:
        return self._books.setdefault(symbol, MarketBook())

    @staticmethod
    def _present(book: MarketBook, at: float) -> list[RestingOrder]:
        return [resting for resting in book.orders.values() if resting.since <= at]
