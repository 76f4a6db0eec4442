"""Stories of the commands that deal: buy and sell, and what stands in their way."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import (
    BTC,
    ETH,
    make_account,
    make_account_setup,
    make_setup,
)
from trading.brokers.paper.terms import PaperTerms
from trading.engine.setup import AccountSetup
from trading.model.account import MarketType
from trading.model.order import OrderType, Purpose, Side
from trading.risk.settings import LimitSettings, RiskSettings

APPLIED, REJECTED = ReplyState.APPLIED, ReplyState.REJECTED
MARGIN = make_account("main", MarketType.MARGIN)
SPENDS_100 = RiskSettings(trade_amount=D(100))


def quoted(*accounts: AccountSetup) -> Floor:
    """Return a floor on which both markets have a price."""
    floor = Floor(accounts=accounts, risk=SPENDS_100)
    floor.tick(100.0, BTC)
    floor.tick(20.0, ETH)
    return floor


def holding(quantity: str = "1", *accounts: AccountSetup) -> Floor:
    """Return a floor on which bitcoins were bought."""
    floor = quoted(*accounts)
    assert floor.do("buy", BTC, quantity).state is APPLIED
    floor.tick(100.0)
    assert floor.position().quantity == D(quantity)
    return floor


def test_a_buy_is_sent_at_once_and_filled_by_the_next_price_and_not_by_the_last() -> None:
    floor = quoted()
    answer = floor.do("buy", BTC, "0.5")
    assert answer.state is APPLIED
    assert answer.text.startswith(f"buy 0.5 {BTC} near 100")
    assert floor.held() is None
    floor.tick(101.0)
    assert floor.position().entry_price == D(101)
    assert floor.cash() == D(10_000) - D("50.5")


def test_a_buy_without_an_amount_spends_what_the_configuration_says() -> None:
    floor = quoted()
    floor.do("buy", BTC)
    assert floor.order().quantity == D("0.99009"), "fees and slippage are kept back"


def test_a_bought_position_has_the_stop_and_target_of_the_configuration() -> None:
    floor = holding()
    order = floor.order()
    assert (order.purpose, order.type) == (Purpose.PROTECTION, OrderType.BRACKET)
    assert (order.stop_price, order.limit_price) == (D(95), D(110))
    assert order.quantity == D(1)
    assert order.reduce_only


def test_a_buy_of_all_buys_every_market_without_a_position() -> None:
    floor = holding()
    answer = floor.do("buy", "ALL")
    assert answer.state is APPLIED
    assert ETH in answer.text
    assert BTC not in answer.text
    floor.tick(20.0, ETH)
    assert floor.held(ETH) is not None
    assert floor.do("buy", "ALL") == (REJECTED, "every market has a position or an order already")


def test_a_buy_that_nobody_confirmed_is_refused() -> None:
    floor = quoted()
    answer = floor.do("buy", BTC, "1", confirmed=False)
    assert answer == (REJECTED, "this needs a yes, and none was given; nothing was done")
    assert not floor.orders()


def test_a_buy_that_is_too_old_expires() -> None:
    floor = quoted()
    assert floor.do("buy", BTC, "1", age_s=31.0).state is ReplyState.EXPIRED
    assert not floor.orders()


def test_a_buy_passes_a_stopped_bot_a_pause_and_the_buying_flag_and_says_which() -> None:
    floor = quoted()
    for verb, args in (("stoptrading", ()), ("pause", ()), ("stopbuying", ("ALL",))):
        floor.do(verb, *args)
    assert floor.do("buy", BTC, "1").state is APPLIED
    note = floor.order().note
    assert "trading is off" in note
    assert "paused" in note
    assert "buying is off" in note
    floor.tick(100.0)
    assert floor.held() is not None


def test_a_buy_passes_no_kill_latch() -> None:
    floor = quoted()
    floor.do("emergency")
    answer = floor.do("buy", BTC, "1")
    assert answer.state is REJECTED
    assert "/emergency" in answer.text


def test_a_buy_passes_no_limit() -> None:
    setup = make_setup(limits=LimitSettings(losing_streak=1))
    floor = Floor(setup=setup)
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.ticks(100.0, 94.0)
    answer = floor.do("buy", BTC, "1")
    assert answer.state is REJECTED
    assert "1 trades lost in a row" in answer.text


def test_a_buy_passes_no_stale_quote() -> None:
    floor = quoted()
    floor.sample(1.0)
    floor.sample(11.0)
    answer = floor.do("buy", BTC, "1")
    assert answer.state is REJECTED
    assert "11.0 s old" in answer.text


def test_a_buy_passes_no_missing_price() -> None:
    answer = Floor().do("buy", BTC, "1")
    assert answer.state is REJECTED
    assert "price" in answer.text


def test_a_buy_passes_no_configuration_that_allows_no_trading() -> None:
    floor = Floor(trading=False, is_allowed=False)
    floor.tick(100.0)
    answer = floor.do("buy", BTC, "1")
    assert answer.state is REJECTED
    assert "trading: off" in answer.text


def test_a_buy_is_cut_to_the_cap_and_refused_beyond_it() -> None:
    floor = quoted()
    assert floor.do("buy", BTC, "1000").state is APPLIED
    order = floor.order()
    assert order.quantity * 100 <= D(2_500)
    assert "max_position_" in order.note
    floor.tick(100.0)
    assert floor.do("buy", BTC, "1").state is REJECTED


def test_a_sell_closes_what_is_held_and_frees_it_of_its_stop() -> None:
    floor = holding()
    answer = floor.do("sell", BTC)
    assert answer == (APPLIED, f"closing 1 {BTC} at the market")
    assert floor.order().purpose is Purpose.EXIT
    assert "is being closed already" in floor.do("sell", BTC).text
    floor.tick(99.0)
    assert floor.held() is None
    assert floor.trade.profit == D(-1)
    assert floor.trade.reason == "/sell by 42"
    assert not floor.orders()


def test_a_sell_of_a_part_leaves_the_rest_protected() -> None:
    floor = holding("2")
    assert floor.do("sell", BTC, "0.5").state is APPLIED
    floor.tick(100.0)
    assert floor.position().quantity == D("1.5")
    assert floor.order().quantity == D("1.5")
    assert floor.order().purpose is Purpose.PROTECTION


def test_a_sell_of_all_closes_every_position() -> None:
    floor = holding()
    floor.do("buy", ETH, "2")
    floor.tick(20.0, ETH)
    answer = floor.do("sell", "ALL")
    assert answer.state is APPLIED
    assert answer.text.count("closing") == 2
    floor.tick(100.0)
    floor.tick(20.0, ETH)
    assert len(floor.trades) == 2
    assert floor.do("sell", "ALL") == (REJECTED, "no open position")


def test_a_sell_may_have_waited_for_a_day() -> None:
    floor = holding()
    assert floor.do("sell", BTC, age_s=80_000.0).state is APPLIED


def test_a_sell_while_flat_on_a_spot_account_is_refused() -> None:
    assert quoted().do("sell", BTC) == (REJECTED, f"nothing is held of {BTC}")


def test_a_sell_while_flat_on_margin_goes_short_when_it_was_confirmed() -> None:
    floor = quoted(make_account_setup(MARGIN))
    refused = floor.do("sell", BTC, "1", confirmed=False)
    assert refused.state is REJECTED
    assert "confirm" in refused.text
    assert floor.do("sell", BTC, "1").state is APPLIED
    floor.tick(100.0)
    assert floor.position().quantity == D(-1)
    order = floor.order()
    assert (order.side, order.stop_price, order.limit_price) == (Side.BUY, D(105), D(90))


@pytest.mark.parametrize("age_s", [31.0, -31.0])
def test_a_sell_while_flat_on_margin_is_a_raising_command_and_must_be_fresh(age_s: float) -> None:
    floor = quoted(make_account_setup(MARGIN))
    answer = floor.do("sell", BTC, "1", age_s=age_s)
    assert answer.state is REJECTED
    assert "too old to go short" in answer.text


def test_a_sell_while_flat_on_margin_passes_no_latch() -> None:
    floor = quoted(make_account_setup(MARGIN))
    floor.do("emergency")
    assert floor.do("sell", BTC, "1").state is REJECTED


def test_a_buy_against_a_short_position_closes_it_and_no_more() -> None:
    floor = quoted(make_account_setup(MARGIN))
    floor.do("sell", BTC, "1")
    floor.tick(100.0)
    assert floor.do("buy", BTC, "5") == (APPLIED, f"closing 1 {BTC} at the market")
    floor.tick(98.0)
    assert floor.held() is None
    assert floor.trade.profit == D(2)


def test_alerts_tell_the_balance_that_a_status_shows() -> None:
    floor = quoted(make_account_setup(MARGIN))
    floor.do("sell", BTC, "1")
    floor.tick(100.0)
    # What a short sale brought is not the account's to spend.
    assert "balance  10,000.00 USDT" in floor.told("sold_short")[0]
    assert floor.trader.desks["main"].book.cash == D(10_100)
    assert "balance  10,000.00" in floor.do("getstatus").text
    floor.do("buy", BTC)
    floor.tick(98.0)
    assert "balance  10,002.00 USDT" in floor.told("bought_back")[0]


def test_with_two_accounts_a_buy_must_name_one() -> None:
    second = make_account("second", MarketType.MARGIN)
    floor = quoted(make_account_setup(), make_account_setup(second))
    answer = floor.do("buy", BTC, "1")
    assert answer == (REJECTED, "in which account? add @:main or @:second")
    assert floor.do("buy", BTC, "1", account="second").state is APPLIED
    assert floor.orders(account="second")
    assert not floor.orders(account="main")


def test_with_two_accounts_that_hold_nothing_and_cannot_go_short_there_is_nothing_to_ask() -> None:
    floor = quoted(make_account_setup(), make_account_setup(make_account("second")))
    assert floor.do("sell", BTC) == (REJECTED, f"nothing is held of {BTC}")
    assert floor.do("sell", BTC, "1") == (REJECTED, f"nothing is held of {BTC}")


def test_with_two_accounts_a_sell_closes_what_either_holds() -> None:
    second = make_account("second", MarketType.MARGIN)
    floor = quoted(make_account_setup(), make_account_setup(second))
    assert "in which account?" in floor.do("sell", BTC).text
    floor.do("buy", BTC, "1", account="main")
    floor.do("buy", BTC, "2", account="second")
    floor.tick(100.0)
    assert floor.do("sell", BTC).text.count("closing") == 2
    floor.tick(100.0)
    assert floor.held() is None
    assert floor.held(account="second") is None


def test_two_accounts_stand_on_opposite_sides_of_one_market() -> None:
    second = make_account("second", MarketType.MARGIN)
    floor = quoted(make_account_setup(), make_account_setup(second))
    floor.do("buy", BTC, "1", account="main")
    floor.do("sell", BTC, "2", account="second")
    floor.tick(100.0)
    assert floor.position().quantity == D(1)
    assert floor.position(account="second").quantity == D(-2)
    floor.tick(106.0)
    assert floor.position().quantity == D(1), "the long one is in profit"
    assert floor.held(account="second") is None, "the short one met its stop"
    assert (floor.trade.account, floor.trade.profit) == ("second", D(-12))
    floor.tick(94.0)
    assert [(one.account, one.profit) for one in floor.trades] == [
        ("second", D(-12)),
        ("main", D(-6)),
    ]


@pytest.mark.parametrize(("latency_s", "price_met"), [(0.0, 101), (3.0, 103)])
def test_an_order_needs_its_time_to_the_venue(latency_s: float, price_met: int) -> None:
    terms = PaperTerms(fee_taker=D(0), fee_maker=D(0), slippage=D(0), latency_s=latency_s)
    floor = quoted(make_account_setup(terms=terms))
    floor.do("buy", BTC, "1")
    for price in (101.0, 102.0, 103.0, 104.0):
        floor.tick(price)
    assert floor.position().entry_price == D(price_met)


def test_a_silent_market_fills_what_takes_any_price_after_five_seconds() -> None:
    floor = quoted()
    floor.sample(0.0)
    floor.do("buy", BTC, "1")
    floor.sample(4.0)
    assert floor.held() is None
    floor.sample(1.5)
    assert floor.position().entry_price == D(100)
    floor.do("flatten", command_id="f1")
    floor.sample(1.0)
    assert floor.said("f1").state is APPLIED


def test_what_is_being_closed_is_not_sold_a_second_time_in_parts() -> None:
    floor = holding()
    floor.do("sell", BTC)
    assert "is being closed already" in floor.do("sell", BTC, "0.4").text
    assert len(floor.orders()) == 1


def test_a_person_adds_to_a_position_and_its_stop_follows_the_mean_price() -> None:
    floor = holding()
    floor.tick(105.0)
    assert floor.do("buy", BTC, "1").state is APPLIED
    floor.tick(106.0)
    position = floor.position()
    assert (position.quantity, position.entry_price) == (D(2), D(103))
    assert position.stop_price == D("97.85")
    assert floor.order().stop_price == D("97.85")
    assert floor.order().remaining == D(2)
