"""The state of the fake exchange, what orders hold of it, and how an execution changes it."""

import threading
from collections import defaultdict
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from daemonkit.clock import Clock
from tests.fakes.exchange.ledger import Ledger
from tests.fakes.exchange.tape import Tape, Tick
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    Balance,
    BookingKind,
    ClientIds,
    Market,
    MarketKind,
    Order,
    OrderKind,
    OrderState,
    Position,
    Side,
    Trade,
)

_FEE_STEP = Decimal("0.00000001")


def plain_id(kind: str, number: int) -> str:
    return f"{kind}{number}"


@dataclass(slots=True)
class Rules:
    """In what venues differ; a dialect sets them.

    `make_id` gets "O" or "T" (order, trade) and a number that counts from 1. With a cushion, the
    stop of a bracket becomes a limit order, by that ratio worse than its trigger: a wider gap
    leaves it behind.
    """

    make_id: Callable[[str, int], str] = plain_id
    client_ids: ClientIds = ClientIds.ALL
    refuses_reached_triggers: bool = False
    needs_position_to_reduce: bool = True
    bracket_cushion: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Ticked:
    symbol: str
    tick: Tick


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order was taken, filled (then with its trade), triggered or ended.

    `order` is a copy of the moment: news are read later, when the order has gone on.
    """

    order: Order
    trade: Trade | None = None

    @classmethod
    def of(cls, order: Order, trade: Trade | None = None) -> "OrderChanged":
        return cls(copy(order), trade)


News = Ticked | OrderChanged


@dataclass(eq=False, slots=True)
class Books:
    """Everything there is; whoever reads or changes it holds `changed`."""

    clock: Clock
    rules: Rules = field(default_factory=Rules)
    changed: threading.Condition = field(default_factory=threading.Condition)
    markets: dict[str, Market] = field(default_factory=dict)
    tapes: dict[str, Tape] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    orders: dict[str, Order] = field(default_factory=dict)
    open: dict[str, dict[str, Order]] = field(default_factory=lambda: defaultdict(dict))
    trades: list[Trade] = field(default_factory=list)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    listeners: list[Callable[[News], None]] = field(default_factory=list)
    numbers: int = 0

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def tell(self, news: News) -> None:
        for listener in self.listeners:
            listener(news)
        self.changed.notify_all()

    def open_of(self, account: Account) -> list[Order]:
        return [
            order
            for orders in self.open.values()
            for order in orders.values()
            if order.account is account
        ]

    def position(self, account: Account, symbol: str) -> Position | None:
        return self.positions.get((account.name, symbol))

    def is_leveraged(self, order: Order) -> bool:
        """Say whether an order deals in positions rather than in coins."""
        kind = self.markets[order.symbol].kind
        return kind is MarketKind.SWAP or (
            kind is MarketKind.MARGIN and order.wish.leverage is not None
        )

    def leverage_of(self, order: Order) -> Decimal:
        default = order.account.leverage.get(order.symbol, Decimal(1))
        return order.wish.leverage or default

    def end(self, order: Order, state: OrderState, reason: str = "") -> None:
        order.state, order.reason = state, reason
        order.closed_at = order.updated_at = self.clock.wall()
        self.open[order.symbol].pop(order.id, None)
        self.tell(OrderChanged.of(order))

    def hold_of(self, order: Order) -> tuple[str, Decimal]:
        """Return the currency and how much of it an open order keeps from others."""
        market = self.markets[order.symbol]
        price = self._price_of(order)
        worst_fee = order.account.fees.taker if order.account.fees.paid_in == "quote" else ZERO
        if self.is_leveraged(order):
            position = self.position(order.account, order.symbol)
            held = position.quantity if position else ZERO
            adds = order.left
            if held * order.side.sign < 0 or order.wish.is_reduce_only:
                adds = max(ZERO, order.left - abs(held))
                adds = ZERO if order.wish.is_reduce_only else adds
            value = adds * market.contract_size * price
            return market.quote, value / self.leverage_of(order) + value * worst_fee
        if order.side is Side.SELL:
            return market.base, order.left
        return market.quote, order.left * price * (1 + worst_fee)

    def _price_of(self, order: Order) -> Decimal:
        wish, touch = order.wish, self.tapes[order.symbol].touch(order.side)
        if wish.kind in (OrderKind.STOP, OrderKind.TAKE_PROFIT) and wish.trigger is not None:
            return max(wish.trigger, touch) if order.is_triggered else wish.trigger
        return touch if wish.price is None else wish.price

    def used(self, account: Account) -> dict[str, Decimal]:
        """Return what open orders and positions hold, by currency; a group of orders once."""
        used: dict[str, Decimal] = defaultdict(Decimal)
        groups: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for order in self.open_of(account):
            currency, amount = self.hold_of(order)
            if order.wish.group:
                key = (order.wish.group, currency)
                groups[key] = max(groups[key], amount)
            else:
                used[currency] += amount
        for (_group, currency), amount in groups.items():
            used[currency] += amount
        for position in self.positions.values():
            if position.account is account:
                used[position.market.quote] += position.margin
        return used

    def balances(self, account: Account) -> dict[str, Balance]:
        used = self.used(account)
        totals = self.ledger.totals(account.name)
        return {name: Balance(total, used.get(name, ZERO)) for name, total in totals.items()}

    def free(self, account: Account, currency: str) -> Decimal:
        """Return what a new order may hold, with what positions have made or lost so far."""
        total = self.ledger.total(account.name, currency)
        for position in self.positions.values():
            price = self.tapes[position.market.symbol].last
            if position.account is account and position.market.quote == currency and price:
                total += position.profit_at(price)
        return total - self.used(account).get(currency, ZERO)

    def fee(
        self, order: Order, cost: Decimal, quantity: Decimal, rate: Decimal
    ) -> tuple[Decimal, str]:
        """Return what an execution costs its account, and in which currency."""
        fees, market = order.account.fees, self.markets[order.symbol]
        paid_in = "quote" if self.is_leveraged(order) else fees.paid_in
        if paid_in not in ("quote", "base", "received"):
            fee = _rounded(cost * rate / fees.worth)
            if self.ledger.total(order.account.name, paid_in) >= fee:
                return fee, paid_in
            paid_in = "received"
        if paid_in == "base" or (paid_in == "received" and order.side is Side.BUY):
            return _rounded(quantity * rate), market.base
        return _rounded(cost * rate), market.quote


def settle(books: Books, order: Order, quantity: Decimal, price: Decimal, *, makes: bool) -> Trade:
    """Execute a part of an order: one trade, its bookings, and the position if there is one."""
    market, account = books.markets[order.symbol], order.account
    cost = quantity * price * market.contract_size
    rate = account.fees.maker if makes else account.fees.taker
    fee, fee_currency = books.fee(order, cost, quantity, rate)
    number = len(books.trades) + 1
    trade = Trade(
        books.rules.make_id("T", number),
        number,
        account.name,
        order.id,
        order.client_id,
        order.symbol,
        order.side,
        quantity,
        price,
        cost,
        fee,
        fee_currency,
        books.clock.wall(),
        makes,
    )
    if books.is_leveraged(order):
        _settle_position(books, order, trade, market)
    else:
        _book(books, trade, market.base, quantity * order.side.sign, BookingKind.TRADE)
        _book(books, trade, market.quote, -cost * order.side.sign, BookingKind.TRADE)
    if fee:
        _book(books, trade, fee_currency, -fee, BookingKind.FEE)
    books.trades.append(trade)
    order.trades.append(trade)
    order.filled += quantity
    order.cost += cost
    order.fee += fee
    order.fee_currency = fee_currency
    order.updated_at = trade.at
    return trade


def _settle_position(books: Books, order: Order, trade: Trade, market: Market) -> None:
    key = (order.account.name, order.symbol)
    position = books.positions.get(key)
    if position is None:
        position = books.positions[key] = Position(
            order.account,
            market,
            leverage=books.leverage_of(order),
            opened_at=trade.at,
            order_id=order.id,
        )
    signed, held = trade.quantity * trade.side.sign, position.quantity
    if held * signed >= 0:
        value = abs(held) * position.entry_price + trade.quantity * trade.price
        position.entry_price = value / (abs(held) + trade.quantity)
        position.leverage = books.leverage_of(order)
        trade.margin = trade.cost / position.leverage
        position.fee += trade.fee
    else:
        closed = min(abs(held), trade.quantity)
        direction = 1 if held > 0 else -1
        made = direction * closed * market.contract_size * (trade.price - position.entry_price)
        trade.profit = _rounded(made)
        _book(books, trade, market.quote, trade.profit, BookingKind.PROFIT)
        if trade.quantity > abs(held):
            position.entry_price, position.leverage = trade.price, books.leverage_of(order)
            position.opened_at, position.order_id = trade.at, order.id
    position.quantity = held + signed
    if position.quantity == 0:
        del books.positions[key]


def _book(books: Books, trade: Trade, currency: str, amount: Decimal, kind: BookingKind) -> None:
    books.ledger.book(trade.account, currency, amount, kind, trade.at, trade.id, trade.symbol)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_FEE_STEP, ROUND_HALF_UP)
