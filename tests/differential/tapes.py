"""Seeded random tapes for two engines: candles, what is ordered after each, and what came of it.

Prices stand on a grid of cents and quantities are whole, so that floats say them exactly.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from trading.model.market import Bar
from trading.model.order import OrderType, Side

SYMBOL = "BTC/USDT"
CANDLE_S = 60
PRICE_START = 10_000
ACTION_CHANCE = 0.35


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, as it is placed after a candle."""

    name: str
    side: Side
    type: OrderType
    quantity: int
    limit_price: float | None = None
    stop_price: float | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """An order that is cancelled, if it is still there."""

    name: str


@dataclass(frozen=True, slots=True)
class Tape:
    """Everything that both engines are told."""

    bars: Sequence[Bar]
    actions: dict[int, list[Placed | Cancel]]
    cash: float = 10_000_000.0
    fee: float = 0.0
    slippage: float = 0.0
    share_pct: int | None = None

    def placed(self) -> Iterator[tuple[int, Placed]]:
        """Return the orders, each with the candle after which it is placed."""
        for index, actions in self.actions.items():
            for action in actions:
                if isinstance(action, Placed):
                    yield index, action


@dataclass(frozen=True, slots=True, order=True)
class Filled:
    """An execution: in which candle, of which order, for what."""

    bar: int
    name: str
    price: float
    quantity: float


@dataclass(slots=True)
class Outcome:
    """What an engine made of a tape."""

    fills: list[Filled] = field(default_factory=list)
    equity: float = 0.0
    position: float = 0.0

    def add(self, name: str, bar: int, price: float, quantity: float) -> None:
        """Note an execution."""
        self.fills.append(Filled(bar, name, round(price, 9), round(quantity, 9)))


def random_bars(rng: random.Random, count: int, *, flat: bool = False) -> list[Bar]:
    """Return a random walk with gaps: of candles, or of single prices."""
    bars: list[Bar] = []
    last = PRICE_START
    for index in range(count):
        gap = rng.choice((0, 0, 0, rng.randint(-150, 150), rng.randint(-600, 600)))
        opened = max(1_000, last + gap)
        path = [opened] if flat else [opened + rng.randint(-300, 300) for _ in range(3)]
        path[0] = opened
        bars.append(
            Bar(
                SYMBOL,
                float(index * CANDLE_S),
                CANDLE_S,
                opened / 100,
                max(path) / 100,
                min(path) / 100,
                path[-1] / 100,
                float(rng.randint(0, 40)),
            )
        )
        last = path[-1]
    return bars


def random_order(rng: random.Random, name: str, close: float, kinds: Sequence[OrderType]) -> Placed:
    """Return an order around a price; what it is for is its own affair."""
    kind, side = rng.choice(kinds), rng.choice(tuple(Side))
    cents = round(close * 100)
    limit = stop = None
    if kind is OrderType.LIMIT:
        limit = cents + rng.randint(-400, 400)
    elif kind is OrderType.STOP:
        stop = cents + rng.randint(-400, 400)
    elif kind is OrderType.STOP_LIMIT:
        stop = cents + rng.randint(-400, 400)
        limit = stop + rng.randint(-200, 200)
    elif kind is OrderType.BRACKET:
        stop = cents + side.sign * rng.randint(20, 400)
        limit = cents - side.sign * rng.randint(20, 400)
    return Placed(name, side, kind, rng.randint(1, 9), limit and limit / 100, stop and stop / 100)


def random_tape(
    seed: int,
    kinds: Sequence[OrderType],
    *,
    count: int = 150,
    flat: bool = False,
    one_at_a_time: bool = False,
    make: Callable[..., Tape] = Tape,
    **terms: float,
) -> Tape:
    """Return the tape of a seed."""
    rng = random.Random(seed)
    bars = random_bars(rng, count, flat=flat)
    actions: dict[int, list[Placed | Cancel]] = {}
    names: list[str] = []
    for index, bar in enumerate(bars[:-1]):
        if one_at_a_time and index % 10:
            continue
        if rng.random() >= ACTION_CHANCE and not one_at_a_time:
            continue
        todo = actions.setdefault(index, [])
        if names and (one_at_a_time or rng.random() < 0.3):
            todo.append(Cancel(names[-1] if one_at_a_time else rng.choice(names)))
        names.append(f"o{len(names)}")
        todo.append(random_order(rng, names[-1], bar.close, kinds))
    return make(bars, actions, **terms)
