"""The money of a live account: what it begins with, and what comes and goes without a trade."""

from dataclasses import replace

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, make_account, make_account_setup
from trading.model.venue_news import AccountSeen, CashMoved, VenueConnected
from trading.risk.settings import LimitSettings

LIMITS = LimitSettings(account_daily_loss=D("0.05"))


def move(venue: Venue, number: int, kind: str, amount: str, currency: str = "USDT") -> None:
    """Tell a booking of money, a moment after the last price."""
    at = venue.floor.now + 1
    venue.floor.tell(CashMoved("main", f"m{number}", currency, D(amount), kind, at))


def test_a_live_account_begins_with_what_its_venue_shows_and_not_before() -> None:
    account = replace(make_account(), is_paper=False)
    floor = Floor(accounts=[replace(make_account_setup(account), paper=None)])
    floor.tick(100.0)
    floor.tell(VenueConnected("main", True, True, floor.now))
    floor.tell(AccountSeen("main", 0, [], {"EUR": D(5)}, None, floor.now))
    state, text = floor.do("buy", BTC, "1")
    assert state is ReplyState.REJECTED
    assert "no money of its currency" in text
    floor.tell(AccountSeen("main", 0, [], {"USDT": D("1234.5")}, None, floor.now))
    desk = floor.trader.desks["main"]
    assert (desk.book.cash, desk.start_cash) == (D("1234.5"), D("1234.5"))
    assert len(floor.told("money_seen")) == 1
    assert floor.do("buy", BTC, "1").state is ReplyState.APPLIED


def test_what_it_began_with_stays_over_restarts_and_looks() -> None:
    venue = Venue()
    venue.show(usdt="77")
    venue.floor.restart()
    venue.connect()
    venue.show(usdt="88")
    desk = venue.floor.trader.desks["main"]
    assert (desk.book.cash, desk.start_cash) == (D(10_000), D(10_000))


def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss() -> None:
    venue = Venue(limits=LIMITS)
    venue.bought()
    move(venue, 1, "deposit", "5000")
    assert venue.floor.cash() == D(14_900)
    move(venue, 2, "withdrawal", "-9000")
    venue.floor.tick(100.0)
    assert not venue.floor.told("limit_tripped")
    desk = venue.floor.trader.desks["main"]
    assert desk.start_cash == D(6_000)
    assert (desk.bases.start, desk.bases.day_start, desk.bases.peak) == (6_000, 6_000, 6_000)


def test_funding_is_booked_as_what_it_is_a_gain_or_a_loss() -> None:
    venue = Venue(limits=LIMITS)
    move(venue, 1, "funding", "-1.5")
    move(venue, 2, "interest", "-0.5")
    desk = venue.floor.trader.desks["main"]
    assert (desk.book.cash, desk.start_cash) == (D(9_998), D(10_000))
    assert len(venue.floor.told("cash_moved")) == 2


def test_a_booking_counts_once_whatever_is_told_again_also_after_a_restart() -> None:
    venue = Venue()
    for _ in range(2):
        move(venue, 1, "deposit", "100")
    venue.floor.restart()
    move(venue, 1, "deposit", "100")
    assert venue.floor.cash() == D(10_100)
    assert len(venue.floor.told("cash_moved")) == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_what_was_booked_before_the_money_was_first_seen_is_a_part_of_it(*, is_first: bool) -> None:
    account = replace(make_account(), is_paper=False)
    floor = Floor(accounts=[replace(make_account_setup(account), paper=None)])
    old = CashMoved("main", "m1", "USDT", D(500), "deposit", floor.now - 60)
    if is_first:
        floor.tell(old)
    floor.tell(AccountSeen("main", 0, [], {"USDT": D(500)}, None, floor.now))
    floor.tell(old)
    assert floor.cash() == D(500)


def test_another_currency_is_told_and_not_booked() -> None:
    venue = Venue()
    move(venue, 1, "deposit", "2", "BTC")
    assert venue.floor.cash() == D(10_000)
    assert "not booked" in venue.floor.told("cash_moved")[0]


def test_who_takes_out_more_than_was_put_in_is_measured_by_what_is_left() -> None:
    venue = Venue()
    move(venue, 1, "funding", "2000")
    move(venue, 2, "withdrawal", "-11000")
    desk = venue.floor.trader.desks["main"]
    assert (desk.book.cash, desk.start_cash) == (D(1_000), D(1_000))
