"""How much: the size of an order, cut to the room that is left, rounded down, never up."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.model.account import MarketType
from trading.model.instrument import Instrument
from trading.model.order import Order, OrderIntent, Purpose
from trading.model.values import quickly_made
from trading.risk.money import QUOTIENT, floor_to_step, has_steps, is_sane, is_usable, show, to_sane
from trading.risk.order_prices import NamedPrices, UnitPrices
from trading.risk.refusal import Refusal, RefusalCode
from trading.risk.settings import RiskSettings
from trading.risk.view import RiskView

# An entry that is cut to less than this part of the equity is not worth its fees.
CUT_FRACTION_MIN: Final = Decimal("0.005")
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)


@quickly_made
@dataclass(frozen=True, slots=True)
class Size:
    """Hold how much is ordered, and what was cut from it, in words."""

    quantity: Decimal
    note: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class Funds:
    """Hold an account's money as numbers to compute with."""

    equity: Decimal
    exposure: Decimal
    reserved: Decimal
    cash: Decimal


# What is left below one cap, what a unit takes of it, and its name.
_Cap = tuple[Decimal, Decimal, str]


def is_entry(order: Order) -> bool:
    """Tell whether an order may raise risk."""
    return order.purpose is Purpose.ENTRY and not order.reduce_only


def reserve_of(orders: Iterable[Order]) -> Decimal:
    """Return what open entries may still cost: what approval reserved for them."""
    total = _ZERO
    for order in orders:
        if is_entry(order):
            total += order.remaining * order.reserve_price
    return total


def size_entry(
    intent: OrderIntent,
    view: RiskView,
    instrument: Instrument,
    unit: UnitPrices,
    settings: RiskSettings,
) -> Size | Refusal:
    """Return how much of an entry fits below every cap, or why that is nothing."""
    funds = _funds(intent, view)
    if isinstance(funds, Refusal):
        return funds
    wish = _wish(intent, funds.equity, unit.worth, settings.trade_amount)
    if isinstance(wish, Refusal):
        return wish
    room, cut_by = wish, ""
    for left, each, cap in _caps(view, instrument, unit, funds, settings):
        # Multiplied it is exact, and cheaper than to work out for how many there is room.
        if wish * each > left and (fits := QUOTIENT.divide(left, each)) < room:
            room, cut_by = fits, cap
    fitting = max(room, _ZERO)
    quantity = floor_to_step(fitting, instrument.quantity_step)
    note = f"cut from {show(wish)} to {show(quantity)} by {cut_by}" if cut_by else ""
    too_small = _too_small(quantity, wish, fitting, instrument, unit, funds.equity)
    if too_small:
        why = f"{too_small} ({note})" if note else too_small
        return _refuse(intent, RefusalCode.SIZE, why)
    return Size(quantity, note)


def size_exit(intent: OrderIntent, view: RiskView, named: NamedPrices) -> Size | Refusal:
    """Return how much of what is held is sold, or bought back; without a size all of it.

    Never leaves a rest that could not be sold by itself.
    """
    held = abs(view.held)
    wish = _exit_wish(intent, view, named, held)
    if isinstance(wish, Refusal):
        return wish
    instrument = view.instrument
    if not view.account.is_paper and has_steps(instrument):
        # A real venue takes whole steps: what is left of one cannot be sold at all.
        whole = floor_to_step(held, instrument.quantity_step)
        if not whole:
            smallest = _smallest(instrument)
            why = f"found {show(held)} {instrument.base}, needed at least {show(smallest)}"
            return _refuse(intent, RefusalCode.SIZE, f"too small to be sold: {why}")
        held = whole
    # Protection is taken as it is: the engine compares what rests with what it asked for.
    if intent.purpose is Purpose.PROTECTION or not has_steps(instrument):
        return Size(min(wish, held))
    step, largest = instrument.quantity_step, instrument.quantity_max
    # A maximum below one step would let nothing out at all: then the venue has to say no.
    if min(wish, held) > largest and is_usable(largest) and (part := floor_to_step(largest, step)):
        return Size(part, f"cut to {show(part)}, the largest order of this market")
    if wish >= held:
        return Size(held)
    smallest = _smallest(instrument)
    quantity = floor_to_step(wish, step)
    if _is_dust(held - quantity, instrument, _price_of(view, named)):
        return Size(held, f"all of it: a rest of {show(held - quantity)} could not be sold")
    if quantity < smallest:
        unit = instrument.base
        why = f"found {show(wish)} {unit}, needed at least {show(smallest)} {unit}, or all of it"
        return _refuse(intent, RefusalCode.SIZE, why)
    return Size(quantity)


def too_small_to_leave(
    quantity: Decimal, stop: Decimal, view: RiskView, cost_reserve: Decimal
) -> str:
    """Say why what an entry buys could not be sold again at its stop, or nothing.

    A venue on paper sells whatever is held, and a swap may be left in any size.
    """
    account, instrument = view.account, view.instrument
    if account.is_paper or account.market_type is MarketType.SWAP or instrument is None:
        return ""
    # Of what is bought the venue may keep its fee.
    left = floor_to_step(quantity * (_ONE - cost_reserve), instrument.quantity_step)
    smallest, base, quote = _smallest(instrument), instrument.base, instrument.quote
    if left < smallest:
        found, needed = f"{show(left)} {base} to sell", f"{show(smallest)} {base}"
    elif left * stop < instrument.cost_min:
        found, needed = f"{show(left * stop)} {quote}", f"{show(instrument.cost_min)} {quote}"
    else:
        return ""
    return f"its stop would be too small: found {found}, needed at least {needed}"


def _refuse(intent: OrderIntent, code: RefusalCode, why: str) -> Refusal:
    return Refusal(code, f"{intent.symbol} on {intent.account}: {why}")


def _funds(intent: OrderIntent, view: RiskView) -> Funds | Refusal:
    equity = to_sane(view.equity)
    exposure = to_sane(view.exposure) if view.exposure else _ZERO
    if equity is None or equity <= 0:
        why = f"found an equity of {view.equity}, needed one above 0"
        return _refuse(intent, RefusalCode.EQUITY, why)
    reserved = view.reserved
    if exposure is None or not is_sane(view.cash) or (reserved and not is_sane(reserved)):
        why = (
            f"found cash {view.cash}, exposure {view.exposure}, reserved {reserved}, needed numbers"
        )
        return _refuse(intent, RefusalCode.EQUITY, why)
    # A sum that became negative by a mistake elsewhere must not make room.
    return Funds(equity, max(exposure, _ZERO), max(reserved, _ZERO), view.cash)


def _named_size(intent: OrderIntent) -> tuple[str, Decimal] | None:
    if intent.quantity is not None:
        return "quantity", intent.quantity
    if intent.amount is not None:
        return "amount", intent.amount
    if intent.equity_fraction is not None:
        return "equity_fraction", intent.equity_fraction
    return None


def _wish(
    intent: OrderIntent, equity: Decimal, price: Decimal, trade_amount: Decimal | None
) -> Decimal | Refusal:
    if intent.quantity is not None and is_usable(intent.quantity):
        return intent.quantity
    named = _named_size(intent)
    if named is None:
        if trade_amount is None:
            why = (
                "found no size, needed one with the order, or trade_amount_usd in the configuration"
            )
            return _refuse(intent, RefusalCode.SIZE, why)
        named = ("amount", trade_amount)
    name, size = named
    if not is_usable(size):
        why = f"{name}: found {size:.6g}, allowed a number from 1e-18 to 1e18"
        return _refuse(intent, RefusalCode.SIZE, why)
    return QUOTIENT.divide(size if name == "amount" else size * equity, price)


def _exit_wish(
    intent: OrderIntent, view: RiskView, named: NamedPrices, held: Decimal
) -> Decimal | Refusal:
    if intent.quantity is None and intent.amount is None and intent.equity_fraction is None:
        return held
    if intent.quantity is not None and is_usable(intent.quantity):
        return intent.quantity
    equity = to_sane(view.equity) or _ZERO
    if intent.quantity is None and intent.amount is None and equity <= 0:
        why = f"found an equity of {view.equity}, needed a quantity or nothing for all of it"
        return _refuse(intent, RefusalCode.SIZE, why)
    return _wish(intent, equity, _price_of(view, named), None)


def _price_of(view: RiskView, named: NamedPrices) -> Decimal:
    """Return a price to value an exit by: reducing works without a quote too."""
    own = named.limit or named.stop
    if own is not None:
        return own
    last = to_sane(view.price) if view.price is not None else None
    if last is not None and last > 0:
        return last
    return view.position.entry_price if view.position is not None else _ZERO


def _caps(
    view: RiskView,
    instrument: Instrument,
    unit: UnitPrices,
    funds: Funds,
    settings: RiskSettings,
) -> list[_Cap]:
    held, here = abs(view.held), _ZERO
    if held or view.open_orders:
        here = held * (to_sane(view.price or 0.0) or _ZERO) + reserve_of(view.open_orders)
    taken = funds.exposure + funds.reserved
    position_max = settings.max_position_fraction * funds.equity
    exposure_max = settings.max_exposure_fraction * funds.equity
    if view.account.market_type is MarketType.SPOT:
        money, cap = funds.cash - funds.reserved, "the cash that is left"
    else:
        money = funds.equity * view.account.leverage - taken
        cap = f"the leverage of {view.account.leverage}"
    caps = [
        (position_max - here, unit.worth, "max_position_pct"),
        (exposure_max - taken, unit.worth, "max_exposure_pct"),
        (money, unit.reserve, cap),
    ]
    if instrument.quantity_max and is_usable(instrument.quantity_max):
        # One order protects all of a position.
        entering = sum((one.remaining for one in view.open_orders if is_entry(one)), _ZERO)
        left = instrument.quantity_max - held - entering
        caps.append((left, _ONE, "the largest order of this market"))
    return caps


def _smallest(instrument: Instrument) -> Decimal:
    return max(instrument.quantity_step, instrument.quantity_min)


def _is_dust(rest: Decimal, instrument: Instrument, price: Decimal) -> bool:
    return rest > 0 and (rest < _smallest(instrument) or rest * price < instrument.cost_min)


def _too_small(
    quantity: Decimal,
    wish: Decimal,
    fitting: Decimal,
    instrument: Instrument,
    unit: UnitPrices,
    equity: Decimal,
) -> str:
    """Say what is found and needed when an entry is too small, or nothing."""
    base, quote = instrument.base, instrument.quote
    if quantity < instrument.quantity_step or quantity < instrument.quantity_min:
        smallest = _smallest(instrument)
        return f"found {show(fitting)} {base}, needed at least {show(smallest)} {base}"
    cost = quantity * unit.lowest
    if cost < instrument.cost_min:
        return f"found {show(cost)} {quote}, needed at least {show(instrument.cost_min)} {quote}"
    if fitting >= wish:
        return ""
    worth_min = CUT_FRACTION_MIN * equity
    if quantity * unit.worth < worth_min <= wish * unit.worth:
        found, needed = show(quantity * unit.worth), show(worth_min)
        return f"found room for {found} {quote}, needed at least {needed} {quote}"
    return ""
