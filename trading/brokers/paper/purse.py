"""The money of a paper account: what it has, what is reserved, and what it can still pay for.

Without borrowing (spot) neither cash nor a holding is ever negative. With it, positions are
signed and what they and the open orders may be worth together is bound by the leverage.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from trading.brokers.paper.resting import RestingOrder
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account, MarketType
from trading.model.instrument import round_to_step, to_decimal
from trading.model.order import Fill, Order, OrderType, Side

_ZERO: Final = Decimal(0)
# Fees are cut to this, so that sums of money stay exact in 28 digits.
_FEE_STEP: Final = Decimal("1e-12")
# Of a fee below this the remainder of a step can be told in 28 digits.
_FEE_PLAIN_MAX: Final = Decimal(10) ** 15


class Purse:
    """Keep cash and holdings, and say what they allow."""

    def __init__(self, account: Account, terms: PaperTerms) -> None:
        self.cash = _ZERO
        self.holdings: dict[str, Decimal] = {}
        self.marks: dict[str, float] = {}
        self._account = account
        self._terms = terms
        self._borrows = account.market_type is not MarketType.SPOT
        self._can_short = self._borrows and account.can_short
        self._with_fee = 1 + terms.fee_max

    def held(self, symbol: str) -> Decimal:
        """Return what is held of a market; negative when short."""
        return self.holdings.get(symbol, _ZERO)

    def fee(self, price: Decimal, quantity: Decimal, *, is_maker: bool) -> Decimal:
        """Return what a fill costs."""
        rate = self._terms.fee_maker if is_maker else self._terms.fee_taker
        fee = price * quantity * rate
        if abs(fee) < _FEE_PLAIN_MAX and not fee % _FEE_STEP:
            return fee
        cut = round_to_step(fee, _FEE_STEP)
        return fee if fee == cut else cut

    def book(self, fill: Fill) -> None:
        """Take a fill into account."""
        moved = fill.side.sign * fill.quantity
        self.cash -= fill.price * moved + fill.fee
        held = self.holdings.get(fill.symbol, _ZERO) + moved
        if held:
            self.holdings[fill.symbol] = held
        else:
            self.holdings.pop(fill.symbol, None)

    def mark(self, symbol: str) -> Decimal | None:
        """Return the last price that is known of a market."""
        price = self.marks.get(symbol)
        return None if price is None else to_decimal(price)

    def reference_price(self, order: Order) -> Decimal | None:
        """Return what one unit of an order costs about, or None when nobody knows yet."""
        if order.type is OrderType.MARKET:
            return self.mark(order.symbol) or order.reserve_price or None
        is_limited = order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        return order.limit_price if is_limited else order.stop_price

    def find_shortage(self, order: Order, working: Iterable[RestingOrder]) -> str:
        """Return why an order is more than the account can carry, or nothing."""
        if order.reduce_only:
            return ""
        others = list(working)
        if order.side is Side.SELL and not self._can_short:
            return self._coins_short(order, others)
        if not self._borrows:
            return self._cash_short(order, others)
        return self._margin_short(order, others)

    def fillable(
        self, resting: RestingOrder, price: Decimal, working: Mapping[str, RestingOrder]
    ) -> tuple[Decimal, str]:
        """Return how much of an order can be filled at a price, and why not the rest."""
        order, remaining = resting.order, resting.remaining
        step = resting.instrument.quantity_step
        held = self.holdings.get(order.symbol, _ZERO)
        if order.reduce_only:
            most = max(_ZERO, -held * order.side.sign)
            if not resting.filled and remaining <= most:
                # All of it: whatever its steps are, none of them is below it.
                return remaining, ""
            # An order beside the steps sells what is older than they are, to its last digit.
            if order.quantity == round_to_step(order.quantity, step):
                most = round_to_step(most, step)
            return min(remaining, most), "reduce only: nothing more is held"
        if order.side is Side.SELL and not self._can_short:
            return min(remaining, round_to_step(max(_ZERO, held), step)), "nothing more is held"
        if not self._borrows:
            most = self._affordable(resting, price, working.values())
            return min(remaining, most), f"not enough {self._account.currency}"
        if order.type in (OrderType.MARKET, OrderType.STOP, OrderType.BRACKET):
            return self._within_margin(resting, price), "not enough margin"
        return remaining, ""

    def _coins_short(self, order: Order, others: Iterable[RestingOrder]) -> str:
        reserved = sum((one.remaining for one in others if self._reserves_coins(one, order)), _ZERO)
        free = self.held(order.symbol) - reserved
        if order.quantity <= free:
            return ""
        return f"not enough {order.symbol}: {order.quantity:f} to sell, {free:f} free"

    @staticmethod
    def _reserves_coins(resting: RestingOrder, order: Order) -> bool:
        other = resting.order
        return other.symbol == order.symbol and other.side is Side.SELL and not other.reduce_only

    def _cash_short(self, order: Order, others: Iterable[RestingOrder]) -> str:
        needed = self._reserve(order, order.quantity)
        free = self.cash
        for one in others:
            free -= self._reserve(one.order, one.remaining)
        if needed <= free and free > 0:
            return ""
        currency = self._account.currency
        return f"not enough {currency}: {needed:f} needed with fees, {free:f} free"

    def _reserve(self, order: Order, quantity: Decimal) -> Decimal:
        """Return the cash that an order may take, as far as that can be known."""
        if order.side is Side.SELL or order.reduce_only:
            return _ZERO
        if order.type is OrderType.MARKET and order.reserve_price:
            return order.reserve_price * quantity
        price = self.reference_price(order) or _ZERO
        if order.type not in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            price *= 1 + self._terms.slippage
        return price * quantity * self._with_fee

    def _affordable(
        self, resting: RestingOrder, price: Decimal, working: Iterable[RestingOrder]
    ) -> Decimal:
        free = self.cash
        for one in working:
            if one is not resting and not one.order.reduce_only:
                free -= self._reserve(one.order, one.remaining)
        # What was reserved for the order itself is its own, whatever others were promised since.
        own = min(self.cash, self._reserve(resting.order, resting.remaining))
        most = max(free, own, _ZERO) / (price * self._with_fee)
        if not resting.filled and resting.remaining <= most:
            # All of it can be paid for.
            return resting.remaining
        return round_to_step(most, resting.instrument.quantity_step)

    def _margin_short(self, order: Order, others: Iterable[RestingOrder]) -> str:
        price = self.reference_price(order)
        if price is None:
            return ""
        working = [(one.order, one.remaining) for one in others]
        before = self._exposure(working, order.symbol, price)
        after = self._exposure([*working, (order, order.quantity)], order.symbol, price)
        return self._over_margin(before, after)

    def _within_margin(self, resting: RestingOrder, price: Decimal) -> Decimal:
        order = resting.order
        before = self._exposure([], order.symbol, price)
        after = self._exposure([(order, resting.remaining)], order.symbol, price)
        return _ZERO if self._over_margin(before, after) else resting.remaining

    def _over_margin(self, before: Decimal, after: Decimal) -> str:
        if after <= before:
            return ""
        equity = self.cash
        for symbol, held in self.holdings.items():
            price = self.mark(symbol)
            if price is None:
                return f"not enough margin: no price of {symbol} is known yet"
            equity += held * price
        most = equity * self._account.leverage
        if after <= most:
            return ""
        return f"not enough margin: {after:f} with this order, allowed {most:f}"

    def _exposure(
        self, orders: Iterable[tuple[Order, Decimal]], symbol: str, price: Decimal
    ) -> Decimal:
        """Return what positions and open orders may be worth together, at the worst."""
        longest, shortest = dict(self.holdings), dict(self.holdings)
        prices = {symbol: max(price, self.mark(symbol) or _ZERO)}
        for order, quantity in orders:
            name = order.symbol
            if not order.reduce_only:
                side = longest if order.side is Side.BUY else shortest
                side[name] = side.get(name, _ZERO) + order.side.sign * quantity
                if name not in prices:
                    prices[name] = self.mark(name) or self.reference_price(order) or _ZERO
        total = _ZERO
        for name in dict.fromkeys((*longest, *shortest)):
            most = max(abs(longest.get(name, _ZERO)), abs(shortest.get(name, _ZERO)))
            total += most * (prices[name] if name in prices else self.mark(name) or _ZERO)
        return total
