"""The gate between what is wanted and what is sent: the one place that approves orders.

Intents are classed by their effect on the position, not by their verb. What raises risk passes
every check; what reduces it is not held up by flags, limits, latch, trouble or quotes.
"""

from decimal import Decimal, getcontext, setcontext
from typing import Final

from trading.model.instrument import to_decimal
from trading.model.order import ExitPlan, Order, OrderIntent, Purpose, Side
from trading.risk.approval import ApprovedOrder, approve
from trading.risk.checks import overridden_by_force, refuse_entry, refuse_strategy_exit
from trading.risk.exit_plan import ExitPlans, stop_near
from trading.risk.money import ARITHMETIC
from trading.risk.order_prices import NamedPrices, name_prices, price_unit
from trading.risk.refusal import Refusal, RefusalCode
from trading.risk.settings import RiskSettings
from trading.risk.sizing import Size, size_entry, size_exit, too_small_to_leave
from trading.risk.view import RiskView

_ZERO: Final = Decimal(0)

__all__ = ["Refusal", "RefusalCode", "RiskGate", "overridden_by_force", "raises_risk"]


def raises_risk(side: Side, quantity: Decimal | None, position_quantity: Decimal) -> bool:
    """Tell whether an order may leave the account with more risk than before.

    Without a quantity an order against a position closes it and no more.
    """
    if side.sign * position_quantity >= 0:
        return True
    if quantity is None:
        return False
    return not quantity.is_finite() or quantity > abs(position_quantity)


class RiskGate:
    """Decide whether an intent becomes an order, and how large it is.

    An ENTRY against the position is an exit: an order never turns a position around. An EXIT or
    a PROTECTION never opens one. Exits of the engine's own, as of a trailing stop, are PROTECTION:
    no flag keeps them.
    """

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings
        self._plans = ExitPlans(settings)

    def review(self, intent: OrderIntent, view: RiskView, order_id: str) -> ApprovedOrder | Refusal:
        """Return the approved order, or why there is none; raise nothing."""
        # Not localcontext(): it copies the context each time.
        before = getcontext()
        setcontext(ARITHMETIC)
        try:
            if intent.side.sign * view.held < 0:
                return self._review_exit(intent, view, order_id)
            return self._review_entry(intent, view, order_id)
        except ArithmeticError:
            # Whatever no check foresaw: figures that cannot be computed with risk nothing.
            why = "its figures cannot be computed with: check sizes, prices, cash and equity"
            return _refuse(intent, RefusalCode.SIZE, why)
        finally:
            setcontext(before)

    def _review_entry(
        self, intent: OrderIntent, view: RiskView, order_id: str
    ) -> ApprovedOrder | Refusal:
        if intent.purpose is not Purpose.ENTRY or _sells_nothing(intent, view):
            return _refuse_nothing_held(intent, view)
        refusal = refuse_entry(intent, view, self._settings)
        if refusal is not None:
            return refusal
        # The checks saw to both; this tells the type checker.
        assert view.instrument is not None
        assert view.price is not None
        named = name_prices(intent, view.instrument, reduces=False)
        if isinstance(named, Refusal):
            return named
        last = to_decimal(view.price)
        unit = price_unit(intent.side, named, last, self._settings.cost_reserve_fraction)
        size = size_entry(intent, view, view.instrument, unit, self._settings)
        if isinstance(size, Refusal):
            return size
        plan = self._plans.complete(intent, unit.expected, view.instrument)
        if isinstance(plan, Refusal):
            return plan
        if not view.account.is_paper:
            stop = stop_near(plan, unit.expected, intent.side)
            reserve = self._settings.cost_reserve_fraction
            if why := too_small_to_leave(size.quantity, stop, view, reserve):
                return _refuse(intent, RefusalCode.SIZE, why)
        order = _make_order(
            intent, view, order_id, named, size, plan=plan, reserve_price=unit.reserve
        )
        return approve(order)

    def _review_exit(
        self, intent: OrderIntent, view: RiskView, order_id: str
    ) -> ApprovedOrder | Refusal:
        is_protection = intent.purpose is Purpose.PROTECTION
        if not (is_protection or intent.is_forced):
            refusal = refuse_strategy_exit(intent, view)
            if refusal is not None:
                return refusal
        # Protection is taken as it is: the engine compares what rests with what it asked for.
        steps = None if is_protection else view.instrument
        named = name_prices(intent, steps, reduces=True)
        if isinstance(named, Refusal):
            return named
        size = size_exit(intent, view, named)
        if isinstance(size, Refusal):
            return size
        return approve(_make_order(intent, view, order_id, named, size))


def _make_order(
    intent: OrderIntent,
    view: RiskView,
    order_id: str,
    named: NamedPrices,
    size: Size,
    *,
    plan: ExitPlan | None = None,
    reserve_price: Decimal | None = None,
) -> Order:
    is_raising = reserve_price is not None
    reducing_purpose = Purpose.EXIT if intent.purpose is Purpose.ENTRY else intent.purpose
    notes = [size.note] if size.note else []
    if is_raising and intent.is_forced:
        notes += [f"although {each.text.partition(': /')[0]}" for each in overridden_by_force(view)]
    # By position, in the order of the fields: so many names would cost more than all the rest.
    return Order(
        order_id,
        intent.account,
        intent.symbol,
        intent.side,
        intent.type,
        Purpose.ENTRY if is_raising else reducing_purpose,
        size.quantity,
        view.at,
        named.limit,
        named.stop,
        not is_raising,
        intent.instance,
        intent.author,
        intent.reason,
        plan,
        _ZERO if reserve_price is None else reserve_price,
        updated_at=view.at,
        note="; ".join(notes) if notes else "",
    )


def _refuse(intent: OrderIntent, code: RefusalCode, why: str) -> Refusal:
    return Refusal(code, f"{intent.symbol} on {intent.account}: {why}")


def _sells_nothing(intent: OrderIntent, view: RiskView) -> bool:
    """Tell whether a person sells where nothing is held and nothing can be sold short."""
    return (
        intent.is_forced
        and intent.side is Side.SELL
        and not view.held
        and not view.account.can_short
    )


def _refuse_nothing_held(intent: OrderIntent, view: RiskView) -> Refusal:
    if not view.held:
        text = f"nothing is held of {intent.symbol} on {intent.account}"
        return Refusal(RefusalCode.NOTHING_HELD, text)
    held = "long" if view.held > 0 else "short"
    why = f"it is held {held}: to {intent.side} more of it reduces nothing"
    return _refuse(intent, RefusalCode.NOTHING_HELD, why)
