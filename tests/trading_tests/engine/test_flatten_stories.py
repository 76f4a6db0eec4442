"""Stories of /flatten: one act to its verified end, joined by others, carried over restarts."""

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, ETH, make_account, make_account_setup, play
from trading.model.account import MarketType
from trading.model.order import Purpose
from trading.strategies.context import StrategyContext

APPLIED, ACCEPTED = ReplyState.APPLIED, ReplyState.ACCEPTED


def rest_below(context: StrategyContext, _event: object) -> None:
    if not context.get_orders():
        context.place_order("buy", 1, type="limit", limit_price=10)


def busy_floor() -> Floor:
    """Return a floor with a position in one market and a resting entry in the other."""
    floor = Floor(play(rest_below, symbol=ETH))
    floor.tick(20.0, ETH)
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.tick(100.0)
    return floor


def test_flatten_cancels_closes_verifies_and_answers_when_it_is_done() -> None:
    floor = busy_floor()
    answer = floor.do("flatten", command_id="f1")
    assert answer.state is ACCEPTED
    assert "closing 1 position" in answer.text
    assert "cancelling 2 orders" in answer.text
    assert not floor.orders(ETH)
    assert floor.order().purpose is Purpose.EXIT
    floor.tick(99.0)
    state, text = floor.said("f1")
    assert state is APPLIED
    assert text.startswith("flat: 1 position")
    assert "2 orders cancelled" in text
    assert "entries are off until /resume" in text
    floor.ticks(20.0, 20.0, symbol=ETH)
    assert not floor.orders(ETH), "no entry until somebody resumes"
    floor.do("resume")
    floor.tick(20.0, ETH)
    assert floor.orders(ETH)


def test_flatten_of_what_is_flat_is_done_at_once() -> None:
    floor = Floor()
    assert floor.do("flatten").text.startswith("flat: ")
    assert floor.do("flatten").state is APPLIED


def test_a_flatten_needs_no_confirmation_to_reduce() -> None:
    floor = busy_floor()
    assert floor.do("flatten", confirmed=False).state is ACCEPTED


def test_a_second_flatten_joins_the_first_and_both_hear_of_the_same_act() -> None:
    floor = busy_floor()
    first = floor.do("flatten", command_id="f1")
    again = floor.do("flatten", command_id="f2")
    repeated = floor.do("flatten", command_id="f1")
    assert first == again
    assert repeated == (ACCEPTED, "still under way")
    sent = len(floor.memory.orders)
    floor.tick(99.0)
    assert floor.said("f1") == floor.said("f2")
    assert floor.said("f1").state is APPLIED
    assert len(floor.memory.orders) == sent, "nothing was sent twice"
    assert len(floor.trades) == 1


def test_flatten_goes_on_after_a_restart_in_the_middle_and_answers_then() -> None:
    floor = busy_floor()
    floor.do("flatten", command_id="f1")
    orders = len(floor.memory.orders)
    floor.restart()
    assert floor.said("f1").state is ACCEPTED
    assert len(floor.memory.orders) == orders, "the exit that is under way is the one"
    floor.tick(99.0)
    assert floor.said("f1").state is APPLIED
    assert len(floor.trades) == 1
    floor.restart()
    assert not floor.trader.flattening.waiting


def test_flatten_of_one_account_leaves_the_other_alone() -> None:
    second = make_account("second", MarketType.MARGIN)
    floor = Floor(accounts=[make_account_setup(), make_account_setup(second)])
    floor.tick(100.0)
    for account in ("main", "second"):
        floor.do("buy", BTC, "1", account=account)
    floor.tick(100.0)
    floor.do("flatten", account="second", command_id="f1")
    floor.tick(100.0)
    assert floor.said("f1").state is APPLIED
    assert floor.held() is not None
    assert floor.held(account="second") is None


def test_twenty_positions_and_thirty_orders_are_flattened_once_though_tapped_ten_times() -> None:
    symbols = [f"S{number:02}/USDT" for number in range(30)]
    instances = [play(rest_below, f"i{one}", symbol=one) for one in symbols]
    accounts = [make_account_setup(symbols=symbols, cash="100000")]
    floor = Floor(*instances, accounts=accounts)
    for symbol in symbols:
        floor.tick(100.0, symbol, after_s=0.01)
    for symbol in symbols[:20]:
        assert floor.do("buy", symbol, "1").state is APPLIED
    for symbol in symbols[:20]:
        floor.tick(100.0, symbol, after_s=0.01)
    assert len(floor.memory.positions) == 20
    for tap in range(10):
        floor.do("flatten", command_id=f"f{tap}")
        if tap == 5:
            floor.restart()
    for symbol in symbols:
        floor.tick(99.0, symbol, after_s=0.01)
    assert {floor.said(f"f{tap}").state for tap in range(10)} == {APPLIED}
    assert not floor.memory.positions
    assert len(floor.trades) == 20
    assert {one.quantity for one in floor.trades} == {D(1)}


def test_nothing_is_opened_while_a_flatten_is_under_way_whoever_asks() -> None:
    floor = busy_floor()
    floor.do("flatten", command_id="f1")
    floor.do("resume")
    refused = floor.do("buy", BTC, "1")
    assert refused.state is ReplyState.REJECTED
    assert "flatten" in refused.text
    floor.tick(20.0, ETH)
    assert not floor.orders(ETH)
    floor.restart()
    floor.tick(20.0, ETH)
    assert not floor.orders(ETH), "nor after a restart in the middle"
    floor.tick(99.0)
    assert floor.said("f1").state is APPLIED
    assert floor.do("buy", BTC, "1").state is APPLIED


def test_flatten_of_resting_entries_alone_is_done_at_once() -> None:
    floor = Floor(play(rest_below, symbol=ETH))
    floor.tick(20.0, ETH)
    assert floor.orders(ETH)
    answer = floor.do("flatten")
    assert answer.state is APPLIED
    assert "1 order cancelled" in answer.text
