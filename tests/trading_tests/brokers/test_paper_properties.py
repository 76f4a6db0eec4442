"""What holds at the paper exchange on any tape."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.brokers.paper_desk import BTC, SPOT, SWAP, Desk, make_desk
from tests.trading_tests.brokers.paper_tapes import Step, tapes, terms
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account
from trading.model.order import OrderType, Side
from trading.model.order_states import ENDED
from trading.model.report import OrderFilled, OrderTriggered

accounts = st.sampled_from([SPOT, SWAP])


def start(account: Account, paper_terms: PaperTerms) -> Desk:
    """Begin with money for a few orders and some coins."""
    return make_desk(account, paper_terms, cash=500, btc="2.5", eth=3)


@given(accounts, terms(), tapes())
def test_cash_and_holdings_are_what_the_fills_say_to_the_last_digit(
    account: Account, paper_terms: PaperTerms, tape: list[Step]
) -> None:
    desk = start(account, paper_terms)
    for step in tape:
        step.do(desk)
        assert desk.exchange.cash == desk.cash
        assert desk.exchange.holdings == desk.holdings


@given(terms(), tapes())
def test_without_borrowing_nothing_is_ever_negative(
    paper_terms: PaperTerms, tape: list[Step]
) -> None:
    desk = start(SPOT, paper_terms)
    for step in tape:
        step.do(desk)
        assert desk.cash >= 0
        assert all(held > 0 for held in desk.holdings.values())


@given(accounts, terms(), tapes())
def test_no_order_is_filled_beyond_its_quantity_or_its_limit_or_after_its_end(
    account: Account, paper_terms: PaperTerms, tape: list[Step]
) -> None:
    # That reducing never flips, and that nothing happens to an ended order, the desk sees to.
    desk = start(account, paper_terms)
    for step in tape:
        step.do(desk)
    for order in desk.orders.values():
        assert order.filled <= order.quantity
    for fill in desk.fills:
        order = desk.orders[fill.order_id]
        if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            assert order.limit_price is not None
            assert (order.limit_price - fill.price) * order.side.sign >= 0
    assert len({fill.fill_id for fill in desk.fills}) == len(desk.fills)


@given(accounts, terms(), tapes())
def test_a_market_is_busy_exactly_while_it_has_working_orders(
    account: Account, paper_terms: PaperTerms, tape: list[Step]
) -> None:
    desk = start(account, paper_terms)
    for step in tape:
        step.do(desk)
        working = [order for order in desk.orders.values() if order.state not in ENDED]
        assert desk.exchange.busy == {order.symbol for order in working}


@given(accounts, terms(), tapes(symbols=(BTC,)))
def test_the_legs_of_a_bracket_never_both_fill_what_one_has_filled(
    account: Account, paper_terms: PaperTerms, tape: list[Step]
) -> None:
    desk = start(account, paper_terms)
    desk.place(Side.SELL, OrderType.BRACKET, 2, limit_price=105, stop_price=95, reduce_only=True)
    for step in tape:
        step.do(desk)
    of_bracket = [report for report in desk.reports if report.order_id == "o1"]
    fills = [report for report in of_bracket if isinstance(report, OrderFilled)]
    assert desk.orders["o1"].filled == sum(report.fill.quantity for report in fills) <= 2
    if paper_terms.volume_share is None:
        assert len(fills) <= 1
    for before, after in pairwise(of_bracket):
        if isinstance(before, OrderTriggered) and isinstance(after, OrderFilled):
            assert not after.fill.is_maker


@given(accounts, terms(), tapes())
def test_the_same_tape_gives_the_same_reports(
    account: Account, paper_terms: PaperTerms, tape: list[Step]
) -> None:
    once, again = start(account, paper_terms), start(account, paper_terms)
    for step in tape:
        step.do(once)
        step.do(again)
    assert once.reports == again.reports


def run_with_restarts(
    account: Account, paper_terms: PaperTerms, tape: list[Step], every: int
) -> None:
    """Run a tape with and without restarts; both must tell the same."""
    steady, restarted = start(account, paper_terms), start(account, paper_terms)
    for index, step in enumerate(tape):
        step.do(steady)
        step.do(restarted)
        if index % every == 0:
            restarted.restart()
        assert restarted.reports == steady.reports
    assert restarted.cash == steady.cash


@given(accounts, terms(has_share=False), tapes(symbols=(BTC,)), st.integers(1, 5))
def test_a_restart_at_any_point_changes_nothing_that_follows(
    account: Account, paper_terms: PaperTerms, tape: list[Step], every: int
) -> None:
    run_with_restarts(account, paper_terms, tape, every)


@given(
    accounts,
    terms(has_share=True),
    tapes(symbols=(BTC,), has_candles=False),
    st.integers(1, 5),
)
def test_a_restart_between_partial_fills_changes_nothing_that_follows(
    account: Account, paper_terms: PaperTerms, tape: list[Step], every: int
) -> None:
    run_with_restarts(account, paper_terms, tape, every)
