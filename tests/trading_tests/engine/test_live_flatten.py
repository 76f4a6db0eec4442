"""Stories of /flatten on a live account: done only when its venue itself shows that it is flat."""

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, make_instrument, of_kind
from trading.engine.effects import SubmitOrder
from trading.model.account import MarketType
from trading.model.order import Order, OrderType, Side
from trading.model.venue_news import AccountSeen, OpenOrderSeen, PositionSeen

APPLIED, ACCEPTED = ReplyState.APPLIED, ReplyState.ACCEPTED


def flat_by_the_book(venue: Venue) -> int:
    """Flatten one bitcoin up to where the book is flat; return the number of the look."""
    protection = venue.bought()
    assert venue.floor.do("flatten", command_id="f1").state is ACCEPTED
    venue.cancelled(protection.id)
    way_out = venue.sent()
    venue.floor.sample()
    assert not of_kind(venue.floor.effects, SubmitOrder), "pressed again, sent once"
    venue.fill(way_out, 99.0)
    (number,) = venue.asked()
    return number


def answer(venue: Venue) -> ReplyState:
    return venue.floor.said("f1").state


def open_at_venue(order: Order) -> OpenOrderSeen:
    """Return an order as the venue shows it."""
    return OpenOrderSeen(
        order_id=order.id,
        venue_id=f"v-{order.id}",
        symbol=BTC,
        side=Side.SELL,
        type=OrderType.STOP,
        quantity=D(1),
        filled=D(0),
        limit_price=None,
        stop_price=D(95),
        is_reduce_only=True,
        at=order.created_at,
    )


def test_a_flat_book_alone_is_no_proof_only_a_later_look_is() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    assert answer(venue) is ACCEPTED
    venue.show(0)
    venue.show(number - 1)
    assert answer(venue) is ACCEPTED, "they may have been on their way before"
    venue.show(number)
    state, text = venue.floor.said("f1")
    assert state is APPLIED
    assert text.startswith("flat: 1 position")


def test_coins_that_are_still_there_are_told_and_looked_at_again() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    venue.show(number, BTC="1")
    assert answer(venue) is ACCEPTED
    (said,) = venue.floor.told("not_flat")
    assert "1 BTC" in said
    venue.floor.sample()
    assert not venue.asked(), "after a pause"
    venue.floor.sample(2.0)
    (again,) = venue.asked()
    venue.show(again)
    assert answer(venue) is APPLIED


def test_an_order_of_ours_that_is_still_open_is_not_flat() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    order = next(iter(venue.floor.memory.orders.values()))
    venue.show(number, open_at_venue(order))
    assert answer(venue) is ACCEPTED


def test_an_order_of_somebody_else_does_not_matter() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    order = next(iter(venue.floor.memory.orders.values()))
    foreign = open_at_venue(order)
    venue.show(number, OpenOrderSeen("", *(getattr(foreign, n) for n in foreign.__slots__[1:])))
    assert answer(venue) is APPLIED


def test_what_is_too_small_to_be_sold_may_stay() -> None:
    venue = Venue(instruments=[make_instrument(quantity_step=D("0.01"), quantity_min=D("0.01"))])
    entry = venue.buy()
    venue.fill(entry, 100.0, fee="0.001", fee_currency="BTC")
    protection = venue.sent()
    venue.floor.do("flatten", command_id="f1")
    venue.cancelled(protection.id)
    venue.fill(venue.sent(), 99.0)
    (number,) = venue.asked()
    venue.show(number, BTC="0.009")
    assert answer(venue) is APPLIED


def test_a_borrowed_position_must_be_gone_at_the_venue() -> None:
    venue = Venue(MarketType.SWAP)
    number = flat_by_the_book(venue)
    money, at = {"USDT": D(9_999)}, venue.floor.now
    left = [PositionSeen(BTC, D("0.5"), D(100))]
    venue.floor.tell(AccountSeen("main", number, [], money, left, at))
    assert answer(venue) is ACCEPTED
    venue.floor.sample(2.0)
    (again,) = venue.asked()
    venue.floor.tell(AccountSeen("main", again, [], money, [], at))
    assert answer(venue) is APPLIED


def test_a_late_fill_before_the_look_is_closed_first_and_looked_at_anew() -> None:
    venue = Venue()
    entry = venue.buy("2")
    venue.accept(entry)
    venue.fill(entry, 100.0, "1")
    protection = venue.sent()
    venue.floor.do("flatten", command_id="f1")
    venue.cancelled(entry.id)
    venue.cancelled(protection.id)
    venue.fill(venue.sent(), 99.0)
    (number,) = venue.asked()
    venue.fill(entry, 100.0, "1")
    venue.show(number)
    assert answer(venue) is ACCEPTED
    venue.floor.sample()
    for order in venue.floor.orders():
        venue.cancelled(order.id)
    (way_out,) = venue.floor.orders()
    venue.fill(way_out, 99.0)
    (later,) = venue.asked()
    assert later > number
    venue.show(later)
    assert answer(venue) is APPLIED


def test_ten_taps_are_one_act_and_each_gets_its_outcome() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    for tap in range(9):
        assert venue.floor.do("flatten", command_id=f"t{tap}").state is ACCEPTED
        assert not venue.asked()
    venue.show(number)
    assert answer(venue) is APPLIED
    assert all(venue.floor.said(f"t{tap}").state is APPLIED for tap in range(9))


def test_a_restart_goes_on_and_asks_for_itself() -> None:
    venue = Venue()
    flat_by_the_book(venue)
    venue.floor.restart()
    assert not venue.asked(), "nobody is there yet who could look"
    venue.connect()
    (number,) = venue.asked()
    venue.show(number)
    assert answer(venue) is APPLIED


def asked_within(venue: Venue, seconds: int) -> list[int]:
    """Let time go by without an answer; return the numbers of the looks that were asked for."""
    asked = []
    for _ in range(seconds):
        venue.floor.sample()
        asked += venue.asked()
    return asked


def test_a_worker_that_does_not_answer_is_asked_again() -> None:
    venue = Venue()
    flat_by_the_book(venue)
    assert len(asked_within(venue, 70)) == 1


def test_a_look_that_takes_longer_than_the_patience_still_counts() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    assert asked_within(venue, 130)
    venue.show(number)
    assert answer(venue) is APPLIED, "asking again made the first wish no older"


def test_one_look_that_answers_two_wishes_is_told_once() -> None:
    venue = Venue()
    number = flat_by_the_book(venue)
    (again,) = asked_within(venue, 70)
    venue.show(number, BTC="1")
    venue.show(again, BTC="1")
    assert len(venue.floor.told("not_flat")) == 1


def test_of_what_is_flat_already_the_venue_is_asked_as_well() -> None:
    venue = Venue()
    state, text = venue.floor.do("flatten", command_id="f1")
    assert state is ACCEPTED
    assert "the venue is asked" in text
    (number,) = venue.asked()
    venue.show(number)
    assert answer(venue) is APPLIED
