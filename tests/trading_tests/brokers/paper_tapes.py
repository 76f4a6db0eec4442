"""Random tapes for the paper exchange: prices, candles, orders, cancels and silence."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.trading_tests.brokers.paper_desk import BTC, ETH, Desk
from trading.brokers.paper.terms import PaperTerms
from trading.model.order import OrderType, Side

# A step is done to a desk; its words are what a failing test shows.


@dataclass(frozen=True)
class Step:
    """One thing that happens, and what it is called."""

    words: str
    do: Callable[[Desk], object]

    def __repr__(self) -> str:
        return self.words


cents = st.integers(8_000, 12_000)
sizes = st.sampled_from([0.0, 0.004, 0.5, 1.0, 7.3])


def tick_step(symbol: str, cent: int, size: float, wait_s: float) -> Step:
    price = cent / 100
    return Step(
        f"tick {symbol} {price} x {size} after {wait_s}",
        lambda desk: desk.tick(price, desk.at + wait_s, size=size, symbol=symbol),
    )


def candle_steps(symbol: str, path: list[tuple[int, bool]], volume: float) -> list[Step]:
    """Return a candle of a path of prices, of which some are seen as ticks."""
    prices = [cent / 100 for cent, _ in path]
    wait_s = 59.0 / len(path)
    steps = [
        tick_step(symbol, cent, volume / len(path), wait_s) for cent, is_seen in path if is_seen
    ]
    ohlc = (prices[0], max(prices), min(prices), prices[-1])
    before = wait_s * len(steps)
    return [
        *steps,
        Step(
            f"candle {symbol} {ohlc} x {volume} begun {before} before",
            lambda desk: desk.bar(ohlc, start=desk.at - before, volume=volume, symbol=symbol),
        ),
    ]


def order_step(symbol: str, side: Side, kind: OrderType, milli: int, **more: Any) -> Step:
    prices = {name: Decimal(more.pop(name)) / 10 for name in ("limit_price", "stop_price")}
    quantity = Decimal(milli) / 100
    return Step(
        f"{side} {kind} {quantity} {symbol} {prices} {more}",
        lambda desk: desk.place(side, kind, quantity, symbol=symbol, **prices, **more),
    )


def cancel_step(index: int) -> Step:
    def cancel(desk: Desk) -> object:
        names = list(desk.orders)
        return desk.cancel(names[index % len(names)]) if names else None

    return Step(f"cancel {index}", cancel)


def quiet_step(symbol: str, cent: int) -> Step:
    price = cent / 100
    return Step(
        f"quiet {symbol} at {price}", lambda desk: desk.quiet(price, desk.at, symbol=symbol)
    )


def order_steps(symbols: st.SearchStrategy[str]) -> st.SearchStrategy[Step]:
    return st.builds(
        order_step,
        symbols,
        st.sampled_from(Side),
        st.sampled_from(OrderType),
        st.integers(1, 500),
        limit_price=st.integers(800, 1200),
        stop_price=st.integers(800, 1200),
        reduce_only=st.booleans(),
        reserve_price=st.sampled_from([Decimal(0), Decimal(100)]),
    )


def tapes(
    *, symbols: tuple[str, ...] = (BTC, ETH), has_candles: bool = True, length_max: int = 40
) -> st.SearchStrategy[list[Step]]:
    """Return lists of steps."""
    symbol = st.sampled_from(symbols)
    kinds: list[st.SearchStrategy[list[Step]]] = [
        st.builds(tick_step, symbol, cents, sizes, st.sampled_from([0.1, 1.0])).map(_alone),
        order_steps(symbol).map(_alone),
        order_steps(symbol).map(_alone),
        st.builds(cancel_step, st.integers(0, 50)).map(_alone),
        st.builds(quiet_step, symbol, cents).map(_alone),
    ]
    if has_candles:
        paths = st.lists(st.tuples(cents, st.booleans()), min_size=1, max_size=6)
        kinds.append(st.builds(candle_steps, symbol, paths, sizes))
    groups = st.lists(st.one_of(kinds), max_size=length_max)
    return groups.map(lambda found: [step for group in found for step in group])


def _alone(step: Step) -> list[Step]:
    return [step]


def terms(*, has_share: bool | None = None) -> st.SearchStrategy[PaperTerms]:
    """Return terms, with a share of the volume, without, or either."""
    shares = {
        True: st.just(Decimal("0.3")),
        False: st.none(),
        None: st.sampled_from([None, Decimal("0.3")]),
    }[has_share]
    return st.builds(
        PaperTerms,
        fee_taker=st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("0.00075")]),
        fee_maker=st.sampled_from([Decimal(0), Decimal("0.0004"), Decimal("-0.0001")]),
        slippage=st.sampled_from([Decimal(0), Decimal("0.0005"), Decimal("0.0013")]),
        latency_s=st.sampled_from([0.0, 0.5, 2.0]),
        volume_share=shares,
    )
