"""Between which prices a candle changes nothing but values: worked out once, compared as floats.

A candle inside touches no order, trips no limit, moves no base and no trailing stop. The bounds
are a little narrower than that, so that rounding hides nothing: what is at them is looked at.
"""

from math import inf
from typing import Final, NamedTuple

from trading.brokers.paper.exchange import PaperExchange
from trading.engine.desks import AccountDesk
from trading.engine.markets import Market
from trading.market.candles import PRICE_MAX
from trading.model.position import Position

# Of the sums that are compared; far more than the rounding of a few floats.
_SLACK: Final = 1e-9


class Calm(NamedTuple):
    """Hold the bounds of one market.

    Calm is a candle whose prices lie between `below` and `above`, and its close from `close_min`
    to `close_max`. `quantity` is what is held, with `cash` beside it; `venue` has orders waiting.
    """

    below: float = 0.0
    above: float = PRICE_MAX
    close_min: float = 0.0
    close_max: float = inf
    quantity: float = 0.0
    cash: float = 0.0
    venue: PaperExchange | None = None


UNTRADED: Final = Calm()


def find_calm(market: Market, start: float) -> Calm | None:
    """Return the bounds for candles from a moment on; None where each must be looked at."""
    if not market.is_engaged:
        return UNTRADED
    if len(market.desks) != 1:
        return None
    (desk,), symbol, venue = market.desks, market.symbol, None
    below, above = 0.0, PRICE_MAX
    if desk.exchange is not None and symbol in desk.exchange.busy:
        venue = desk.exchange
        first, last = venue.bounds(symbol)
        below, above = max(below, first), min(above, last)
    if not below < above:
        return None
    position = desk.book.positions.get(symbol)
    if position is None:
        return Calm(below, above, venue=venue)
    # With several positions the equity is a sum that no price alone bounds.
    if len(desk.book.positions) > 1 or position.opened_at > start:
        return None
    if position.trail is not None and not position.closing:
        below, above = _follow(position, below, above)
    return _hold(desk, symbol, below, above, venue)


def _follow(position: Position, below: float, above: float) -> tuple[float, float]:
    """Return the bounds within those given between which a trailing stop rests and stays."""
    stop, best = position.trail_price, position.best_price
    if position.quantity > 0:
        return max(below, 0.0 if stop is None else float(stop)), min(above, best)
    return max(below, best), min(above, inf if stop is None else float(stop))


def _hold(
    desk: AccountDesk, symbol: str, below: float, above: float, venue: PaperExchange | None
) -> Calm:
    """Return the bounds within those given between which losses and heights change nothing."""
    quantity, cash = desk.book.held(symbol)
    floor, ceiling = desk.bases.floor, desk.bases.ceiling
    slack = _SLACK * (abs(cash) + abs(ceiling))
    # At its worst price it is worth enough, and at its close no more than ever before. What is no
    # number makes bounds that nothing lies between.
    worst = (max(floor - cash, desk.floors.get(symbol, inf)) + slack) / quantity
    best = (ceiling - cash - slack) / quantity
    if quantity > 0.0:
        return Calm(max(worst, below), above, 0.0, best, quantity, cash, venue)
    return Calm(below, min(worst, above), best, inf, quantity, cash, venue)
