"""The context: all that a strategy sees, and all that it can ask for.

Asking only writes a wish down; the engine decides what comes of it once the call has returned.
Must not know modes, risk or brokers.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from trading.market.indicator_set import Kind
from trading.market.indicators import Indicator
from trading.market.series import SymbolSeries
from trading.model.market import Bar
from trading.model.order import Order
from trading.model.position import Position
from trading.strategies.errors import StrategyError
from trading.strategies.views import OrderView, PositionView, view_order, view_position
from trading.strategies.wish_arguments import (
    Number,
    Trail,
    check_prices,
    check_size,
    parse_exit_plan,
    parse_number,
    parse_side,
    parse_type,
)
from trading.strategies.wishes import (
    AlertWish,
    CancelWish,
    CloseWish,
    LogLevel,
    LogWish,
    PlaceWish,
    TightenWish,
    Wish,
)

ORDER_WISHES_MAX: Final = 50
TEXT_WISHES_MAX: Final = 20
TEXT_LENGTH_MAX: Final = 500
_LEVELS: Final = {level.value: level for level in LogLevel}
_NO_WISHES: Final[tuple[Wish, ...]] = ()


class Desk(Protocol):
    """Answer what contexts ask of the engine; every method is on the hot path and cheap."""

    @property
    def now(self) -> float:
        """The market time, in Unix seconds."""
        ...

    def price(self, symbol: str) -> float | None:
        """Return the last price of a symbol, or None before the first."""
        ...

    def position(self, account: str, symbol: str) -> Position | None:
        """Return the position in a market, whoever owns it: the same object until it changes."""
        ...

    def equity(self, account: str) -> float:
        """Return what an account is worth now."""
        ...

    def open_orders(self, instance: str) -> Sequence[Order]:
        """Return the orders of an instance that are not done."""
        ...

    def series(self, symbol: str) -> SymbolSeries:
        """Return the candles of a symbol."""
        ...

    def next_order_id(self, instance: str) -> str:
        """Return a new client order id."""
        ...


class StrategyContext:
    """Show one instance its market and take its wishes."""

    __slots__ = (
        "_alerts",
        "_desk",
        "_held",
        "_instance",
        "_lines",
        "_order_wishes",
        "_series",
        "_view",
        "_wishes",
        "account",
        "symbol",
    )

    def __init__(
        self,
        desk: Desk,
        *,
        instance: str,
        account: str,
        symbol: str,
        wishes: list[Wish] | None = None,
    ) -> None:
        self.account: Final = account
        self.symbol: Final = symbol
        self._desk = desk
        self._instance = instance
        self._series = desk.series(symbol)
        self._held: Position | None = None
        self._view: PositionView | None = None
        # Handed in by who looks, after each call, whether there is anything in it.
        self._wishes: list[Wish] = [] if wishes is None else wishes
        self._order_wishes = 0
        # Apart, so that a talkative log costs nobody an alert.
        self._lines = self._alerts = 0

    @property
    def now(self) -> datetime:
        """The market time, which in a replay is not the time on the wall."""
        return datetime.fromtimestamp(self._desk.now, UTC)

    @property
    def price(self) -> float | None:
        """The last price, or None before the first."""
        return self._desk.price(self.symbol)

    @property
    def equity(self) -> float:
        """What the account is worth now."""
        return self._desk.equity(self.account)

    @property
    def position(self) -> PositionView | None:
        """The position that this instance holds, or None."""
        held = self._desk.position(self.account, self.symbol)
        if held is not self._held:
            is_own = held is not None and held.instance == self._instance
            self._view = view_position(held, self.get_price) if held and is_own else None
            self._held = held
        return self._view

    def get_price(self, symbol: str | None = None) -> float | None:
        """Return the last price of this symbol or of another that the bot follows."""
        return self._desk.price(symbol or self.symbol)

    def candles(self, count: int | None = None, interval_s: int | None = None) -> list[Bar]:
        """Return the last closed candles, oldest first: all that are kept, or `count`."""
        try:
            return self._series.candles(count, interval_s)
        except ValueError as error:
            raise StrategyError(str(error)) from None

    def candle_count(self, interval_s: int | None = None) -> int:
        """Return how many closed candles there are."""
        try:
            return len(self._series.at_interval(interval_s))
        except ValueError as error:
            raise StrategyError(str(error)) from None

    def sma(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return the simple moving average of the closes; with `lag`, as of so many candles ago."""
        return self._indicator(Kind.SMA, period, interval_s, lag)

    def ema(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return the exponential moving average of the closes."""
        return self._indicator(Kind.EMA, period, interval_s, lag)

    def rsi(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return Wilder's relative strength index of the closes."""
        return self._indicator(Kind.RSI, period, interval_s, lag)

    def atr(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return Wilder's average true range."""
        return self._indicator(Kind.ATR, period, interval_s, lag)

    def highest(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return the highest high of the last candles, the one just closed among them."""
        return self._indicator(Kind.HIGHEST, period, interval_s, lag)

    def lowest(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return the lowest low of the last candles, the one just closed among them."""
        return self._indicator(Kind.LOWEST, period, interval_s, lag)

    def volume_mean(self, period: int, interval_s: int | None = None, *, lag: int = 0) -> Indicator:
        """Return the mean volume of the last candles."""
        return self._indicator(Kind.VOLUME_MEAN, period, interval_s, lag)

    def place_order(  # noqa: PLR0913 - the one call by which a strategy says all of an order
        self,
        side: str,
        quantity: Number | None = None,
        *,
        type: str = "market",  # noqa: A002 - what every exchange calls it
        amount: Number | None = None,
        equity_fraction: Number | None = None,
        limit_price: Number | None = None,
        stop_price: Number | None = None,
        stop: Number | None = None,
        target: Number | None = None,
        stop_fraction: Number | None = None,
        target_fraction: Number | None = None,
        trail: Trail | None = None,
        reason: str = "",
    ) -> str:
        """Ask for an order and return its id.

        The size is `quantity` (base), `amount` (quote currency) or `equity_fraction`; with none
        of them the configuration says it, or it is what is held when the order leaves a position.
        """
        kind = parse_type(type)
        check_prices(kind, limit_price, stop_price)
        check_size(quantity, amount, equity_fraction)
        self._count_order_wish()
        order_id = self._desk.next_order_id(self._instance)
        # By position, in the order of the fields; and most of these are not given.
        wish = PlaceWish(
            order_id,
            parse_side(side),
            kind,
            None if quantity is None else parse_number("quantity", quantity),
            None if amount is None else parse_number("amount", amount),
            None if equity_fraction is None else parse_number("equity_fraction", equity_fraction),
            None if limit_price is None else parse_number("limit_price", limit_price),
            None if stop_price is None else parse_number("stop_price", stop_price),
            parse_exit_plan(stop, target, stop_fraction, target_fraction, trail),
            _cut(reason),
        )
        self._wishes.append(wish)
        return order_id

    def close_position(self, reason: str = "") -> None:
        """Ask that the position be closed at the market; harmless without one."""
        self._wish(CloseWish(_cut(reason)))

    def tighten_trail(self) -> None:
        """Ask that the trailing stop be on and follow at its tight distance."""
        self._wish(TightenWish())

    def cancel_order(self, order_id: str) -> None:
        """Ask that one of this instance's orders be cancelled."""
        if not order_id:
            raise StrategyError(f"order_id: found {order_id!r}, allowed what place_order returned")
        self._wish(CancelWish(order_id))

    def cancel_all_orders(self) -> None:
        """Ask that all of this instance's orders be cancelled."""
        self._wish(CancelWish())

    def get_orders(self) -> list[OrderView]:
        """Return this instance's orders that are not done."""
        return [view_order(order) for order in self._desk.open_orders(self._instance)]

    def log(self, text: Any, level: str = "info") -> None:
        """Write a line to the bot's log."""
        found = _LEVELS.get(level)
        if found is None:
            raise StrategyError(f"level: found {level!r}, allowed {', '.join(_LEVELS)}")
        self._lines += 1
        if self._lines <= TEXT_WISHES_MAX:
            self._wishes.append(LogWish(_cut(text), found))

    def alert(self, text: Any) -> None:
        """Send a message to the people in charge of the bot."""
        self._alerts += 1
        if self._alerts <= TEXT_WISHES_MAX:
            self._wishes.append(AlertWish(_cut(text)))

    def take_wishes(self) -> Sequence[Wish]:
        """Return what was asked for since the last time, in order, and forget it (the engine)."""
        if not self._wishes:
            return _NO_WISHES
        wishes = self._wishes.copy()
        self._wishes.clear()
        if self._lines > TEXT_WISHES_MAX or self._alerts > TEXT_WISHES_MAX:
            wishes += self._tell_dropped()
        self._order_wishes = self._lines = self._alerts = 0
        return wishes

    def _tell_dropped(self) -> list[Wish]:
        """Say how much of what was to be said was dropped."""
        return [
            LogWish(
                f"{count - TEXT_WISHES_MAX} more {what} were dropped,"
                f" allowed {TEXT_WISHES_MAX} a call",
                LogLevel.WARNING,
            )
            for what, count in (("log lines", self._lines), ("alerts", self._alerts))
            if count > TEXT_WISHES_MAX
        ]

    def _indicator(self, kind: Kind, period: int, interval_s: int | None, lag: int) -> Indicator:
        try:
            return self._series.indicator(kind, period, interval_s, lag)
        except ValueError as error:
            raise StrategyError(f"{kind}: {error}") from None

    def _wish(self, wish: Wish) -> None:
        self._count_order_wish()
        self._wishes.append(wish)

    def _count_order_wish(self) -> None:
        if self._order_wishes >= ORDER_WISHES_MAX:
            raise StrategyError(
                f"orders: found more than {ORDER_WISHES_MAX} wishes in one call, allowed no more"
            )
        self._order_wishes += 1


def _cut(text: Any) -> str:
    if type(text) is str and len(text) <= TEXT_LENGTH_MAX and text.isascii():
        return text
    # Half characters, which str can hold, cannot be kept or sent by anybody.
    return str(text)[:TEXT_LENGTH_MAX].encode(errors="replace").decode()
