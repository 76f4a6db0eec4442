"""The other engine: backtrader, told the same tape. It is imported by these tests only."""

import datetime as dt
import warnings
from typing import Any

from tests.differential.tapes import Cancel, Outcome, Placed, Tape
from trading.model.market import Bar
from trading.model.order import OrderType, Side

with warnings.catch_warnings():
    # Its docstrings hold escapes that newer versions of Python warn of when they compile it.
    warnings.simplefilter("ignore", SyntaxWarning)
    import backtrader  # type: ignore[import-untyped]

_EPOCH = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - it knows naive times only


class BarFeed(backtrader.feed.DataBase):  # type: ignore[misc]
    """Give it candles from a list."""

    params = (("bars", ()),)

    def start(self) -> None:
        super().start()
        self._rest = iter(self.p.bars)

    def _load(self) -> bool:
        bar: Bar | None = next(self._rest, None)
        if bar is None:
            return False
        self.lines.datetime[0] = backtrader.date2num(_EPOCH + dt.timedelta(seconds=bar.start))
        self.lines.open[0], self.lines.close[0] = bar.open, bar.close
        self.lines.high[0], self.lines.low[0] = bar.high, bar.low
        self.lines.volume[0] = bar.volume
        self.lines.openinterest[0] = 0
        return True


class TapeStrategy(backtrader.Strategy):  # type: ignore[misc]
    """Place and cancel what the tape says after each candle, and write down what is filled."""

    params = (("tape", None), ("outcome", None))

    def __init__(self) -> None:
        self.sent: dict[str, list[Any]] = {}
        self.name_of: dict[int, str] = {}
        self.filled_of: dict[int, float] = {}

    def next(self) -> None:
        for action in self.p.tape.actions.get(len(self) - 1, ()):
            if isinstance(action, Cancel):
                for order in self.sent.get(action.name, ()):
                    self.cancel(order)
            else:
                self.sent[action.name] = self.place(action)
        if len(self) == len(self.p.tape.bars):
            self.p.outcome.equity = self.broker.getvalue()
            self.p.outcome.position = self.position.size

    def notify_order(self, order: Any) -> None:
        if order.status not in (order.Partial, order.Completed):
            return
        name = self.name_of[order.ref]
        size = abs(order.executed.size)
        quantity = size - self.filled_of.get(order.ref, 0.0)
        self.filled_of[order.ref] = size
        price = order.executed.exbits[-1].price
        self.p.outcome.add(name, len(self) - 1, price, quantity)

    def place(self, placed: Placed) -> list[Any]:
        if placed.type is OrderType.BRACKET:
            # Its orders are tried in the order of placing: the stop first is the worse course.
            stop = self.send(placed, backtrader.Order.Stop, placed.stop_price)
            target = self.send(placed, backtrader.Order.Limit, placed.limit_price, oco=stop)
            return [stop, target]
        kind = {
            OrderType.MARKET: backtrader.Order.Market,
            OrderType.LIMIT: backtrader.Order.Limit,
            OrderType.STOP: backtrader.Order.Stop,
            OrderType.STOP_LIMIT: backtrader.Order.StopLimit,
        }[placed.type]
        if placed.type is OrderType.STOP_LIMIT:
            return [self.send(placed, kind, placed.stop_price, plimit=placed.limit_price)]
        price = placed.limit_price if placed.type is OrderType.LIMIT else placed.stop_price
        return [self.send(placed, kind, price)]

    def send(self, placed: Placed, kind: int, price: float | None, **more: Any) -> Any:
        send = self.buy if placed.side is Side.BUY else self.sell
        order = send(size=placed.quantity, exectype=kind, price=price, **more)
        self.name_of[order.ref] = placed.name
        return order


def run_backtrader(tape: Tape) -> Outcome:
    """Return what backtrader makes of a tape."""
    outcome = Outcome()
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.adddata(BarFeed(bars=tuple(tape.bars)))
    cerebro.addstrategy(TapeStrategy, tape=tape, outcome=outcome)
    cerebro.broker.setcash(tape.cash)
    cerebro.broker.setcommission(commission=tape.fee)
    cerebro.broker.set_checksubmit(False)
    if tape.slippage:
        cerebro.broker.set_slippage_perc(
            tape.slippage, slip_open=True, slip_limit=False, slip_match=True, slip_out=True
        )
    if tape.share_pct is not None:
        cerebro.broker.set_filler(backtrader.fillers.FixedBarPerc(perc=tape.share_pct))
    with warnings.catch_warnings():
        # It reads the clock in a way that newer versions of Python warn of.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="backtrader")
        cerebro.run(runonce=False)
    return outcome
