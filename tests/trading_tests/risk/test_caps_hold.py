"""Whatever is asked for, in whatever world: no approved order exceeds a cap or is rounded up."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.risk.risk_makers import (
    BTC,
    SPOT,
    SWAP,
    D,
    make_intent,
    make_position,
    make_view,
    with_order,
)
from trading.model.instrument import Instrument
from trading.model.order import (
    ExitPlan,
    Order,
    OrderIntent,
    OrderType,
    Purpose,
    Side,
    TrailPlan,
)
from trading.risk.approval import ApprovedOrder
from trading.risk.gate import RiskGate
from trading.risk.settings import RiskSettings
from trading.risk.view import RiskView


def decimals(low: str, high: str, places: int = 4) -> st.SearchStrategy[Decimal]:
    """Draw money."""
    return st.decimals(D(low), D(high), places=places)


PRICES = decimals("0.5", "500", 2)
SIZES: st.SearchStrategy[dict[str, Decimal]] = st.one_of(
    st.fixed_dictionaries({"quantity": decimals("0.0001", "5000")}),
    st.fixed_dictionaries({"amount": decimals("0.01", "90000")}),
    st.fixed_dictionaries({"equity_fraction": decimals("0.001", "4")}),
    st.just({}),
)
INTENTS = st.builds(
    lambda side, size, kind, limit, stop: make_intent(
        side, type=kind, limit_price=limit, stop_price=stop, is_forced=True, **size
    ),
    st.sampled_from(Side),
    SIZES,
    st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT]),
    PRICES,
    PRICES,
)
SETTINGS = st.builds(
    RiskSettings,
    trade_amount=decimals("1", "5000"),
    max_position_fraction=decimals("0.01", "3", 3),
    max_exposure_fraction=decimals("0.01", "5", 3),
    cost_reserve_fraction=decimals("0", "0.05", 3),
)
INSTRUMENTS = st.builds(
    lambda price_step, step, smallest, cost, largest: replace(
        BTC,
        price_step=price_step,
        quantity_step=step,
        quantity_min=smallest,
        cost_min=cost,
        quantity_max=largest,
    ),
    st.sampled_from([D("0.01"), D("0.05"), D("0.25")]),
    st.sampled_from([D("0.0001"), D("0.003"), D(1)]),
    decimals("0", "1"),
    decimals("0", "20"),
    st.sampled_from([D(0), D(7)]),
)


@st.composite
def views(draw: st.DrawFn) -> RiskView:
    """Draw a world in which new risk is possible."""
    is_spot = draw(st.booleans())
    leverage = draw(decimals("1", "5", 1))
    price = float(draw(PRICES))
    held = draw(decimals("0" if is_spot else "-30", "30"))
    exposure = abs(float(held)) * price + float(draw(decimals("0", "3000")))
    return make_view(
        account=SPOT if is_spot else replace(SWAP, leverage=leverage),
        instrument=draw(INSTRUMENTS),
        position=make_position(str(held)) if held else None,
        cash=draw(decimals("-100", "20000")),
        equity=float(draw(decimals("1", "20000"))),
        exposure=exposure,
        reserved=draw(decimals("0", "2000")),
        price=price,
    )


@given(views(), st.lists(INTENTS, min_size=1, max_size=8), SETTINGS)
def test_no_series_of_approvals_exceeds_a_cap(
    view: RiskView, intents: list[OrderIntent], settings: RiskSettings
) -> None:
    gate = RiskGate(settings)
    for number, intent in enumerate(intents):
        answer = gate.review(intent, view, f"order{number}")
        if not isinstance(answer, ApprovedOrder):
            continue
        order = answer.order
        check_steps(order, intent, view.instrument)
        if order.reduce_only:
            assert order.side.sign * view.held < 0
            assert order.quantity <= abs(view.held)
        else:
            check_caps(order, view, settings)
            check_wish(order, intent, view, settings)
            check_stop(order, view)
            view = with_order(view, order)


def check_steps(order: Order, intent: OrderIntent, instrument: Instrument | None) -> None:
    """See that an order can be placed, and that nothing was rounded to a worse price."""
    assert instrument is not None
    if not order.reduce_only:
        assert order.quantity % instrument.quantity_step == 0
        assert order.quantity >= instrument.quantity_min
        assert not instrument.quantity_max or order.quantity <= instrument.quantity_max
    if order.limit_price is not None and intent.limit_price is not None:
        assert order.limit_price % instrument.price_step == 0
        assert (intent.limit_price - order.limit_price) * order.side.sign >= 0


def worth_of(order: Order, settings: RiskSettings) -> Fraction:
    """Return what an entry may be worth, from its reserve."""
    worth = Fraction(order.reserve_price)
    if order.type is not OrderType.MARKET:
        worth /= Fraction(1 + settings.cost_reserve_fraction)
    return worth * Fraction(order.quantity)


def check_caps(order: Order, view: RiskView, settings: RiskSettings) -> None:
    """See that an entry stays below every cap, computed in exact fractions."""
    worth, reserve = worth_of(order, settings), Fraction(order.reserve_price * order.quantity)
    equity, last = Fraction(repr(view.equity)), Fraction(repr(view.price))
    taken = Fraction(repr(view.exposure)) + Fraction(view.reserved)
    here = abs(Fraction(view.held)) * last
    here += sum(Fraction(each.remaining * each.reserve_price) for each in view.open_orders)
    assert here + worth <= Fraction(settings.max_position_fraction) * equity
    assert taken + worth <= Fraction(settings.max_exposure_fraction) * equity
    if view.account is SPOT:
        assert Fraction(view.reserved) + reserve <= Fraction(view.cash)
    else:
        assert taken + reserve <= equity * Fraction(view.account.leverage)
    own = [price for price in (order.limit_price, order.stop_price) if price is not None]
    if order.side is Side.SELL or order.limit_price is None:
        own.append(D(repr(view.price)))
    else:
        own = [order.limit_price]
    assert order.reserve_price >= max(own)


def check_wish(order: Order, intent: OrderIntent, view: RiskView, settings: RiskSettings) -> None:
    """See that nobody gets more than was asked for."""
    if intent.quantity is not None:
        assert order.quantity <= intent.quantity
    elif intent.amount is not None:
        assert worth_of(order, settings) <= Fraction(intent.amount)
    elif intent.equity_fraction is not None:
        wish = Fraction(intent.equity_fraction) * Fraction(repr(view.equity))
        assert worth_of(order, settings) <= wish
    else:
        assert settings.trade_amount is not None
        assert worth_of(order, settings) <= Fraction(settings.trade_amount)


def check_stop(order: Order, view: RiskView) -> None:
    """See that an entry is to be left somewhere."""
    plan = order.exit_plan
    assert plan is not None
    assert plan.stop_fraction is not None
    assert 0 < plan.stop_fraction < 1
    assert view.price is not None


NONSENSE = st.one_of(
    st.decimals(),
    st.sampled_from(
        [D(text) for text in ("NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "0", "-0", "-1")]
        + [D(text) for text in ("1E+999999", "1E-999999", "0E+999999", "9" * 300, "1E+19")]
    ),
    decimals("0.01", "1000"),
)
MAYBE = st.none() | NONSENSE
FLOATS = st.floats() | st.floats(1, 1000)


@st.composite
def nonsense_intents(draw: st.DrawFn) -> OrderIntent:
    """Draw a wish made of anything that fits its types."""
    plan = st.none() | st.builds(exit_plan, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE)
    return make_intent(
        draw(st.sampled_from(Side)),
        type=draw(st.sampled_from(OrderType)),
        quantity=draw(MAYBE),
        amount=draw(MAYBE),
        equity_fraction=draw(MAYBE),
        limit_price=draw(MAYBE),
        stop_price=draw(MAYBE),
        exit_plan=draw(plan),
        is_forced=draw(st.booleans()),
    )


def exit_plan(*parts: Decimal | None) -> Any:
    """Return a plan with a trailing stop when there is a number for it."""
    trail = None if parts[4] is None else TrailPlan(parts[4], parts[4])
    return ExitPlan(parts[0], parts[1], parts[2], parts[3], trail)


@st.composite
def nonsense_views(draw: st.DrawFn) -> RiskView:
    """Draw a world made of anything that fits its types."""
    held = draw(st.none() | decimals("-5", "5"))
    instrument = st.builds(
        Instrument, st.just("X"), st.just("B"), st.just("Q"), *[NONSENSE | st.just(D(1))] * 5
    )
    return make_view(
        account=replace(SWAP, leverage=draw(NONSENSE)),
        instrument=draw(st.none() | st.just(BTC) | instrument),
        position=make_position(str(held)) if held else None,
        cash=draw(NONSENSE),
        reserved=draw(NONSENSE),
        equity=draw(FLOATS),
        exposure=draw(FLOATS),
        price=draw(st.none() | FLOATS),
        quote_age_s=draw(FLOATS),
    )


@given(nonsense_intents(), nonsense_views(), MAYBE, NONSENSE)
def test_nonsense_is_refused_and_raises_nothing(
    intent: OrderIntent, view: RiskView, amount: Decimal | None, fraction: Decimal
) -> None:
    settings = RiskSettings(trade_amount=amount, max_position_fraction=fraction)
    with localcontext(rounding=ROUND_DOWN, prec=9):
        answer = RiskGate(settings).review(intent, view, "order1")
    if isinstance(answer, ApprovedOrder):
        order = answer.order
        assert order.quantity.is_finite()
        assert order.quantity > 0
        for price in (order.limit_price, order.stop_price):
            assert price is None or (price.is_finite() and price > 0)


WORDS = st.sampled_from(["", "a reason"])


@given(
    st.fixed_dictionaries(
        {
            "trading_on": st.booleans(),
            "is_paused": st.booleans(),
            "trading_allowed": st.booleans(),
            "buying_off": WORDS,
            "selling_off": WORDS,
            "barred": st.sampled_from([(), ("a limit",)]),
            "kill": WORDS,
            "trouble": WORDS,
        }
    ),
    nonsense_views(),
    decimals("-5", "5").filter(bool),
    st.sampled_from(Purpose),
)
def test_reducing_is_refused_by_nothing_that_forbids_risk(
    wrong: dict[str, Any], view: RiskView, held: Decimal, purpose: Purpose
) -> None:
    view = replace(view, position=make_position(str(held), instance="other"), **wrong)
    side = Side.SELL if held > 0 else Side.BUY
    intent = make_intent(side, purpose=purpose, is_forced=purpose is not Purpose.PROTECTION)
    answer = RiskGate(RiskSettings()).review(intent, view, "order1")
    assert isinstance(answer, ApprovedOrder)
    assert answer.order.reduce_only
    assert 0 < answer.order.quantity <= abs(held)
