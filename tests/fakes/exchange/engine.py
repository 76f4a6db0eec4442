"""A real matching venue without a dialect: `FakeExchange` serves it by REST and WebSocket.

    engine = Engine(clock, [Market("BTC/USD", "BTC", "USD", D("0.1"), D("0.0001"), D("0.0001"))])
    account = engine.add_account("main", Fees(taker=D("0.0026")))
    engine.add_key(account, "key", "secret")
    engine.deposit(account, "USD", D(10_000))
    engine.price("BTC/USD", D(64_000))                # the tape: it alone moves the market
    engine.submit(account, Wish(symbol="BTC/USD", side=Side.BUY, kind=OrderKind.MARKET, ...))

How it trades:

* `price` is one public trade. Resting limits that it reaches fill at their limit as makers; market
  orders, reached triggers and limits that come in marketable fill at the touch (the last price and
  half the spread, `engine.tapes[symbol].half_spread`) as takers: a gap through a stop fills at the
  price behind the gap. With `volume` so much is traded at that price, by price and time; what is
  left of an order goes on with the next price (IOC ends, FOK does not begin).
* Spot sells hold coins, spot buys hold their cost and fee; orders with a leverage and swaps hold
  margin, are netted to one position a symbol, and are liquidated. Every change of money is a
  booking (`engine.ledger`), `engine.check()` asserts that balances are the sums of bookings.
* A definite no is `RefusedError(Refusal)`; a dialect says it in the words of its exchange. In what
  venues differ is `engine.rules` (ids, uniqueness of client ids …); a dialect sets it.

Every method takes the one lock, `engine.changed`, and so may any thread call any of them. News
(`engine.listen`) come under the lock: pass them on and return. Values that are handed out (Order,
Trade, Position) live on: read them under `with engine.changed:` where the tape may move meanwhile.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from threading import Condition
from typing import Final

from daemonkit.clock import Clock
from tests.fakes.exchange.admission import build_order, check_funds
from tests.fakes.exchange.books import Books, News, Rules, Ticked
from tests.fakes.exchange.ledger import Ledger
from tests.fakes.exchange.matching import arrive, expire, liquidate, walk
from tests.fakes.exchange.tape import Candle, Tape
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    ApiKey,
    Balance,
    Booking,
    BookingKind,
    Fees,
    Market,
    Order,
    OrderState,
    Position,
    Refusal,
    RefusedError,
    Rights,
    Trade,
    Wish,
)

_OF_POSITIONS: Final = frozenset({BookingKind.PROFIT, BookingKind.FUNDING, BookingKind.ROLLOVER})


class Engine:
    """The venue; see the module for how it trades."""

    def __init__(self, clock: Clock, markets: Iterable[Market]) -> None:
        self._books = Books(clock, Rules())
        self.clock = clock
        self.keys: dict[str, ApiKey] = {}
        self.closed_markets: set[str] = set()  # symbols in which nothing is taken
        for market in markets:
            self._books.markets[market.symbol] = market
            self._books.tapes[market.symbol] = Tape()

    @property
    def changed(self) -> Condition:
        return self._books.changed

    @property
    def rules(self) -> Rules:
        return self._books.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        assert not self._books.orders, "the rules are set before the first order"
        self._books.rules = rules

    @property
    def markets(self) -> dict[str, Market]:
        return self._books.markets

    @property
    def tapes(self) -> dict[str, Tape]:
        return self._books.tapes

    @property
    def ledger(self) -> Ledger:
        return self._books.ledger

    def listen(self, listener: Callable[[News], None]) -> Callable[[], None]:
        """Call `listener` with all news, under the lock; return what ends it."""
        with self.changed:
            self._books.listeners.append(listener)

        def end() -> None:
            with self.changed:
                self._books.listeners.remove(listener)

        return end

    def check(self) -> None:
        """Assert that the money adds up, and that only positions have ever made debts."""
        with self.changed:
            self.ledger.check()
            borrowing = {
                (each.account, each.currency)
                for each in self.ledger.bookings
                if each.kind in _OF_POSITIONS
            }
            for account in self._books.accounts.values():
                for currency, total in self.ledger.totals(account.name).items():
                    is_owed = total < 0 and (account.name, currency) not in borrowing
                    assert not is_owed, f"{account.name} owes {currency}: {total}"

    def add_account(self, name: str, fees: Fees | None = None) -> Account:
        with self.changed:
            account = self._books.accounts[name] = Account(name, fees or Fees())
            return account

    def account(self, name: str) -> Account:
        return self._books.accounts[name]

    def accounts(self) -> list[Account]:
        return list(self._books.accounts.values())

    def add_key(
        self, account: Account, key: str, secret: str, rights: Rights | None = None
    ) -> ApiKey:
        with self.changed:
            made = self.keys[key] = ApiKey(account, key, secret, rights or Rights())
            return made

    def deposit(self, account: Account, currency: str, amount: Decimal) -> Booking:
        return self._book(account, currency, amount, BookingKind.DEPOSIT)

    def withdraw(self, account: Account, currency: str, amount: Decimal) -> Booking:
        return self._book(account, currency, -amount, BookingKind.WITHDRAWAL)

    def fund(self, symbol: str, rate: Decimal) -> list[Booking]:
        """Book a funding of every position: longs pay a positive rate of the value to shorts."""
        with self.changed:
            price = self.tapes[symbol].last or ZERO
            return [
                self._book(
                    position.account,
                    position.market.quote,
                    -position.quantity * position.market.contract_size * price * rate,
                    BookingKind.FUNDING,
                    symbol,
                )
                for position in self._positions_in(symbol)
            ]

    def roll_over(self, symbol: str, rate: Decimal) -> list[Booking]:
        """Book what every borrowed position costs for another few hours."""
        with self.changed:
            return [
                self._book(
                    position.account,
                    position.market.quote,
                    -position.value_at(position.entry_price) * rate,
                    BookingKind.ROLLOVER,
                    symbol,
                )
                for position in self._positions_in(symbol)
            ]

    def price(self, symbol: str, price: Decimal, volume: Decimal | None = None) -> None:
        """Trade publicly at a price, now by the clock, and do with orders what follows from it."""
        with self.changed:
            tick = self.tapes[symbol].move(price, self.clock.wall(), volume)
            self._books.tell(Ticked(symbol, tick))
            walk(self._books, symbol)
            liquidate(self._books, symbol)

    def leave(self, symbol: str, volume: Decimal) -> None:
        """Let only so much be traded at the present price from now on."""
        with self.changed:
            self.tapes[symbol].left = volume

    def load_candles(self, symbol: str, candles: list[Candle]) -> None:
        """Give a market a past of closed minutes."""
        with self.changed:
            self.tapes[symbol].load(candles)

    def submit(self, account: Account, wish: Wish) -> Order:
        """Take an order, or raise RefusedError."""
        with self.changed:
            return self._take([self._order(account, wish)])[0]

    def submit_group(self, account: Account, wishes: list[Wish]) -> list[Order]:
        """Take orders of one group, all or none: their funds are held once."""
        with self.changed:
            return self._take([self._order(account, wish) for wish in wishes])

    def check_wish(self, account: Account, wish: Wish) -> None:
        """Raise RefusedError where `submit` would; take nothing."""
        with self.changed:
            check_funds(self._books, self._order(account, wish))

    def cancel(self, account: Account, *, order_id: str = "", client_id: str = "") -> Order:
        """Cancel an open order, or raise RefusedError."""
        with self.changed:
            for order in self._books.open_of(account):
                if order.id == order_id or (client_id and order.client_id == client_id):
                    self._books.end(order, OrderState.CANCELLED, "user requested")
                    return order
            raise RefusedError(Refusal.UNKNOWN_ORDER)

    def cancel_all(self, account: Account, symbol: str | None = None) -> list[Order]:
        with self.changed:
            orders = [
                order
                for order in self._books.open_of(account)
                if symbol is None or order.symbol == symbol
            ]
            for order in orders:
                self._books.end(order, OrderState.CANCELLED, "user requested")
            return orders

    def expire(self) -> None:
        """End the orders whose time is over by the clock."""
        with self.changed:
            for symbol in self.markets:
                expire(self._books, symbol)

    def open_orders(self, account: Account, *, stale_s: float = 0.0) -> list[Order]:
        """Return open orders, oldest first; `stale_s` leaves out those that are younger."""
        with self.changed:
            now = self.clock.wall()
            orders = self._books.open_of(account)
            old = [each for each in orders if not stale_s or each.opened_at <= now - stale_s]
            return sorted(old, key=lambda order: order.number)

    def closed_orders(self, account: Account) -> list[Order]:
        """Return orders that have ended, in the order of their ends."""
        with self.changed:
            orders = [
                each
                for each in self._books.orders.values()
                if each.account is account and not each.is_open
            ]
            return sorted(orders, key=lambda order: (order.closed_at or 0.0, order.number))

    def orders(self, account: Account) -> list[Order]:
        with self.changed:
            return [each for each in self._books.orders.values() if each.account is account]

    def find(self, account: Account, *, order_id: str = "", client_id: str = "") -> Order | None:
        """Return the newest order with an id."""
        with self.changed:
            found = self._books.orders.get(order_id)
            if found is not None and found.account is account:
                return found
            for order in reversed(self._books.orders.values()) if client_id else ():
                if order.wish.client_id == client_id and order.account is account:
                    return order
            return None

    def trades(self, account: Account, since: float = 0.0) -> list[Trade]:
        """Return executions, oldest first."""
        with self.changed:
            return [
                each
                for each in self._books.trades
                if each.account == account.name and each.at >= since
            ]

    def balances(self, account: Account) -> dict[str, Balance]:
        with self.changed:
            return self._books.balances(account)

    def free(self, account: Account, currency: str) -> Decimal:
        with self.changed:
            return self._books.free(account, currency)

    def positions(self, account: Account) -> list[Position]:
        with self.changed:
            return [each for each in self._books.positions.values() if each.account is account]

    def bookings(self, account: Account) -> list[Booking]:
        with self.changed:
            return list(self.ledger.of(account.name))

    def _book(
        self, account: Account, currency: str, amount: Decimal, kind: BookingKind, symbol: str = ""
    ) -> Booking:
        with self.changed:
            at = self.clock.wall()
            booking = self.ledger.book(account.name, currency, amount, kind, at, symbol=symbol)
            self.changed.notify_all()
            return booking

    def _positions_in(self, symbol: str) -> list[Position]:
        return [each for each in self._books.positions.values() if each.market.symbol == symbol]

    def _order(self, account: Account, wish: Wish) -> Order:
        if wish.symbol in self.closed_markets:
            raise RefusedError(Refusal.MARKET_CLOSED)
        return build_order(self._books, account, wish)

    def _take(self, orders: list[Order]) -> list[Order]:
        check_funds(self._books, orders[0])
        for order in orders:
            self._books.orders[order.id] = self._books.open[order.symbol][order.id] = order
        for order in orders:
            if order.is_open:
                arrive(self._books, order)
        return orders
