"""How many requests a live account may make at each exchange, by what each of them counts there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from trading.brokers.live.settings import HINTS, RequestBudget, RequestKind

# Kraken counts reads in points of which the lowest tier gets one in three seconds; its orders are
# counted elsewhere.
_KRAKEN: Final = RequestBudget(
    per_s=0.33,
    burst=15.0,
    weights={
        RequestKind.ORDER: 0.0,
        RequestKind.CANCEL: 0.0,
        RequestKind.SERVER_TIME: 0.0,
        # Open orders, and then the closed ones; by Kraken's id it is one request of one.
        RequestKind.FIND: 3.0,
        RequestKind.FILLS: 2.0,
        RequestKind.CASH_MOVES: 2.0,
    },
    by_page=frozenset({RequestKind.FILLS, RequestKind.CASH_MOVES}),
)
# Binance allows an address 6,000 a minute, and tells with each answer how much of them is used, by
# whomever: that is what no minute passes. For long one account keeps to 30 % of them, and saves up
# what leaving dozens of positions takes.
_BINANCE: Final = RequestBudget(
    per_s=30.0,
    burst=4_800.0,
    weights={
        RequestKind.ORDER: 1.0,
        RequestKind.CANCEL: 1.0,
        RequestKind.FIND: 4.0,
        RequestKind.FIND_BY_ID: 4.0,
        RequestKind.HOLDINGS: 20.0,
        # Counted for themselves, and not among the 6,000.
        RequestKind.CASH_MOVES: 0.0,
        RequestKind.SERVER_TIME: 1.0,
        # A connection and what is asked on it.
        RequestKind.STREAM: 4.0,
        RequestKind.CONNECT: 41.0,
    },
    read_weight=20.0,
)
_OPEN_ORDERS: Final = 6.0
_ALL_OPEN_ORDERS: Final = 80.0
_FILLS: Final = 20.0
# So much of executions may be read in a second while one order follows the other.
_FILLS_PER_S: Final = 200.0
_HINTS_WEIGHT: Final = 1_000.0
_HINTS_MIN: Final = 2.0
# Where reads are so few that polls are spared while a stream tells what happens.
_FEW_READS: Final = frozenset({"kraken"})
# Elsewhere polls of a stream's account keep to so much of what comes back.
_POLLS_SHARE: Final = 1 / 2
# How old the executions may be that nobody asks for, and how much of what comes back they are read
# with: a poll of the open orders shows as well that there are some.
_FILLS_S: Final = 10.0
_FILLS_SHARE: Final = 1 / 10


def budget_of(
    exchange: str,
    market_type: str = "spot",
    *,
    markets: int = 1,
    requests_per_s: float | None = None,
) -> RequestBudget:
    """Return what a key may ask of an exchange for an account with so many markets."""
    budget = _usual(exchange, market_type, markets)
    if requests_per_s is None:
        return budget
    per_s = requests_per_s * budget.read_weight
    return replace(budget, per_s=per_s, burst=max(budget.burst, per_s))


def poll_stream_s(exchange: str, budget: RequestBudget, spared_s: float) -> float:
    """Return how often open orders are read at least while a stream tells when something happens.

    What a stream does not say is found by polls: they are spared only where reads are few.
    """
    if exchange in _FEW_READS:
        return spared_s
    return budget.weights.get(RequestKind.OPEN_ORDERS, 1.0) / (_POLLS_SHARE * budget.per_s)


def fills_s(budget: RequestBudget) -> float:
    """Return how often executions are read that nobody asks for."""
    weight = budget.weights.get(RequestKind.FILLS, 1.0)
    return max(_FILLS_S, weight / (_FILLS_SHARE * budget.per_s))


def fills_rest_s(exchange: str, budget: RequestBudget) -> float:
    """Return for how long one read of executions is to serve, where it weighs by markets."""
    weight = budget.weights.get(RequestKind.FILLS, 1.0)
    return weight / _FILLS_PER_S if exchange == "binance" else 0.0


def hints_of(exchange: str, budget: RequestBudget) -> RequestBudget:
    """Return how often executions are read because a stream was heard, in reads of all markets."""
    if exchange != "binance":
        return HINTS
    weight = budget.weights.get(RequestKind.FILLS, 1.0)
    # What is executed in hundreds of parts must not use up what another order's stop needs.
    burst = max(_HINTS_MIN, min(HINTS.burst, _HINTS_WEIGHT / weight))
    return RequestBudget(per_s=min(HINTS.per_s, budget.per_s / weight), burst=burst)


def _usual(exchange: str, market_type: str, markets: int) -> RequestBudget:
    match exchange, market_type:
        case "kraken", "margin":
            # The balances, and what they can carry.
            return _with(_KRAKEN, {RequestKind.HOLDINGS: 2.0})
        case "kraken", _:
            return _KRAKEN
        case "binance", "spot":
            # Both are read market by market, until the open orders of all weigh less.
            open_orders = min(_OPEN_ORDERS * markets, _ALL_OPEN_ORDERS)
            fills = _FILLS * markets
            return _with(_BINANCE, {RequestKind.OPEN_ORDERS: open_orders, RequestKind.FILLS: fills})
        case _:
            return RequestBudget()


def _with(budget: RequestBudget, weights: Mapping[RequestKind, float]) -> RequestBudget:
    return replace(budget, weights={**budget.weights, **weights})
