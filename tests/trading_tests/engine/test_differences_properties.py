"""Whatever was traded, a venue that agrees shows no difference, and each real one is found.

The venue here keeps its own books, by other rules than the ledger: coins and money on spot, and
collateral with a mean entry price where positions are kept apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading_tests.engine.ledger_makers import BTC, BUY, ETH, SELL, Desk
from tests.trading_tests.engine.test_ledger_properties import FILLS, Execution, decimals
from trading.engine.differences import Believed, compare
from trading.model.difference import DifferenceKind, Topic
from trading.model.order import Order, OrderType, Purpose
from trading.model.order_states import OrderState
from trading.model.venue_news import AccountSeen, OpenOrderSeen, PositionSeen

EXACT = Context(prec=200)
START = Decimal(100_000_000_000)
INSTRUMENTS = {one.symbol: one for one in (BTC, ETH)}
D = Decimal


@dataclass
class SpotVenue:
    """Keep coins and money as an exchange does."""

    holdings: dict[str, Decimal] = field(default_factory=lambda: {"USDT": START})

    def take(self, one: Execution) -> None:
        self._add("USDT", -one.side.sign * D(one.quantity) * D(one.price))
        self._add(one.instrument.base, one.side.sign * D(one.quantity))
        self._add(one.instrument.base if one.is_fee_in_coins else "USDT", -D(one.cost))

    def _add(self, currency: str, amount: Decimal) -> None:
        self.holdings[currency] = self.holdings.get(currency, D(0)) + amount

    def shown(self, *orders: OpenOrderSeen, **more: Decimal) -> AccountSeen:
        held = dict(self.holdings)
        for currency, amount in more.items():
            held[currency] = held.get(currency, D(0)) + amount
        held = {name: total for name, total in held.items() if total}
        return AccountSeen("main", 0, orders, held, None, 1.0)


@dataclass
class SwapVenue:
    """Keep collateral and positions at their mean entry price, as an exchange does."""

    collateral: Decimal = START
    positions: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def take(self, one: Execution) -> None:
        symbol, price = one.instrument.symbol, D(one.price)
        quantity, entry = self.positions.get(symbol, (D(0), D(0)))
        moved = one.coins if one.is_fee_in_coins else one.side.sign * D(one.quantity)
        self.collateral -= D(one.cost) * (price if one.is_fee_in_coins else 1)
        after = quantity + moved
        if quantity * moved < 0:
            closed = min(abs(quantity), abs(moved)) * (1 if quantity > 0 else -1)
            self.collateral += closed * (price - entry)
            if after * quantity < 0:
                entry = price
        else:
            entry = (quantity * entry + moved * price) / after if after else D(0)
        self.positions[symbol] = (after, entry)

    def shown(self, **more: Decimal) -> AccountSeen:
        by_symbol = {f"{base}/USDT": amount for base, amount in more.items()}
        rows = [
            PositionSeen(symbol, quantity + by_symbol.get(symbol, D(0)), entry)
            for symbol in sorted(self.positions.keys() | by_symbol.keys())
            for quantity, entry in [self.positions.get(symbol, (D(0), D(100)))]
        ]
        rows = [one for one in rows if one.quantity]
        return AccountSeen("main", 0, (), {"USDT": self.collateral}, rows, 1.0)


def believe(
    desk: Desk, orders: Sequence[Order] = (), ignored: Mapping[Topic, Decimal] | None = None
) -> Believed:
    book = desk.book
    return Believed(
        "main",
        "USDT",
        book.cash,
        book.positions,
        orders,
        INSTRUMENTS,
        list(INSTRUMENTS),
        ignored=ignored or {},
    )


def trade(fills: Sequence[Execution], venue: SpotVenue | SwapVenue) -> Desk:
    desk = Desk(str(START))
    for one in fills:
        fee_currency = one.instrument.base if one.is_fee_in_coins else "USDT"
        desk.fill(
            one.side,
            one.quantity,
            one.price,
            fee=one.cost,
            fee_currency=fee_currency,
            instrument=one.instrument,
        )
        venue.take(one)
    return desk


EXECUTIONS = st.builds(
    Execution,
    st.sampled_from([BUY, SELL]),
    decimals("0.0001", "30", 8),
    decimals("0.01", "99999", 2),
    decimals("-0.5", "2", 6),
    st.booleans(),
    st.sampled_from([BTC, ETH]),
)
LONG_FILLS = st.lists(st.tuples(EXECUTIONS, st.decimals("0.1", "1", places=2)), max_size=12)
AMOUNTS = decimals("0.0001", "50", 4).map(Decimal)
SIGNS = st.sampled_from([1, -1])
QUICK = settings(max_examples=60)


def long_only(drawn: Sequence[tuple[Execution, Decimal]]) -> list[Execution]:
    """Turn what was drawn into fills of somebody who never sells more than there is."""
    held = {"BTC": D(0), "ETH": D(0)}
    fills = []
    for one, share in drawn:
        base = one.instrument.base
        if one.side is SELL:
            # What a fee in coins may take beside it is left.
            quantity = (held[base] * share / D("1.001")).quantize(D("1e-8"), "ROUND_DOWN")
            if quantity <= 0:
                continue
            fills.append(one._replace(quantity=f"{quantity:f}"))
        else:
            fills.append(one)
        held[base] += fills[-1].coins
    return fills


@QUICK
@given(LONG_FILLS)
def test_a_spot_account_that_agrees_shows_no_difference(
    drawn: Sequence[tuple[Execution, Decimal]],
) -> None:
    with localcontext(EXACT):
        venue = SpotVenue()
        desk = trade(long_only(drawn), venue)
        assert compare(believe(desk), venue.shown(), ()).found == []


@QUICK
@given(FILLS)
def test_longs_and_shorts_on_margin_that_agree_show_no_difference(fills: list[Execution]) -> None:
    with localcontext(EXACT):
        venue = SwapVenue()
        desk = trade(fills, venue)
        assert compare(believe(desk), venue.shown(), ()).found == []


@QUICK
@given(LONG_FILLS, AMOUNTS, SIGNS, st.sampled_from(["BTC", "ETH"]))
def test_coins_that_came_or_went_are_found_with_their_amount(
    drawn: Sequence[tuple[Execution, Decimal]], size: Decimal, sign: int, base: str
) -> None:
    with localcontext(EXACT):
        venue = SpotVenue()
        desk = trade(long_only(drawn), venue)
        (found,) = compare(believe(desk), venue.shown(**{base: sign * size}), ()).found
        assert found.topic == Topic(DifferenceKind.HOLDING, base)
        assert found.amount == sign * size
        assert found.is_missing is (sign < 0)


@QUICK
@given(LONG_FILLS, decimals("300000", "900000", 2).map(Decimal), SIGNS)
def test_money_that_came_or_went_is_found_with_its_amount(
    drawn: Sequence[tuple[Execution, Decimal]], size: Decimal, sign: int
) -> None:
    with localcontext(EXACT):
        venue = SpotVenue()
        desk = trade(long_only(drawn), venue)
        (found,) = compare(believe(desk), venue.shown(USDT=sign * size), ()).found
        assert found.topic == Topic(DifferenceKind.CASH, "USDT")
        assert (found.amount, found.symbol) == (sign * size, "")


@QUICK
@given(FILLS, AMOUNTS, SIGNS, st.sampled_from(["BTC", "ETH"]))
def test_a_position_that_is_another_one_is_found(
    fills: list[Execution], size: Decimal, sign: int, base: str
) -> None:
    with localcontext(EXACT):
        venue = SwapVenue()
        desk = trade(fills, venue)
        (found,) = compare(believe(desk), venue.shown(**{base: sign * size}), ()).found
        assert found.topic == Topic(DifferenceKind.POSITION, f"{base}/USDT")
        assert found.amount == sign * size


@QUICK
@given(LONG_FILLS, AMOUNTS, SIGNS)
def test_what_a_person_ignores_is_no_difference_until_it_changes(
    drawn: Sequence[tuple[Execution, Decimal]], size: Decimal, sign: int
) -> None:
    with localcontext(EXACT):
        venue = SpotVenue()
        desk = trade(long_only(drawn), venue)
        ignored = {Topic(DifferenceKind.HOLDING, "BTC"): sign * size}
        believed = believe(desk, ignored=ignored)
        assert compare(believed, venue.shown(BTC=sign * size), ()).found == []
        (found,) = compare(believed, venue.shown(BTC=sign * size + 1), ()).found
        assert found.amount == 1


@QUICK
@given(
    st.sampled_from([OrderState.NEW, OrderState.SENT, OrderState.UNKNOWN, OrderState.WORKING]),
    st.booleans(),
    AMOUNTS,
)
def test_a_market_with_something_on_its_way_is_not_compared_nor_is_cash(
    state: OrderState, is_cancelling: bool, size: Decimal
) -> None:
    order = Order(
        "o1",
        "main",
        BTC.symbol,
        BUY,
        OrderType.LIMIT,
        Purpose.ENTRY,
        D(1),
        0.0,
        state=state,
        is_cancelling=is_cancelling,
    )
    seen = SpotVenue().shown(BTC=size, ETH=size, USDT=D(1_000_000_000))
    comparison = compare(believe(Desk(str(START)), [order]), seen, ())
    topics = {one.topic.name for one in comparison.found}
    is_quiet = state is OrderState.WORKING and not is_cancelling
    assert topics == ({"BTC", "ETH", "USDT"} if is_quiet else {"ETH"})
    cash, coins = Topic(DifferenceKind.CASH, "USDT"), Topic(DifferenceKind.HOLDING, "BTC")
    assert comparison.is_sure_of(cash, "") is is_quiet
    assert comparison.is_sure_of(coins, BTC.symbol) is is_quiet


def seen_order(order_id: str, venue_id: str) -> OpenOrderSeen:
    return OpenOrderSeen(
        order_id, venue_id, BTC.symbol, BUY, OrderType.LIMIT, D(1), D(0), D(90), None, False, 1.0
    )


@QUICK
@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_exactly_the_orders_that_we_do_not_know_are_found(
    known: set[int], there: set[int], ignored: set[int]
) -> None:
    orders = [
        Order(f"o{one}", "main", BTC.symbol, BUY, OrderType.LIMIT, Purpose.ENTRY, D(1), 0.0,
              state=OrderState.WORKING, venue_id=f"v{one}")
        for one in sorted(known)
    ]  # fmt: skip
    # Every other one is shown without our id, as some venues do.
    shown = [seen_order(f"o{one}" if one % 2 else "", f"v{one}") for one in sorted(there)]
    silence = {Topic(DifferenceKind.ORDER, f"v{one}"): D(0) for one in ignored}
    believed = believe(Desk(str(START)), orders, silence)
    ours = {"o1", "o3"}
    found = compare(believed, SpotVenue().shown(*shown), ours).found
    assert [one.topic.name for one in found] == [f"v{n}" for n in sorted(there - known - ignored)]
    assert all(
        one.is_ours is (one.order is not None and one.order.order_id in ours) for one in found
    )
