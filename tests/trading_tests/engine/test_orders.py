"""Orders: every report moves one along the table, each fill counts once, strange ones raise."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.makers import BTC, ETH, NOW, of_kind
from trading.engine.effects import SaveOrder
from trading.engine.journal import Journal
from trading.engine.orders import ENDED_KEPT_MAX, OrderChange, OrderDesk, moved
from trading.errors import IllegalTransitionError
from trading.model.account import MarketKey
from trading.model.order import Fill, Order, OrderType, Purpose, Side
from trading.model.order_states import ENDED, TRANSITIONS, OrderState, OrderTrigger, advance_order
from trading.model.report import (
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderLost,
    OrderRejected,
    OrderTriggered,
    Report,
)

D = Decimal


def make_order(order_id: str = "o1", *, symbol: str = BTC, quantity: str = "2") -> Order:
    return Order(
        id=order_id,
        account="main",
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.MARKET,
        purpose=Purpose.ENTRY,
        quantity=D(quantity),
        created_at=NOW,
    )


def make_fill(fill_id: str = "f1", *, order_id: str = "o1", quantity: str = "1") -> OrderFilled:
    fee = D("0.1")
    return OrderFilled(
        Fill(fill_id, "main", order_id, BTC, Side.BUY, D(quantity), D(100), fee, "USDT", NOW + 2)
    )


def sent_desk(*, fill_ids: tuple[tuple[str, str], ...] = ()) -> OrderDesk:
    desk = OrderDesk(Journal(), fill_ids=fill_ids)
    desk.add(moved(make_order(), OrderTrigger.SEND, NOW))
    return desk


def order_of(desk: OrderDesk, order_id: str = "o1") -> Order:
    order = desk.get(order_id)
    assert order is not None
    return order


def applied(desk: OrderDesk, report: Report) -> OrderChange:
    change = desk.apply(report)
    assert change is not None
    return change


@pytest.mark.parametrize(
    ("fee", "currency", "worth", "cost"),
    [
        ("0.001", "BTC", None, "0.1"),
        ("0.01", "BNB", "3", "3"),
        ("0.01", "BNB", None, "0"),
        ("0.2", "", None, "0.2"),
    ],
)
def test_the_fees_of_an_order_are_summed_up_in_the_quote_currency(
    fee: str, currency: str, worth: str | None, cost: str
) -> None:
    desk = sent_desk()
    known = None if worth is None else D(worth)
    fill = replace(make_fill().fill, fee=D(fee), fee_currency=currency, fee_worth=known)
    assert applied(desk, OrderFilled(fill)).after.fees == D(cost)


def test_an_order_goes_from_sent_to_filled_and_sums_up_its_fills() -> None:
    desk = sent_desk()
    assert applied(desk, OrderAccepted("main", "o1", "v1", NOW + 1)).after.state is (
        OrderState.WORKING
    )
    assert applied(desk, make_fill("f1")).after.state is OrderState.PARTIAL
    change = applied(desk, make_fill("f2"))
    assert change.before.state is OrderState.PARTIAL
    after = change.after
    assert after.state is OrderState.FILLED
    assert (after.filled, after.cost, after.fees) == (D(2), D(200), D("0.2"))
    assert (after.venue_id, after.accepted_at) == ("v1", NOW + 1)
    assert after.average_price == D(100)
    assert not desk.open_orders()


def test_a_fill_that_comes_again_counts_once() -> None:
    desk = sent_desk()
    applied(desk, make_fill())
    assert desk.apply(make_fill()) is None
    assert order_of(desk).filled == D(1)


def test_a_fill_that_was_counted_before_a_restart_counts_no_more() -> None:
    desk = sent_desk(fill_ids=(("main", "f1"),))
    assert desk.apply(make_fill()) is None


def test_a_fill_that_comes_after_the_cancel_counts_and_leaves_it_cancelled() -> None:
    desk = sent_desk()
    applied(desk, OrderCancelled("main", "o1", "asked", NOW))
    assert applied(desk, make_fill("f1")).after.state is OrderState.CANCELLED
    assert applied(desk, make_fill("f2")).after.state is OrderState.FILLED
    assert not desk.open_orders()


def test_a_fill_on_a_refused_order_makes_it_unknown_and_open_again() -> None:
    desk = sent_desk()
    applied(desk, OrderRejected("main", "o1", "no money", NOW))
    assert not desk.open_orders()
    assert applied(desk, make_fill()).after.state is OrderState.UNKNOWN
    assert [one.id for one in desk.open_orders()] == ["o1"]


def test_more_than_was_ordered_is_held_all_the_same() -> None:
    desk = sent_desk()
    applied(desk, make_fill("f1", quantity="2"))
    after = applied(desk, make_fill("f2", quantity="1")).after
    assert (after.state, after.filled) == (OrderState.FILLED, D(3))


def test_reports_about_orders_that_are_not_ours_are_passed_over() -> None:
    desk = sent_desk()
    assert desk.apply(OrderAccepted("main", "nobody's", "v", NOW)) is None
    assert desk.apply(OrderAccepted("other", "o1", "v", NOW)) is None


def test_a_second_goodbye_says_nothing_new() -> None:
    desk = sent_desk()
    applied(desk, OrderCancelled("main", "o1", "asked", NOW))
    for report in (
        OrderCancelled("main", "o1", "again", NOW),
        OrderRejected("main", "o1", "late", NOW),
        OrderExpired("main", "o1", NOW),
        OrderAccepted("main", "o1", "late", NOW),
    ):
        assert desk.apply(report) is None
    assert order_of(desk).note == "asked"


def test_a_report_that_cannot_be_raises_and_changes_nothing() -> None:
    desk = OrderDesk(Journal())
    desk.add(make_order())
    with pytest.raises(IllegalTransitionError):
        desk.apply(OrderAccepted("main", "o1", "v", NOW))
    assert order_of(desk) == make_order()


def test_a_lost_order_is_unknown_until_somebody_finds_it() -> None:
    desk = sent_desk()
    assert applied(desk, OrderLost("main", "o1", "timeout", NOW)).after.state is OrderState.UNKNOWN
    assert desk.open_orders()
    found = applied(desk, OrderAccepted("main", "o1", "v9", NOW + 1)).after
    assert (found.state, found.venue_id) == (OrderState.WORKING, "v9")


def test_a_stop_that_was_reached_is_noted() -> None:
    desk = sent_desk()
    applied(desk, OrderAccepted("main", "o1", "v", NOW))
    assert applied(desk, OrderTriggered("main", "o1", NOW)).after.is_triggered


def test_an_id_is_taken_up_once() -> None:
    desk = sent_desk()
    with pytest.raises(IllegalTransitionError):
        desk.add(make_order())
    applied(desk, OrderCancelled("main", "o1", "asked", NOW))
    with pytest.raises(IllegalTransitionError):
        desk.add(make_order())


def test_open_orders_are_found_by_market_and_by_account_oldest_first() -> None:
    desk = OrderDesk(Journal())
    for number, symbol in enumerate((BTC, ETH, BTC)):
        desk.add(make_order(f"o{number}", symbol=symbol))
    assert [one.id for one in desk.open_orders(MarketKey("main", BTC))] == ["o0", "o2"]
    assert [one.id for one in desk.open_orders()] == ["o0", "o1", "o2"]
    assert len(desk.open_of_account("main")) == 3
    assert not desk.open_of_account("other")
    assert desk.has_open


def test_ended_orders_are_remembered_for_a_while_and_not_for_ever() -> None:
    ended = replace(make_order(), state=OrderState.FILLED, filled=D(2))
    desk = OrderDesk(
        Journal(), [replace(ended, id=f"o{number}") for number in range(ENDED_KEPT_MAX + 1)]
    )
    assert desk.get("o0") is None
    assert desk.get(f"o{ENDED_KEPT_MAX}") is not None


def test_every_change_is_kept_once_as_it_ended() -> None:
    journal = Journal()
    desk = OrderDesk(journal)
    desk.add(moved(make_order(), OrderTrigger.SEND, NOW))
    desk.note_cancelling(order_of(desk), NOW + 1)
    (kept,) = of_kind(journal.take(), SaveOrder)
    assert kept.order == order_of(desk)
    assert kept.order.is_cancelling
    assert not journal.take()


@given(st.lists(st.sampled_from(OrderTrigger), max_size=30))
def test_any_sequence_of_triggers_keeps_to_the_table(triggers: list[OrderTrigger]) -> None:
    state = OrderState.NEW
    for trigger in triggers:
        if (state, trigger) in TRANSITIONS:
            following = advance_order(state, trigger)
            if state in ENDED and following not in ENDED:
                assert (state, following) == (OrderState.REJECTED, OrderState.UNKNOWN)
            state = following
        else:
            with pytest.raises(IllegalTransitionError):
                advance_order(state, trigger)


reports = st.one_of(
    st.builds(OrderAccepted, st.just("main"), st.just("o1"), st.just("v"), st.just(NOW)),
    st.builds(OrderRejected, st.just("main"), st.just("o1"), st.just("no"), st.just(NOW)),
    st.builds(OrderCancelled, st.just("main"), st.just("o1"), st.just("gone"), st.just(NOW)),
    st.builds(OrderExpired, st.just("main"), st.just("o1"), st.just(NOW)),
    st.builds(OrderLost, st.just("main"), st.just("o1"), st.just("?"), st.just(NOW)),
    st.builds(
        make_fill,
        st.sampled_from(["f1", "f2", "f3"]),
        quantity=st.sampled_from(["0.5", "1", "2"]),
    ),
)


@given(st.lists(reports, max_size=20))
def test_any_sequence_of_reports_counts_each_fill_once(given_reports: list[Report]) -> None:
    desk, counted = sent_desk(), dict[str, Decimal]()
    for report in given_reports:
        if isinstance(report, OrderFilled):
            counted.setdefault(report.fill.fill_id, report.fill.quantity)
        desk.apply(report)
        order = order_of(desk)
        assert order.filled == sum(counted.values(), D(0))
        assert bool(desk.open_orders()) is (order.state not in ENDED)
