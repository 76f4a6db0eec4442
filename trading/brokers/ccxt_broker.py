"""One account at an exchange of ccxt, as a Venue: orders go out once, reads fail in one way.

Decides what an answer means for an order; how the exchange is spoken to is its dialect's part.
Must not retry, wait or keep anything of an order.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret
from trading.brokers.allowance import Allowance
from trading.brokers.exchanges.address_count import count_of
from trading.brokers.exchanges.checks import NotSendableError, fitted
from trading.brokers.exchanges.clock import VenueClock, set_by
from trading.brokers.exchanges.dialect import Dialect, FindsMany, Place
from trading.brokers.exchanges.dialects import dialect_for, prepare_exchange
from trading.brokers.exchanges.errors import (
    answer_of_cancel,
    answer_of_submit,
    failure_of,
    reason_of,
)
from trading.brokers.exchanges.loading import Credentials, check_settings, load_exchange
from trading.brokers.exchanges.markets import Market, Markets, build_markets
from trading.brokers.exchanges.wire import Request, Wire
from trading.brokers.venue import (
    CancelAnswer,
    CancelOutcome,
    CashMove,
    Connected,
    FailureKind,
    Holding,
    Refused,
    SubmitAnswer,
    Unclear,
    VenueError,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from trading.model.order import Order
from trading.model.values import replace

MARKET_TYPES: Final = ("spot", "margin", "swap")
MARGIN_MODES: Final = ("isolated", "cross")
T = TypeVar("T")
_NOT_CONNECTED: Final = "not connected yet"


class CcxtVenue:
    """Act for one account at one exchange; not for two threads at once."""

    def __init__(
        self,
        name: str,
        wire: Wire,
        make_dialect: Callable[[Markets], Dialect],
        load_markets: Callable[[], Markets],
        *,
        clock: VenueClock,
        is_for_reads: bool = False,
    ) -> None:
        self._name, self._wire = name, wire
        self._make_dialect, self._load_markets = make_dialect, load_markets
        self._is_for_reads, self._clock = is_for_reads, clock
        self._markets: Markets | None = None
        self._dialect: Dialect | None = None

    @property
    def name(self) -> str:
        """The exchange, for people."""
        return self._name

    @property
    def allowance(self) -> Allowance | None:
        """What the exchange lets this address ask, where it counts so; one for all who ask."""
        return None if self._wire.count is None else self._wire.count.allowance

    def give_way_to(self, read_waits: Callable[[], bool]) -> None:
        """Break a read off, with GAVE_WAY, before its next request when it has to wait."""
        self._wire.gives_way = read_waits

    def connect(self) -> Connected:
        """Load the markets, look at the key and set the leverage of contracts."""
        with suppress(VenueError):
            # Before anything is signed. Without it our own clock has to do.
            self._measure(self._make_dialect(Markets(())))
        try:
            markets = self._load_markets()
        except ConfigurationError as error:
            # A market may be closed for an hour: that ends no process, and is tried again.
            raise VenueError(str(error), FailureKind.REFUSED) from error
        dialect = self._make_dialect(markets)
        rights = self._reading(dialect.rights)
        if not self._is_for_reads:
            self._reading(dialect.prepare)
        self._markets, self._dialect = markets, dialect
        instruments = {each.symbol: each.instrument for each in markets.by_symbol.values()}
        return Connected(dialect.abilities(), instruments, rights)

    def submit(self, order: Order) -> SubmitAnswer:
        """Send an order once and say what the answer means for it."""
        return self._submit(order, self._wire.send)

    def submit_if(self, order: Order, may_leave: Callable[[], bool]) -> SubmitAnswer | None:
        """Write and sign an order and then ask whether it may leave; None: nothing was sent.

        What stands against it before that is not said: it may never be wanted.
        """
        is_let = False

        def ask() -> bool:
            nonlocal is_let
            is_let = may_leave()
            return is_let

        answer = self._submit(order, lambda request: self._wire.send_if(request, ask))
        return answer if is_let else None

    def _submit(self, order: Order, send: Callable[[Request], Any]) -> SubmitAnswer:
        if self._dialect is None:
            return Refused(_NOT_CONNECTED, is_passing=True)
        try:
            market = self._market_of(order)
            request = self._dialect.order_request(fitted(order, market), market)
        except NotSendableError as error:
            return Refused(str(error))
        except Exception as error:  # noqa: BLE001 - nothing was sent, whatever went wrong
            return Refused(f"the order cannot be written: {reason_of(error)}")
        try:
            return self._dialect.order_answer(send(request))
        except Exception as error:  # noqa: BLE001 - whatever it is, the order may be there
            return self._judged(self._dialect, error)

    def cancel(self, order: Order) -> CancelOutcome:
        """Ask once for a cancel; without the id that the exchange needs nothing is sent."""
        if self._dialect is None:
            return CancelAnswer.UNCLEAR
        try:
            market = self._market_of(order)
            request = self._dialect.cancel_request(order, market)
            if request is None:
                return CancelAnswer.UNCLEAR
            return self._dialect.cancel_answer(self._wire.send(request), order, market)
        except Exception as error:  # noqa: BLE001 - what became of the order is looked up
            return answer_of_cancel(error)

    def find(self, order: Order) -> VenueOrder | None:
        """Look an order up everywhere."""
        dialect = self._connected()
        market = self._read_market(order)
        dated = replace(order, created_at=self._clock.past(order.created_at))
        return self._reading(lambda: dialect.find(dated, market))

    def find_all(self, orders: Sequence[Order]) -> Sequence[VenueOrder]:
        """Ask for several orders at once, where the exchange has a request for that."""
        dialect = self._connected()
        if not isinstance(dialect, FindsMany):
            raise VenueError(f"{self._name} shows orders one by one", FailureKind.REFUSED)
        asked = [(order, self._read_market(order)) for order in orders]
        return self._reading(lambda: dialect.find_all(asked))

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the open orders of the account's markets."""
        return self._reading(self._connected().open_orders)

    def fills(self, since: float) -> Sequence[VenueFill]:
        """Return the executions of the account's markets since a time, oldest first."""
        dialect = self._connected()
        return self._reading(lambda: dialect.fills(self._clock.past(since)))

    def holdings(self) -> Mapping[str, Holding]:
        """Return what the account has."""
        return self._reading(self._connected().holdings)

    def positions(self) -> Sequence[VenuePosition]:
        """Return the positions of a margin or swap account."""
        return self._reading(self._connected().positions)

    def cash_moves(self, since: float) -> Sequence[CashMove]:
        """Return the bookings that no fill explains, oldest first."""
        dialect = self._connected()
        return self._reading(lambda: dialect.cash_moves(self._clock.past(since)))

    def ask(self, request: Request) -> Any:
        """Ask for something that only this exchange has; a failure is a VenueError."""
        self._connected()
        return self._wire.ask(request)

    def sign(self, write: Callable[[Any], T]) -> T:
        """Have something written that bears the key's signature, and ask nothing."""
        self._connected()
        return self._reading(lambda: write(self._wire.exchange))

    def server_time(self) -> float:
        """Return the exchange's clock."""
        return self._measure(self._connected())

    def close(self) -> None:
        """Let go of the connections."""
        self._wire.close()

    def _measure(self, dialect: Dialect) -> float:
        return self._clock.measure(lambda: self._reading(dialect.server_time))

    def _judged(self, dialect: Dialect, error: Exception) -> Refused | Unclear:
        own = dialect.refusal(self._wire.last_answer(), error)
        return own or answer_of_submit(error, self._wire.retry_after_s(error))

    def _market_of(self, order: Order) -> Market:
        market = self._markets.by_symbol.get(order.symbol) if self._markets else None
        if market is None:
            raise NotSendableError(f"{order.symbol} is not one of the account's markets")
        return market

    def _read_market(self, order: Order) -> Market:
        try:
            return self._market_of(order)
        except NotSendableError as error:
            raise VenueError(str(error), FailureKind.REFUSED) from None

    def _connected(self) -> Dialect:
        if self._dialect is None:
            raise VenueError(_NOT_CONNECTED, FailureKind.UNREACHABLE)
        return self._dialect

    def _reading(self, read: Callable[[], T]) -> T:
        """Let no error out but VenueError: an answer may be wrong in ways nobody thought of."""
        try:
            return read()
        except VenueError:
            raise
        except Exception as error:
            raise failure_of(error) from error


def build_venue(  # noqa: PLR0913 - each is a setting of the account
    exchange_name: str,
    market_type: str,
    symbols: Sequence[str],
    *,
    key: Secret,
    secret: Secret,
    password: Secret | None = None,
    uid: Secret | None = None,
    settings: Mapping[str, Any],
    clock: VenueClock | Clock,
    timeout_s: float,
    leverage: int = 1,
    margin_mode: str = "isolated",
    where: str = "exchange",
    is_for_reads: bool = False,
) -> CcxtVenue:
    """Build an account's venue from its configuration; `where` names it in errors.

    Nothing is sent before connect(), which with `is_for_reads` sets nothing: a second key may not
    be allowed to. Raises ConfigurationError for what cannot work.
    """
    _check_choice(where, "market_type", market_type, MARKET_TYPES)
    _check_choice(where, "margin_mode", margin_mode, MARGIN_MODES)
    check_settings(settings, where)
    credentials = Credentials(key, secret, password, uid)
    exchange = load_exchange(
        exchange_name, settings, timeout_s=timeout_s, credentials=credentials, where=where
    )
    _check_credentials(exchange, where)
    prepare_exchange(exchange, exchange_name, market_type)
    venue_clock = clock if isinstance(clock, VenueClock) else VenueClock(clock)
    set_by(exchange, venue_clock)
    count = count_of(
        exchange,
        exchange_name,
        market_type,
        venue_at=venue_clock.wall,
        now=venue_clock.monotonic,
    )
    wire = Wire(exchange, count)

    def load_markets() -> Markets:
        listed = wire.ask(Request("load_markets", (True,)))
        return build_markets(
            listed,
            symbols,
            market_type=market_type,
            precision_mode=exchange.precisionMode,
            where=where,
        )

    make = dialect_for(exchange, exchange_name, market_type, where)
    return CcxtVenue(
        exchange_name,
        wire,
        lambda markets: make(Place(wire, markets, venue_clock, market_type, leverage, margin_mode)),
        load_markets,
        clock=venue_clock,
        is_for_reads=is_for_reads,
    )


def _check_choice(where: str, key: str, found: str, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise ConfigurationError(where, key, found, ", ".join(allowed))


def _check_credentials(exchange: Any, where: str) -> None:
    """Refuse an exchange that wants something to sign with that was not given."""
    needed = exchange.requiredCredentials.items()
    wanted = sorted(name for name, is_needed in needed if is_needed)
    missing = [name for name in wanted if not getattr(exchange, name, None)]
    if missing:
        text = f"{exchange.id} needs {', '.join(missing)} to sign with"
        raise ConfigurationError(where, "keys", hint=text)
