"""What a real venue cannot sell: exits in whole steps, and rests that are written off."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, make_instrument, of_kind
from trading.engine.effects import SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Order

COARSE = make_instrument(quantity_step=D("0.01"), quantity_min=D("0.01"), cost_min=D(5))


def make_venue(**more: object) -> Venue:
    return Venue(instruments=[COARSE], **more)  # type: ignore[arg-type]


def bought_with_fee(venue: Venue, fee: str = "0.001") -> Order:
    """Buy one coin of which the venue keeps a fee; return the order that protects the rest."""
    entry = venue.buy()
    venue.fill(entry, 100.0, fee=fee, fee_currency="BTC")
    protection = venue.sent()
    venue.accept(protection)
    return protection


def test_odd_quantities_are_protected_and_sold_in_whole_steps_and_never_more() -> None:
    venue = make_venue()
    protection = bought_with_fee(venue)
    assert venue.floor.position().quantity == D("0.999")
    assert protection.quantity == D("0.99")
    venue.floor.sample()
    assert venue.is_idle, "what fits stays"
    venue.floor.do("sell", BTC)
    venue.cancelled(protection.id)
    assert venue.sent().quantity == D("0.99")


def test_what_is_left_of_a_sale_is_written_off_and_the_trade_closes() -> None:
    venue = make_venue()
    stop = bought_with_fee(venue)
    venue.fill(stop, 95.0)
    assert venue.floor.held() is None
    trade = venue.floor.trade
    assert trade.reason == "stop"
    book = venue.floor.trader.desks["main"].book
    assert book.residues[BTC].quantity == D("0.009")
    # The last price was 100: the rest counts as received at it, and is in the equity.
    assert trade.profit == D("0.99") * 95 + D("0.009") * 100 - 100
    assert book.cash == D(10_000) - 100 + D("0.99") * 95
    assert book.equity() == pytest.approx(10_000 + float(trade.profit))
    (said,) = venue.floor.told("rest_written_off")
    assert "0.009" in said


def test_residues_outlive_a_restart_and_follow_the_price() -> None:
    venue = make_venue()
    venue.fill(bought_with_fee(venue), 95.0)
    venue.floor.restart()
    book = venue.floor.trader.desks["main"].book
    assert book.residues[BTC].quantity == D("0.009")
    before = book.equity()
    venue.floor.tick(200.0)
    venue.floor.sample()
    assert book.equity() == pytest.approx(before + 0.009 * 100)
    venue.floor.do("balance")
    assert "0.009" in venue.floor.replies[-1].text


def test_a_bit_of_an_entry_that_is_still_being_filled_waits() -> None:
    venue = make_venue()
    entry = venue.buy()
    venue.accept(entry)
    venue.fill(entry, 100.0, "0.005")
    assert venue.is_idle
    assert venue.floor.held() is not None
    venue.fill(entry, 100.0, "0.995")
    assert venue.sent().quantity == D(1)


def test_a_bit_that_is_all_that_was_filled_is_written_off() -> None:
    venue = make_venue()
    entry = venue.buy()
    venue.accept(entry)
    venue.fill(entry, 100.0, "0.005")
    venue.cancelled(entry.id, "by the venue")
    assert venue.floor.held() is None
    assert venue.floor.trade.reason == "too small to be sold"
    assert venue.floor.trade.profit == 0


def test_what_is_worth_too_little_is_written_off_only_once_it_is_to_be_left() -> None:
    venue = make_venue()
    entry = venue.buy()
    venue.accept(entry)
    venue.fill(entry, 100.0, "0.04")
    venue.cancelled(entry.id, "by the venue")
    protection = venue.sent()
    venue.accept(protection)
    assert venue.floor.held() is not None
    venue.floor.do("sell", BTC)
    venue.cancelled(protection.id)
    assert venue.is_idle
    assert venue.floor.held() is None
    assert "/sell" in venue.floor.trade.reason


def test_a_short_position_is_never_written_off() -> None:
    venue = make_venue(kind=MarketType.SWAP)
    venue.floor.do("sell", BTC, "0.06")
    entry = venue.sent()
    venue.fill(entry, 100.0, "0.02")
    venue.cancelled(entry.id, "by the venue")
    assert venue.floor.held() is not None


@pytest.mark.parametrize(
    ("amount", "found"), [("0.05", "found 3.8 USDT"), ("0.06", "found 4.75 USDT")]
)
def test_an_entry_whose_stop_could_not_be_placed_is_refused(amount: str, found: str) -> None:
    venue = make_venue()
    state, text = venue.floor.do("buy", BTC, amount)
    assert state is ReplyState.REJECTED
    assert found in text


def test_a_part_that_a_person_sells_is_rounded_down() -> None:
    venue = make_venue()
    protection = bought_with_fee(venue)
    venue.floor.do("sell", BTC, "0.505")
    venue.cancelled(protection.id)
    sold, kept = (one.approved.order.quantity for one in of_kind(venue.floor.effects, SubmitOrder))
    assert (sold, kept) == (D("0.5"), D("0.49"))


def test_coins_that_were_sold_before_their_purchase_was_told_are_not_bought_back() -> None:
    venue = make_venue()
    entry = venue.buy("2")
    venue.accept(entry)
    venue.fill(entry, 100.0, "1")
    stop = venue.sent()
    venue.cancelled(entry.id, "by the venue")
    venue.fill(stop, 95.0, "1.5")
    assert venue.floor.position().quantity == D("-0.5")
    assert venue.is_idle
    assert len(venue.floor.told("sold_beyond")) == 1
    venue.floor.sample()
    assert venue.is_idle
    venue.fill(entry, 100.0, "0.5")
    assert venue.floor.held() is None
    assert venue.floor.cash() == D(10_000) - D("7.5")


def test_what_was_sold_beyond_a_position_comes_out_of_the_residue() -> None:
    venue = make_venue()
    venue.fill(bought_with_fee(venue), 95.0)
    entry = venue.buy()
    venue.fill(entry, 100.0)
    stop = venue.sent()
    venue.accept(stop)
    venue.fill(stop, 95.0, "1.005")
    assert venue.floor.held() is None
    book = venue.floor.trader.desks["main"].book
    assert book.residues[BTC].quantity == D("0.004")
    assert not venue.floor.told("sold_beyond")
