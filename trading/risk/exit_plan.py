"""How an entry is to be left: its own plan completed with the account's, and checked.

Every approved entry has a stop on the losing side of its price.
"""

from decimal import Decimal
from typing import Final

from trading.model.instrument import Instrument, round_to_step
from trading.model.order import ExitPlan, OrderIntent, Side, TrailPlan
from trading.model.values import replace
from trading.risk.money import is_sane, is_usable
from trading.risk.refusal import Refusal, RefusalCode
from trading.risk.settings import RiskSettings

# A target further away than this many times the price is a mistake.
_GAIN_MAX: Final = Decimal(100)
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_NO_PLAN: Final = ExitPlan()


class ExitPlans:
    """Complete the plans of entries by what the configuration says."""

    __slots__ = ("_own", "_settings")

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings
        # What is left as the configuration says, for a buy and for a sell: looked at once. It has
        # no prices, so nothing about it depends on any. One that is wrong is refused each time.
        own = _with_defaults(_NO_PLAN, settings)
        self._own = {sign: own for sign in (1, -1) if not _check_plan(own, _ONE, sign)}

    def complete(
        self, intent: OrderIntent, expected: Decimal, instrument: Instrument
    ) -> ExitPlan | Refusal:
        """Return the plan with defaults for what is missing, or what is wrong with it.

        `expected` is the price at which the entry is likely to fill.
        """
        sign, wrong = intent.side.sign, ""
        plan = self._own.get(sign) if intent.exit_plan is None else None
        if plan is None:
            plan = _with_defaults(intent.exit_plan or _NO_PLAN, self._settings)
            wrong = _check_plan(plan, expected, sign)
            if not wrong and (plan.stop_price is not None or plan.target_price is not None):
                plan = replace(
                    plan,
                    stop_price=_on_step(plan.stop_price, expected, instrument),
                    target_price=_on_step(plan.target_price, expected, instrument),
                )
        wrong = wrong or _check_stop_exists(plan, expected, instrument, sign)
        if wrong:
            where = f"{intent.symbol} on {intent.account}: exit plan"
            return Refusal(RefusalCode.EXIT_PLAN, f"{where}: {wrong}")
        return plan


def stop_near(plan: ExitPlan, expected: Decimal, side: Side) -> Decimal:
    """Return about where the stop of a complete plan will stand."""
    if plan.stop_price is not None:
        return plan.stop_price
    return expected * (_ONE - side.sign * (plan.stop_fraction or _ZERO))


def _with_defaults(plan: ExitPlan, settings: RiskSettings) -> ExitPlan:
    stop_fraction = target_fraction = None
    if plan.stop_price is None:
        stop_fraction = plan.stop_fraction
        stop_fraction = settings.stop_fraction if stop_fraction is None else stop_fraction
    if plan.target_price is None:
        target_fraction = plan.target_fraction
        target_fraction = settings.target_fraction if target_fraction is None else target_fraction
    return ExitPlan(
        plan.stop_price,
        plan.target_price,
        stop_fraction,
        target_fraction,
        settings.trail if plan.trail is None else plan.trail,
    )


def _check_plan(plan: ExitPlan, expected: Decimal, sign: int) -> str:
    gain_max = _GAIN_MAX if sign > 0 else _ONE
    stop, target, trail = plan.stop_price, plan.target_price, plan.trail
    return (
        (stop is not None and _check_price("stop_price", stop, expected, -sign))
        or (target is not None and _check_price("target_price", target, expected, sign))
        or _check_fraction("stop_fraction", plan.stop_fraction, _ONE)
        or _check_fraction("target_fraction", plan.target_fraction, gain_max)
        or (trail is not None and _check_trail(trail))
        or ""
    )


def _check_price(name: str, price: Decimal, expected: Decimal, sign: int) -> str:
    if not is_usable(price):
        return f"{name}: found {price}, allowed a price above 0"
    if (price - expected) * sign > 0:
        return ""
    side = "above" if sign > 0 else "below"
    return f"{name}: found {price}, allowed only {side} the entry price {expected}"


def _check_fraction(name: str, fraction: Decimal | None, below: Decimal) -> str:
    if fraction is None or (is_usable(fraction) and fraction < below):
        return ""
    return f"{name}: found {fraction}, allowed more than 0 and less than {below}"


def _check_trail(trail: TrailPlan) -> str:
    if not (is_sane(trail.activation) and 0 <= trail.activation < _GAIN_MAX):
        return f"trail activation: found {trail.activation}, allowed 0 to {_GAIN_MAX}"
    return _check_fraction("trail distance", trail.distance, Decimal(1)) or _check_fraction(
        "tight trail distance", trail.tight_distance, Decimal(1)
    )


def _on_step(price: Decimal | None, expected: Decimal, instrument: Instrument) -> Decimal | None:
    """Return a price on the market's steps: towards the entry, unless that reaches it."""
    if price is None:
        return None
    is_below = price < expected
    rounded = round_to_step(price, instrument.price_step, up=is_below)
    if rounded >= expected if is_below else rounded <= expected:
        rounded = round_to_step(price, instrument.price_step, up=not is_below)
    return rounded


def _check_stop_exists(plan: ExitPlan, expected: Decimal, instrument: Instrument, sign: int) -> str:
    stop = plan.stop_price
    if stop is None and plan.stop_fraction is not None:
        stop = _on_step(expected * (1 - sign * plan.stop_fraction), expected, instrument)
    if stop is not None and stop > 0 and (plan.target_price is None or plan.target_price > 0):
        return ""
    return f"the price {expected} is too near to 0 for a price on the other side of it"
