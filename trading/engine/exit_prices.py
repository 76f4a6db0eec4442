"""Where a position is left: its stop and target as prices, from a plan that may give fractions.

A fraction counts from the mean entry price and is rounded towards the entry: the loss is never
larger than asked for, and the target never further away.
"""

from decimal import Decimal

from trading.model.instrument import round_to_step
from trading.model.order import ExitPlan
from trading.model.position import Position
from trading.model.values import replace


def first_exits(
    entry_price: Decimal, sign: int, plan: ExitPlan, price_step: Decimal
) -> tuple[Decimal | None, Decimal | None]:
    """Return stop and target of a new position; `sign` is -1 for a short one."""
    stop, target = plan.stop_price, plan.target_price
    if stop is None and plan.stop_fraction is not None:
        stop = _away(entry_price, -plan.stop_fraction * sign, price_step)
    if target is None and plan.target_fraction is not None:
        target = _away(entry_price, plan.target_fraction * sign, price_step)
    return stop, target


def follow_plan(
    held: Position, added: Position, plan: ExitPlan, price_step: Decimal, *, is_new_order: bool
) -> Position:
    """Return a position that was added to, with exits that follow the new mean price.

    A price that stands where the fraction had put it moves along. One that stands elsewhere was
    given or moved as a price and stays, unless a further order brings a price of its own.
    """
    stop = _followed(
        held.stop_price,
        plan.stop_price if is_new_order else None,
        before=_stop(held, plan, price_step),
        after=_stop(added, plan, price_step),
    )
    target = _followed(
        held.target_price,
        plan.target_price if is_new_order else None,
        before=_target(held, plan, price_step),
        after=_target(added, plan, price_step),
    )
    trail = plan.trail if is_new_order and plan.trail is not None else held.trail
    return replace(added, stop_price=stop, target_price=target, trail=trail)


def _followed(
    present: Decimal | None, given: Decimal | None, *, before: Decimal | None, after: Decimal | None
) -> Decimal | None:
    if given is not None:
        return given
    return after if present in (None, before) else present


def _stop(position: Position, plan: ExitPlan, price_step: Decimal) -> Decimal | None:
    if plan.stop_price is not None or plan.stop_fraction is None:
        return None
    return _away(position.entry_price, -plan.stop_fraction * position.side.sign, price_step)


def _target(position: Position, plan: ExitPlan, price_step: Decimal) -> Decimal | None:
    if plan.target_price is not None or plan.target_fraction is None:
        return None
    return _away(position.entry_price, plan.target_fraction * position.side.sign, price_step)


def _away(entry_price: Decimal, fraction: Decimal, price_step: Decimal) -> Decimal | None:
    """Return the price that lies a signed fraction from the entry, or None below zero."""
    exact = entry_price * (1 + fraction)
    is_below = fraction < 0
    price = round_to_step(exact, price_step, up=is_below)
    if price >= entry_price if is_below else price <= entry_price:
        # A step wider than the distance: towards the entry would be at it or beyond.
        price = round_to_step(exact, price_step, up=not is_below)
    return price if price > 0 else None
