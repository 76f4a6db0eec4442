"""The ledger: what fills make of cash, positions and trades."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading_tests.engine.ledger_makers import BTC, BUY, ETH, PLAN, SELL, Desk
from trading.engine.ledger import AccountBook, profit_at
from trading.model.order import ExitPlan, Purpose, Side, TrailPlan


def test_a_buy_turns_cash_into_a_position() -> None:
    desk = Desk()
    change = desk.fill(BUY, "0.5", "20000", fee="10", instance="ema", plan=PLAN, at=7.0)
    held = change.position
    assert held is not None
    assert (held.quantity, held.entry_price, held.fees) == (
        Decimal("0.5"),
        Decimal(20000),
        Decimal(10),
    )
    assert (held.instance, held.opened_at) == ("ema", 7.0)
    assert change.cash == desk.book.cash == Decimal(-10)
    assert change.trade is None
    assert desk.book.positions == {"BTC/USDT": held}


def test_selling_all_gives_a_trade_net_of_all_fees() -> None:
    desk = Desk()
    desk.fill(BUY, "2", "100", fee="0.2", at=10.0)
    change = desk.fill(SELL, "2", "110", fee="0.22", reason="target", at=70.0)
    assert change.position is None
    assert desk.book.positions == {}
    trade = change.trade
    assert trade is not None
    assert (trade.gross, trade.fees, trade.profit) == (
        Decimal(20),
        Decimal("0.42"),
        Decimal("19.58"),
    )
    assert (trade.entry_price, trade.exit_price, trade.quantity) == (
        Decimal(100),
        Decimal(110),
        Decimal(2),
    )
    assert (trade.side, trade.opened_at, trade.closed_at) == (BUY, 10.0, 70.0)
    assert trade.reason == "target"
    assert desk.book.cash == 10_000 + trade.profit


def test_a_short_earns_when_the_price_falls() -> None:
    desk = Desk()
    opened = desk.fill(SELL, "2", "100", fee="0.2").position
    assert opened is not None
    assert (opened.side, opened.quantity) == (SELL, Decimal(-2))
    trade = desk.fill(BUY, "2", "90", fee="0.18").trade
    assert trade is not None
    assert (trade.side, trade.profit) == (SELL, Decimal("19.62"))


def test_adding_moves_the_mean_price() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    held = desk.fill(BUY, "3", "120").position
    assert held is not None
    assert (held.quantity, held.entry_price) == (Decimal(4), Decimal(115))


def test_a_partial_exit_realises_its_part_and_keeps_the_mean_price() -> None:
    desk = Desk()
    desk.fill(BUY, "4", "100", fee="0.4")
    change = desk.fill(SELL, "1", "130", fee="0.13")
    held = change.position
    assert held is not None
    assert change.trade is None
    assert change.realised == held.realised == Decimal(30)
    assert (held.quantity, held.entry_price, held.fees) == (
        Decimal(3),
        Decimal(100),
        Decimal("0.53"),
    )
    last = desk.fill(SELL, "3", "90")
    assert last.realised == Decimal(-30)
    assert last.trade is not None
    assert last.trade.profit == Decimal("-0.53")
    assert last.trade.exit_price == 100


def test_a_fill_through_zero_closes_one_trade_and_opens_the_next() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100", fee="0.1", instance="a")
    change = desk.fill(SELL, "3", "110", fee="0.33", instance="b", plan=PLAN, at=9.0)
    trade, held = change.trade, change.position
    assert trade is not None
    assert held is not None
    assert (trade.number, trade.instance, trade.profit) == (1, "a", Decimal("9.79"))
    assert (held.instance, held.quantity) == ("b", Decimal(-2))
    assert (held.fees, held.entry_price, held.opened_at) == (Decimal("0.22"), Decimal(110), 9.0)
    assert (held.stop_price, held.target_price) == (Decimal("115.5"), Decimal(99))


def test_a_fee_in_coins_makes_the_holding_smaller_and_is_worth_its_price() -> None:
    desk = Desk("1000")
    held = desk.fill(BUY, "1", "100", fee="0.001", fee_currency="BTC").position
    assert held is not None
    assert (held.quantity, held.entry_price, held.fees) == (
        Decimal("0.999"),
        Decimal(100),
        Decimal("0.1"),
    )
    assert desk.book.cash == 900
    trade = desk.fill(SELL, "0.999", "100").trade
    assert trade is not None
    assert trade.profit == Decimal("-0.1")
    assert desk.book.cash == Decimal("999.9")


def test_a_fee_in_a_third_currency_touches_neither_cash_nor_holding() -> None:
    desk = Desk("1000")
    held = desk.fill(BUY, "1", "100", fee="0.01", fee_currency="BNB").position
    assert held is not None
    assert (held.quantity, held.fees, desk.book.cash) == (Decimal(1), Decimal(0), Decimal(900))


def test_the_worth_of_a_fee_in_a_third_currency_lowers_the_profit_and_not_the_cash() -> None:
    desk = Desk("1000")
    desk.fill(BUY, "1", "100", fee="0.01", fee_currency="BNB", fee_worth="0.08")
    trade = desk.fill(SELL, "1", "110", fee="0.01", fee_currency="BNB", fee_worth="0.09").trade
    assert trade is not None
    assert (trade.gross, trade.fees) == (Decimal(10), Decimal("0.17"))
    assert trade.profit == Decimal("9.83")
    assert desk.book.cash == 1_010


def test_a_rebate_is_a_gain() -> None:
    desk = Desk("1000")
    desk.fill(BUY, "1", "100", fee="-0.01")
    assert desk.book.cash == Decimal("900.01")


def test_the_reason_of_a_trade_is_the_closing_orders_or_why_it_was_closing() -> None:
    desk = Desk()
    held = desk.fill(BUY, "1", "100", reason="crossed").position
    assert held is not None
    desk.book.keep(replace(held, closing="trailing stop"))
    trade = desk.fill(SELL, "1", "100").trade
    assert trade is not None
    assert trade.reason == "trailing stop"


def test_numbers_of_trades_are_shared_by_books_and_follow_the_closings() -> None:
    desk = Desk()
    mine = desk.book
    other = AccountBook(desk.book.account, Decimal(0), (), lambda: next(desk.numbers))
    desk.fill(BUY, "1", "100")
    desk.book = other
    desk.fill(BUY, "1", "100")
    first = desk.fill(SELL, "1", "110").trade
    desk.book = mine
    second = desk.fill(SELL, "1", "110").trade
    assert [one.number for one in (first, second) if one] == [1, 2]


def test_only_the_exits_of_a_position_are_taken_over() -> None:
    desk = Desk()
    held = desk.fill(BUY, "1", "100").position
    assert held is not None
    desk.book.keep(replace(held, stop_price=Decimal(95)))
    assert desk.book.positions["BTC/USDT"].stop_price == 95
    with pytest.raises(ValueError, match="holds 1, not 2"):
        desk.book.keep(replace(held, quantity=Decimal(2)))
    with pytest.raises(ValueError, match="ETH/USDT: holds none"):
        desk.book.keep(replace(held, symbol="ETH/USDT"))


def test_a_fill_that_cannot_be_booked_changes_nothing() -> None:
    desk = Desk()
    stepless = replace(BTC, price_step=Decimal(0))
    with pytest.raises(ValueError, match="step"):
        desk.fill(BUY, "1", "100", plan=PLAN, instrument=stepless)
    assert (desk.book.cash, desk.book.positions) == (Decimal(10_000), {})
    desk.fill(BUY, "1", "100")
    trade = desk.fill(SELL, "1", "100").trade
    assert trade is not None
    assert trade.number == 1


def test_marks_value_positions_as_prices_move() -> None:
    desk = Desk("1000")
    desk.fill(BUY, "2", "100", fee="0.5")
    desk.fill(SELL, "1", "50", instrument=ETH)
    book = desk.book
    assert book.equity() == pytest.approx(999.5)
    book.mark("BTC/USDT", 110.0)
    book.mark("ETH/USDT", 60.0)
    book.mark("LTC/USDT", 7.0)
    assert book.equity() == pytest.approx(1_009.5)
    assert book.exposure() == pytest.approx(280.0)
    assert (book.value("BTC/USDT"), book.value("ETH/USDT")) == (220.0, -60.0)
    assert (book.unrealised("BTC/USDT"), book.unrealised("ETH/USDT")) == (20.0, -10.0)
    assert book.open_profit("BTC/USDT") == pytest.approx(19.5)


def test_a_market_without_a_position_is_worth_nothing() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    desk.fill(SELL, "1", "120")
    desk.book.mark("BTC/USDT", 500.0)
    figures = [desk.book.value, desk.book.unrealised, desk.book.open_profit]
    assert [figure("BTC/USDT") for figure in figures] == [0.0, 0.0, 0.0]
    assert (desk.book.exposure(), desk.book.equity()) == (0.0, 10_020.0)


def test_a_book_goes_on_with_restored_positions() -> None:
    desk = Desk()
    held = desk.fill(BUY, "2", "100", fee="1").position
    assert held is not None
    again = AccountBook(desk.book.account, desk.book.cash, [held], lambda: next(desk.numbers))
    assert again.equity() == pytest.approx(desk.book.equity())
    desk.book = again
    trade = desk.fill(SELL, "2", "101").trade
    assert trade is not None
    assert (trade.number, trade.profit) == (1, Decimal(1))


def test_what_an_open_trade_earns_at_a_price_is_exact() -> None:
    desk = Desk()
    desk.fill(BUY, "3", "100", fee="0.1")
    held = desk.fill(SELL, "1", "120", fee="0.2").position
    assert held is not None
    assert profit_at(held, Decimal(130)) == Decimal("79.7")


@pytest.mark.parametrize(
    ("side", "stop", "target"), [(BUY, "95.04", "110.03"), (SELL, "105.03", "90.04")]
)
def test_exits_by_fraction_are_rounded_towards_the_entry(
    side: Side, stop: str, target: str
) -> None:
    held = Desk().fill(side, "1", "100.035", plan=PLAN).position
    assert held is not None
    assert (held.stop_price, held.target_price) == (Decimal(stop), Decimal(target))


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_step_wider_than_the_distance_keeps_exits_on_their_side(side: Side) -> None:
    coarse = replace(BTC, price_step=Decimal(10))
    narrow = ExitPlan(stop_fraction=Decimal("0.001"), target_fraction=Decimal("0.001"))
    held = Desk().fill(side, "1", "104", plan=narrow, instrument=coarse).position
    assert held is not None
    below, above = Decimal(100), Decimal(110)
    expected = (below, above) if side is BUY else (above, below)
    assert (held.stop_price, held.target_price) == expected


def test_exits_below_zero_are_none() -> None:
    whole = ExitPlan(stop_fraction=Decimal(1), target_fraction=Decimal(1))
    bought, sold = (Desk().fill(side, "1", "100", plan=whole).position for side in (BUY, SELL))
    assert bought is not None
    assert sold is not None
    assert (bought.stop_price, bought.target_price) == (None, Decimal(200))
    assert (sold.stop_price, sold.target_price) == (Decimal(200), None)


def test_prices_given_win_over_fractions_and_stay_when_added_to() -> None:
    desk = Desk()
    plan = replace(PLAN, stop_price=Decimal(91), target_price=Decimal(140))
    for price in ("100", "120"):
        held = desk.fill(BUY, "1", price, plan=plan, order_id="one").position
        assert held is not None
        assert (held.stop_price, held.target_price) == (Decimal(91), Decimal(140))


def test_fractions_follow_the_new_mean_price() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100", plan=PLAN)
    held = desk.fill(BUY, "1", "120", plan=PLAN).position
    assert held is not None
    assert (held.stop_price, held.target_price) == (Decimal("104.5"), Decimal(121))


def test_a_stop_moved_by_hand_stays_when_more_of_the_order_fills() -> None:
    desk = Desk()
    held = desk.fill(BUY, "1", "100", plan=PLAN, order_id="one").position
    assert held is not None
    desk.book.keep(replace(held, stop_price=Decimal(99)))
    held = desk.fill(BUY, "1", "120", plan=PLAN, order_id="one").position
    assert held is not None
    assert (held.stop_price, held.target_price) == (Decimal(99), Decimal(121))


def test_a_further_order_brings_its_own_prices_and_trail_once() -> None:
    desk = Desk()
    trail = TrailPlan(Decimal("0.01"), Decimal("0.005"))
    plan = ExitPlan(stop_price=Decimal(97), target_price=Decimal(130), trail=trail)
    desk.fill(BUY, "1", "100", plan=PLAN)
    held = desk.fill(BUY, "1", "100", plan=plan, order_id="two").position
    assert held is not None
    assert (held.stop_price, held.target_price, held.trail) == (Decimal(97), Decimal(130), trail)
    desk.book.keep(replace(held, stop_price=Decimal(98)))
    held = desk.fill(BUY, "1", "100", plan=plan, order_id="two").position
    assert held is not None
    assert held.stop_price == 98


def test_an_order_without_a_plan_leaves_the_exits() -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100", plan=PLAN)
    held = desk.fill(BUY, "1", "120").position
    assert held is not None
    assert (held.stop_price, held.target_price) == (Decimal(95), Decimal(110))


@pytest.mark.parametrize(
    ("price", "reason"), [("111", "target"), ("110", "target"), ("94", "stop")]
)
def test_a_trade_says_which_price_of_its_bracket_was_reached(price: str, reason: str) -> None:
    desk = Desk()
    desk.fill(BUY, "1", "100")
    trade = desk.fill(
        SELL, "1", price, reason="protection", purpose=Purpose.PROTECTION, limit="110"
    ).trade
    assert trade is not None
    assert trade.reason == reason
