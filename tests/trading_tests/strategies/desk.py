"""A desk without an engine: what strategies see in their tests, and a small market to trade on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from trading.market.series import SymbolSeries
from trading.model.market import Bar
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.position import Position
from trading.strategies.context import StrategyContext
from trading.strategies.loader import find_strategy
from trading.strategies.wishes import CloseWish, PlaceWish, TightenWish, Wish

ACCOUNT, SYMBOL, INSTANCE = "main", "BTC/USDT", "trend-1"
# 2024-01-01T00:00:00Z
START = 1_704_067_200.0


@dataclass
class FakeDesk:
    """Answer with what the test has put here."""

    now: float = START
    prices: dict[str, float] = field(default_factory=dict)
    held: Position | None = None
    orders: list[Order] = field(default_factory=list)
    all_series: dict[str, SymbolSeries] = field(default_factory=dict)
    worth: float = 1000.0
    ids: int = 0

    def price(self, symbol: str) -> float | None:
        return self.prices.get(symbol)

    def position(self, account: str, symbol: str) -> Position | None:
        return self.held if (account, symbol) == (ACCOUNT, SYMBOL) else None

    def equity(self, account: str) -> float:
        return self.worth if account == ACCOUNT else 0.0

    def open_orders(self, instance: str) -> Sequence[Order]:
        return [order for order in self.orders if order.instance == instance]

    def series(self, symbol: str) -> SymbolSeries:
        return self.all_series.setdefault(symbol, SymbolSeries(symbol))

    def next_order_id(self, instance: str) -> str:
        self.ids += 1
        return f"{instance}-{self.ids}"


def make_context(desk: FakeDesk) -> StrategyContext:
    return StrategyContext(desk, instance=INSTANCE, account=ACCOUNT, symbol=SYMBOL)


def make_bar(
    index: int,
    close: float = 100.0,
    *,
    low: float | None = None,
    high: float | None = None,
    volume: float = 1.0,
    interval_s: int = 60,
) -> Bar:
    return Bar(
        SYMBOL,
        START + index * interval_s,
        interval_s,
        close,
        close if high is None else high,
        close if low is None else low,
        close,
        volume,
    )


def make_position(quantity: str = "1", entry_price: str = "100", **more: Any) -> Position:
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "symbol": SYMBOL,
        "opened_at": START,
        "instance": INSTANCE,
    }
    return Position(quantity=Decimal(quantity), entry_price=Decimal(entry_price), **(fields | more))


def make_order(order_id: str = "o1", **more: Any) -> Order:
    order = Order(
        id=order_id,
        account=ACCOUNT,
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        purpose=Purpose.ENTRY,
        quantity=Decimal("2.5"),
        created_at=START,
        limit_price=Decimal("99.5"),
        instance=INSTANCE,
        state=OrderState.WORKING,
        filled=Decimal("0.5"),
    )
    return replace(order, **more)


class Stage:
    """Play candles to one strategy; market orders are filled at the next candle's open."""

    def __init__(self, name: str, given: Mapping[str, Any], desk: FakeDesk | None = None) -> None:
        self.desk = desk or FakeDesk()
        self.context = make_context(self.desk)
        loaded = find_strategy(name, production=Path("/nonexistent"))
        self.strategy = loaded.cls(self.context, loaded.schema.validate(given))
        self._pending: list[Wish] = []

    def play(self, bar: Bar) -> Sequence[Wish]:
        """Close one candle and return what the strategy asks for."""
        for wish in self._pending:
            self._fill(wish, bar)
        self.desk.now = bar.end
        self.desk.prices[bar.symbol] = bar.close
        self.desk.series(bar.symbol).on_bar(bar)
        self.strategy.on_bar(bar)
        self._pending = list(self.context.take_wishes())
        return self._pending

    def play_closes(self, closes: Sequence[float]) -> list[tuple[int, str]]:
        """Play closing prices; return when it asked for what."""
        found = []
        first = len(self.desk.series(SYMBOL))
        for index, close in enumerate(closes, first):
            found += [(index, name_of(wish)) for wish in self.play(make_bar(index, close))]
        return found

    def lose_orders(self) -> None:
        """Let nothing come of what was asked for last."""
        self._pending = []

    def _fill(self, wish: Wish, bar: Bar) -> None:
        held = self.desk.held
        if isinstance(wish, CloseWish):
            self.desk.held = None
        elif isinstance(wish, TightenWish) and held:
            self.desk.held = replace(held, is_trail_tight=True)
        elif isinstance(wish, PlaceWish) and held is None:
            quantity = str(wish.side.sign * (wish.quantity or Decimal(1)))
            self.desk.held = make_position(quantity, str(bar.open), opened_at=bar.start)


def name_of(wish: Wish) -> str:
    """Name a wish in short."""
    return wish.side.value if isinstance(wish, PlaceWish) else type(wish).__name__
