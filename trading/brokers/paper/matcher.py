"""Matching at the paper exchange: which order is filled by a market event, and for how much.

Owns the working orders and the money of one account. Whether an order may come in is decided
elsewhere.
"""

from decimal import Decimal
from typing import Final

from trading.brokers.paper.book import MarketBook, MarketBooks
from trading.brokers.paper.execution import (
    EVERYTHING,
    Volume,
    better_of,
    round_against,
    taker_price,
)
from trading.brokers.paper.purse import Purse
from trading.brokers.paper.resting import RestingOrder, Touch, touch
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account
from trading.model.instrument import to_decimal
from trading.model.market import Bar
from trading.model.order import Fill, OrderType, Side
from trading.model.report import OrderCancelled, OrderFilled, OrderTriggered, Report

_ZERO: Final = Decimal(0)
# Stops come before limits where one candle reaches both: the worse order of events.
_STOPS: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.BRACKET)


class Matcher:
    """Match the working orders of one account."""

    def __init__(self, account: Account, terms: PaperTerms, busy: set[str]) -> None:
        self.purse = Purse(account, terms)
        self.working: dict[str, RestingOrder] = {}
        self.books = MarketBooks()
        self._busy = busy
        self._account = account
        self._terms = terms

    def rest(self, resting: RestingOrder, book: MarketBook) -> None:
        """Take an order in, into the book of its market."""
        order = resting.order
        self.working[order.id] = resting
        book.add(resting)
        self._busy.add(order.symbol)

    def end(self, resting: RestingOrder, reason: str, at: float) -> OrderCancelled:
        """Cancel what is left of an order."""
        self.forget(resting)
        return OrderCancelled(resting.order.account, resting.order.id, reason, at)

    def passes(self, symbol: str, price: float, at: float) -> bool:
        """Tell, by floats only, whether a price concerns no order, and take note of it."""
        self.purse.marks[symbol] = price
        book = self.books[symbol]
        if book.below < price < book.above:
            book.note(at)
            return True
        return False

    def passes_range(self, bar: Bar, events: int = 1) -> bool:
        """Tell the same of a whole candle, which counts as so many events."""
        low, book = bar.low, self.books[bar.symbol]
        if low > 0.0 and book.below < low <= bar.open <= bar.high < book.above:
            self.purse.marks[bar.symbol] = bar.close
            book.end_candle(bar.start + bar.interval_s, events)
            return True
        return False

    def pass_range(self, bar: Bar, events: int) -> None:
        """Take note of a candle that concerns no order."""
        self.purse.marks[bar.symbol] = bar.close
        self.books[bar.symbol].end_candle(bar.start + bar.interval_s, events)

    def match_price(self, symbol: str, price: float, at: float, volume: Volume) -> list[Report]:
        """Match one price."""
        book = self.books[symbol]
        self.purse.marks[symbol] = price
        reports: list[Report] = []
        exact = to_decimal(price)
        is_nothing = volume is not EVERYTHING and volume.is_nothing
        for resting in () if is_nothing else tuple(book.orders.values()):
            if resting.since > at:
                continue
            if resting.takes:
                reports += self._take(resting, exact, at, volume, Touch.TAKE)
                continue
            met = touch(resting, exact, exact)
            if met is Touch.LIMIT and book.has_rested(resting):
                reports += self._make(resting, exact, at, volume)
            elif met is Touch.TRIGGER:
                reports.append(self._trigger(resting, at))
            elif met is not None:
                reports += self._take(resting, exact, at, volume, met)
        book.note(at)
        return reports

    def match_range(self, bar: Bar, volume: Volume) -> list[Report]:
        """Match what lies between the low and the high of a candle, the open being done."""
        book = self.books[bar.symbol]
        self.purse.marks[bar.symbol] = bar.close
        reports: list[Report] = []
        if not volume.is_nothing:
            low, high = to_decimal(bar.low), to_decimal(bar.high)
            present = book.present(bar.start)
            for resting in sorted(present, key=lambda one: one.order.type not in _STOPS):
                reports += self._match_ends(resting, low, high, bar.end, volume)
        book.end_candle(bar.end)
        return reports

    def match_quiet(self, symbol: str, price: float, at: float) -> list[Report]:
        """Fill what takes any price at one at which nothing is traded."""
        self.purse.marks[symbol] = price
        reports: list[Report] = []
        for resting in list(self.books[symbol].orders.values()):
            if resting.takes:
                # Market time stands still in silence, so nothing would ever arrive by it.
                arrived = max(at, resting.since)
                reports += self._take(resting, to_decimal(price), arrived, EVERYTHING, Touch.TAKE)
        return reports

    def _match_ends(
        self, resting: RestingOrder, low: Decimal, high: Decimal, at: float, volume: Volume
    ) -> list[Report]:
        order = resting.order
        is_buy = order.side is Side.BUY
        met = touch(resting, high if is_buy else low, low if is_buy else high)
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
        wanted, shortage = self.purse.fillable(resting, price, self.working)
        if not wanted:
            return [self.end(resting, shortage, at)]
        quantity = wanted
        if volume is not EVERYTHING:
            quantity = volume.take(wanted, resting.instrument.quantity_step)
        reports: list[Report] = []
        if quantity < wanted and met is Touch.STOP:
            reports.append(self._trigger(resting, at))
        if quantity:
            reports.append(self._fill(resting, price, quantity, at, is_maker=met is None))
        if not resting.remaining:
            self.forget(resting)
        elif quantity == wanted:
            reports.append(self.end(resting, shortage, at))
        return reports

    def _fill(
        self, resting: RestingOrder, price: Decimal, quantity: Decimal, at: float, *, is_maker: bool
    ) -> OrderFilled:
        order = resting.order
        resting.fill(quantity, at)
        if self._terms.volume_share is not None:
            self.books[order.symbol].spent += quantity
        # By position, in the order of the fields: so many names would cost more than the rest.
        fill = Fill(
            # The sum of what is filled names a fill for ever, also after a restart.
            f"{order.id}:{resting.filled.normalize():f}",
            order.account,
            order.id,
            order.symbol,
            order.side,
            quantity,
            price,
            self.purse.fee(price, quantity, is_maker=is_maker),
            self._account.currency,
            at,
            is_maker,
        )
        self.purse.book(fill)
        return OrderFilled(fill)

    def _trigger(self, resting: RestingOrder, at: float) -> OrderTriggered:
        book = self.books[resting.order.symbol]
        # The event that triggers does not pass by.
        resting.trigger(at, book.events + 1)
        book.refresh()
        return OrderTriggered(resting.order.account, resting.order.id, at)

    def forget(self, resting: RestingOrder) -> None:
        """Have an order no more."""
        order = resting.order
        del self.working[order.id]
        book = self.books[order.symbol]
        book.remove(order.id)
        if not book.orders:
            self._busy.discard(order.symbol)
