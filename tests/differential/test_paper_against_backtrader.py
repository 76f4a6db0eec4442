"""The paper exchange and backtrader, told the same random tapes, fill the same.

Compared: in which candle each order is filled, at what price, for how much, which leg of an exit
pair went first, the position and the equity at the end. Four rules differ, on purpose:

* A candle that opens beyond the target of an exit pair and later reaches its stop: backtrader
  tries the orders in the order of placing and sells at the stop; the open came first, so on paper
  the target is filled at it.
* A stop-limit: backtrader guesses by open and close whether the limit was reached after the
  trigger in the same candle; on paper it rests until the next event, or from the open on if that
  triggered it. So paper fills are never earlier and never better.
* Slippage: backtrader keeps it within the candle unless told otherwise, and does not round; on
  paper it is rounded to the price step against the trader. It is told otherwise here.
* Volume: backtrader gives each order its own share of a candle; on paper all share one. One order
  at a time is compared.
"""

from collections.abc import Callable, Iterable, Sequence

import pytest

from tests.differential.backtrader_engine import run_backtrader
from tests.differential.paper_engine import run_paper
from tests.differential.tapes import SYMBOL, Filled, Outcome, Placed, Tape, random_tape
from trading.model.market import Bar
from trading.model.order import OrderType, Side

SEEDS_SHORT = range(2)
SEEDS_LONG = range(100, 180)
PLAIN = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.BRACKET)
FEE = 0.001


def opens_beyond_target_and_reaches_stop(placed: Placed, bar: Bar) -> bool:
    """Tell whether the candle is one of which the engines tell different stories."""
    if placed.type is not OrderType.BRACKET:
        return False
    assert placed.limit_price is not None
    assert placed.stop_price is not None
    if placed.side is Side.SELL:
        return bar.open >= placed.limit_price and bar.low <= placed.stop_price
    return bar.open <= placed.limit_price and bar.high >= placed.stop_price


def first_difference_by_rule(tape: Tape, fills: Iterable[Filled]) -> int:
    """Return the first candle that the engines may fill differently, or one behind the last."""
    orders = {placed.name: placed for _, placed in tape.placed()}
    differing = (
        fill.bar
        for fill in fills
        if opens_beyond_target_and_reaches_stop(orders[fill.name], tape.bars[fill.bar])
    )
    return min(differing, default=len(tape.bars))


def compare(tape: Tape, paper: Outcome, other: Outcome) -> tuple[int, bool]:
    """Compare two outcomes; return how many fills were compared, and whether all were."""
    end = first_difference_by_rule(tape, paper.fills)
    ours = sorted(fill for fill in paper.fills if fill.bar < end)
    assert ours == sorted(fill for fill in other.fills if fill.bar < end)
    if end == len(tape.bars):
        assert paper.position == other.position
        assert paper.equity == pytest.approx(other.equity, abs=1e-6)
    return len(ours), end == len(tape.bars)


def check_that_enough_was_compared(compared: Sequence[tuple[int, bool]]) -> None:
    assert sum(fills for fills, _ in compared) > 10 * len(compared)
    assert sum(is_whole for _, is_whole in compared) > len(compared) / 4


def check_candles(seeds: range) -> None:
    tapes = [random_tape(seed, PLAIN, fee=FEE) for seed in seeds]
    check_that_enough_was_compared(
        [compare(tape, run_paper(tape), run_backtrader(tape)) for tape in tapes]
    )


def check_single_prices(seeds: range) -> None:
    compared = []
    for tape in (random_tape(seed, PLAIN, flat=True, fee=FEE) for seed in seeds):
        other = run_backtrader(tape)
        compared.append(compare(tape, run_paper(tape), other))
        compared.append(compare(tape, run_paper(tape, as_ticks=True), other))
    check_that_enough_was_compared(compared)


def check_partial_fills(seeds: range) -> None:
    kinds = (OrderType.MARKET, OrderType.LIMIT)
    tapes = [random_tape(seed, kinds, one_at_a_time=True, share_pct=10) for seed in seeds]
    check_that_enough_was_compared(
        [compare(tape, run_paper(tape), run_backtrader(tape)) for tape in tapes]
    )


def check_slippage(seeds: range) -> None:
    for seed in seeds:
        kinds = (OrderType.MARKET, OrderType.STOP)
        tape = random_tape(seed, kinds, slippage=0.0007)
        sides = {placed.name: placed.side.sign for _, placed in tape.placed()}
        paper, other = run_paper(tape), run_backtrader(tape)
        for ours, theirs in zip(sorted(paper.fills), sorted(other.fills), strict=True):
            assert (ours.bar, ours.name, ours.quantity) == (
                theirs.bar,
                theirs.name,
                theirs.quantity,
            )
            # Within one price step, and never to the trader's advantage.
            assert -1e-9 <= (ours.price - theirs.price) * sides[ours.name] <= 0.01


def check_stop_limits(seeds: range) -> None:
    compared = 0
    for seed in seeds:
        tape = random_tape(seed, (OrderType.STOP_LIMIT,), one_at_a_time=True)
        sides = {placed.name: placed.side.sign for _, placed in tape.placed()}
        theirs = {fill.name: fill for fill in run_backtrader(tape).fills}
        for ours in run_paper(tape).fills:
            other = theirs[ours.name]
            assert other.bar <= ours.bar
            if other.bar == ours.bar:
                assert (ours.price - other.price) * sides[ours.name] >= 0
            compared += 1
    assert compared > len(seeds)


CHECKS = [
    check_candles,
    check_single_prices,
    check_partial_fills,
    check_slippage,
    check_stop_limits,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_few_tapes_are_filled_alike(check: Callable[[range], None]) -> None:
    check(SEEDS_SHORT)


@pytest.mark.long
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_many_tapes_are_filled_alike(check: Callable[[range], None]) -> None:
    check(SEEDS_LONG)


def test_where_a_candle_opens_beyond_the_target_the_paper_exchange_sells_at_the_open() -> None:
    bars = [
        Bar(SYMBOL, 0.0, 60, 100.0, 100.0, 100.0, 100.0, 1.0),
        Bar(SYMBOL, 60.0, 60, 112.0, 113.0, 94.0, 100.0, 1.0),
    ]
    exit_pair = Placed("o1", Side.SELL, OrderType.BRACKET, 1, limit_price=110.0, stop_price=95.0)
    tape = Tape(bars, {0: [exit_pair]})
    assert [fill.price for fill in run_paper(tape).fills] == [112.0]
    assert [fill.price for fill in run_backtrader(tape).fills] == [95.0]


def test_a_triggered_stop_limit_rests_on_paper_where_backtrader_guesses() -> None:
    bars = [
        Bar(SYMBOL, 0.0, 60, 100.0, 100.0, 100.0, 100.0, 1.0),
        Bar(SYMBOL, 60.0, 60, 100.0, 106.0, 99.0, 106.0, 1.0),
        Bar(SYMBOL, 120.0, 60, 107.0, 107.0, 106.0, 106.0, 1.0),
    ]
    entry = Placed("o1", Side.BUY, OrderType.STOP_LIMIT, 1, limit_price=106.0, stop_price=105.0)
    tape = Tape(bars, {0: [entry]})
    assert [(fill.bar, fill.price) for fill in run_paper(tape).fills] == [(2, 106.0)]
    assert [(fill.bar, fill.price) for fill in run_backtrader(tape).fills] == [(1, 105.0)]
