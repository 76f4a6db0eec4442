"""What must be right before anything new is risked, in the order in which it is said.

A person's forced order passes trading off, a pause and the buying flag, and nothing else.
"""

from math import inf

from trading.model.account import MarketKey
from trading.model.order import OrderIntent, OrderType, Side
from trading.risk.money import has_steps, to_sane
from trading.risk.refusal import Refusal, RefusalCode
from trading.risk.settings import RiskSettings
from trading.risk.sizing import is_entry
from trading.risk.view import RiskView


def refuse_entry(intent: OrderIntent, view: RiskView, settings: RiskSettings) -> Refusal | None:
    """Return the first reason against an order that raises risk, or None."""
    return _check_state(intent, view) or _check_market(intent, view, settings)


def overridden_by_force(view: RiskView) -> list[Refusal]:
    """Return what keeps strategies from new risk and a person's forced order passes."""
    found = []
    if not view.trading_on:
        found.append(Refusal(RefusalCode.TRADING_OFF, "trading is off: /starttrading turns it on"))
    if view.is_paused:
        found.append(Refusal(RefusalCode.PAUSED, "trading is paused: /resume ends that"))
    if view.buying_off:
        found.append(Refusal(RefusalCode.BUYING_OFF, f"buying is off: {view.buying_off}"))
    return found


def refuse_strategy_exit(intent: OrderIntent, view: RiskView) -> Refusal | None:
    """Return why a strategy may not close what is held; protection and persons always may."""
    if intent.is_forced or not intent.instance:
        return None
    return refuse_leaving(
        intent.key,
        intent.instance,
        view.position.instance if view.position is not None else "",
        is_trading=view.trading_on and view.trading_allowed,
        selling_off=view.selling_off,
    )


def refuse_leaving(
    key: MarketKey, instance: str, owner: str, *, is_trading: bool, selling_off: str
) -> Refusal | None:
    """Return why an instance may not close what is held by an owner, "" being a person."""
    if not is_trading:
        return _refuse(key, RefusalCode.TRADING_OFF, "trading is off; protection stays")
    if selling_off:
        why = f"selling is off: {selling_off}; protection stays"
        return _refuse(key, RefusalCode.SELLING_OFF, why)
    if owner not in ("", instance):
        return _refuse_owner(key, owner)
    return None


def _refuse(where: OrderIntent | MarketKey, code: RefusalCode, why: str) -> Refusal:
    return Refusal(code, f"{where.symbol} on {where.account}: {why}")


def _refuse_owner(where: OrderIntent | MarketKey, owner: str) -> Refusal:
    whose = f"instance {owner}" if owner else "a person"
    return _refuse(where, RefusalCode.OTHER_OWNER, f"the position there belongs to {whose}")


def _check_state(intent: OrderIntent, view: RiskView) -> Refusal | None:
    """Look at what holds for every entry of a market: permission, flags, limits, trouble."""
    if not view.trading_allowed:
        why = "the configuration allows no trading (trading: off)"
        return _refuse(intent, RefusalCode.NOT_ALLOWED, why)
    if view.kill:
        return _refuse(intent, RefusalCode.KILLED, view.kill)
    if not intent.is_forced and (found := overridden_by_force(view)):
        return _refuse(intent, found[0].code, found[0].text)
    if view.barred:
        # A limit says itself what it is for: this market, or all of the account.
        return Refusal(RefusalCode.LIMIT, "; ".join(view.barred))
    if view.trouble:
        return _refuse(intent, RefusalCode.TROUBLE, f"nothing new is risked: {view.trouble}")
    return None


def _check_market(intent: OrderIntent, view: RiskView, settings: RiskSettings) -> Refusal | None:
    """Look at the market, and at what is there already."""
    if intent.side is not Side.BUY and not view.account.can_short:
        why = "nothing is held, and the account is long only: it sells what it holds and no more"
        return _refuse(intent, RefusalCode.LONG_ONLY, why)
    if view.account.leverage > settings.max_leverage:
        why = f"found a leverage of {view.account.leverage}, allowed {settings.max_leverage}"
        return _refuse(intent, RefusalCode.LEVERAGE, f"{why} (max_leverage)")
    is_taken = view.position is not None or bool(view.open_orders)
    if is_taken and not intent.is_forced and (refusal := _check_owner(intent, view)):
        return refusal
    if not has_steps(view.instrument):
        why = f"{view.account.exchange} has not told the steps and minimums of this market"
        return _refuse(intent, RefusalCode.UNKNOWN_INSTRUMENT, why)
    if refusal := _check_quote(intent, view, settings):
        return refusal
    if intent.type is OrderType.BRACKET:
        why = "a bracket protects a position and opens none"
        return _refuse(intent, RefusalCode.PRICE, why)
    return None


def _check_owner(intent: OrderIntent, view: RiskView) -> Refusal | None:
    owners = [order.instance for order in view.open_orders if is_entry(order)]
    if view.position is not None and view.held:
        owners.insert(0, view.position.instance)
    others = [owner for owner in owners if owner != intent.instance]
    return _refuse_owner(intent, others[0]) if others else None


def _check_quote(intent: OrderIntent, view: RiskView, settings: RiskSettings) -> Refusal | None:
    price = to_sane(view.price) if view.price is not None else None
    if price is None or price <= 0:
        found = "no price" if view.price is None else f"the price {view.price}"
        return _refuse(intent, RefusalCode.QUOTE, f"found {found}, needed a price above 0")
    # Written so that an age that is no number is refused too.
    if abs(view.quote_age_s) <= settings.quote_age_max_s:
        return None
    is_new = view.quote_age_s == inf
    found = "no price since the start" if is_new else f"a price {view.quote_age_s:.1f} s old"
    why = f"found {found}, needed one at most {settings.quote_age_max_s:g} s old"
    return _refuse(intent, RefusalCode.QUOTE, why)
