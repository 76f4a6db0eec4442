"""A minimal event engine in plain Python: what an event-driven backtest costs at the least.

It has bars as objects, a strategy with `on_bar`, averages in constant time, orders that are
filled at the next open with a fee, and the equity of each bar. It has no steps, risk, stops or
exactness.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class ReferenceBar:
    """Hold one candle."""

    start: float
    open: float
    high: float
    low: float
    close: float
    volume: float


class Mean:
    """Follow the mean of the last values."""

    def __init__(self, period: int) -> None:
        self._period = period
        self._values: deque[float] = deque()
        self._total = 0.0

    def update(self, value: float) -> float | None:
        """Take a value; return the mean once there are enough."""
        self._values.append(value)
        self._total += value
        if len(self._values) > self._period:
            self._total -= self._values.popleft()
        return self._total / self._period if len(self._values) == self._period else None


class Crossover:
    """Be long while the fast mean is above the slow one, from the first crossing on."""

    def __init__(self, engine: ReferenceEngine, fast: int, slow: int) -> None:
        self._engine = engine
        self._fast = Mean(fast)
        self._slow = Mean(slow)
        self._is_above: bool | None = None

    def on_bar(self, bar: ReferenceBar) -> None:
        """Act on a crossing."""
        fast, slow = self._fast.update(bar.close), self._slow.update(bar.close)
        if fast is None or slow is None:
            return
        is_above = fast > slow
        if is_above is self._is_above:
            return
        if self._is_above is not None:
            if is_above and not self._engine.position:
                self._engine.place(1.0)
            elif not is_above and self._engine.position:
                self._engine.place(-1.0)
        self._is_above = is_above


class ReferenceEngine:
    """Run one strategy on one market."""

    def __init__(self, cash: float, fee: float, *, fast: int, slow: int) -> None:
        self.cash = cash
        self.position = 0.0
        self.round_trips = 0
        self.equity: list[float] = []
        self._fee = fee
        self._pending: list[float] = []
        self._strategy = Crossover(self, fast, slow)

    def place(self, quantity: float) -> None:
        """Have an order filled at the next open."""
        self._pending.append(quantity)

    def run(self, rows: Iterable[tuple[float, float, float, float, float, float]]) -> None:
        """Make a bar of each row and live through it."""
        on_bar, equity = self._strategy.on_bar, self.equity
        for row in rows:
            bar = ReferenceBar(*row)
            if self._pending:
                self._fill(bar.open)
            on_bar(bar)
            equity.append(self.cash + self.position * bar.close)

    def _fill(self, price: float) -> None:
        for quantity in self._pending:
            self.cash -= quantity * price + abs(quantity) * price * self._fee
            self.position += quantity
            self.round_trips += not self.position
        self._pending.clear()
