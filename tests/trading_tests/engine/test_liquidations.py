"""What follows when a venue closes a position by itself."""

from dataclasses import replace

import orjson
import pytest

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, of_kind, play
from trading.engine.difference_records import KEY
from trading.engine.effects import SubmitOrder
from trading.model.account import MarketKey, MarketType
from trading.model.order import Fill, Order, Purpose, Side
from trading.model.report import FORCED, OrderFilled
from trading.model.venue_news import AccountSeen, PositionSeen
from trading.strategies.context import StrategyContext


@pytest.fixture
def venue() -> Venue:
    return Venue(MarketType.SWAP, leverage="3")


def forced(venue: Venue, quantity: str, side: Side = Side.SELL, *, fill_id: str = "L1") -> Fill:
    """Return an execution that the venue made itself, a moment from now."""
    return Fill(
        fill_id,
        "main",
        f"{FORCED}V9",
        BTC,
        side,
        D(quantity),
        D(70),
        D("0.7"),
        "USDT",
        venue.floor.now + 1.0,
    )


def liquidate(venue: Venue, quantity: str, side: Side = Side.SELL) -> OrderFilled:
    report = OrderFilled(forced(venue, quantity, side))
    venue.floor.tell(report)
    return report


def test_it_is_booked_with_its_price_and_fee_and_the_stop_is_cancelled(venue: Venue) -> None:
    stop = venue.bought()
    liquidate(venue, "1")
    assert venue.floor.held() is None
    assert venue.asked_to_cancel() == [stop.id]
    trade = venue.floor.trade
    assert (trade.exit_price, trade.profit) == (D(70), D("-30.7"))
    assert trade.reason == "liquidated by the exchange"
    assert venue.floor.cash() == D(10_000) - D("30.7")


def test_it_is_told_with_what_to_do(venue: Venue) -> None:
    venue.bought()
    liquidate(venue, "1")
    (said,) = venue.floor.told("liquidated")
    assert said.startswith(f"⛔ LIQUIDATED: {BTC}")
    assert "/startbuying" in said


def test_told_again_and_after_a_restart_it_counts_once(venue: Venue) -> None:
    stop = venue.bought()
    report = liquidate(venue, "1")
    venue.cancelled(stop.id)
    venue.floor.tell(report)
    venue.floor.restart()
    venue.begin()
    venue.floor.tell(report)
    assert len(venue.floor.trades) == len(venue.floor.told("liquidated")) == 1
    assert venue.floor.held() is None


def test_a_part_leaves_the_rest_with_a_stop_of_its_size(venue: Venue) -> None:
    stop = venue.bought()
    liquidate(venue, "0.4")
    assert venue.floor.position().quantity == D("0.6")
    assert venue.asked_to_cancel() == [stop.id]
    venue.cancelled(stop.id)
    assert venue.sent().quantity == D("0.6")
    assert "0.6" in venue.floor.told("liquidated")[0]


def test_a_short_position_is_bought_back(venue: Venue) -> None:
    venue.floor.do("sell", BTC, "1")
    venue.fill(venue.sent(), 60.0)
    liquidate(venue, "1", Side.BUY)
    assert venue.floor.held() is None
    assert venue.floor.trade.profit == D("-10.7")


def test_strategies_enter_nothing_until_somebody_has_looked(venue: Venue) -> None:
    venue.floor.restart(play(enter_twice, "buyer"))
    venue.begin()
    market, limit = entries(venue)
    venue.fill(market, 100.0)
    stop = venue.sent()
    liquidate(venue, "1")
    assert set(venue.asked_to_cancel()) == {stop.id, limit.id}
    for one in (stop, limit):
        venue.cancelled(one.id)
    for _ in range(3):
        assert not entries(venue)
    assert "was liquidated" in venue.floor.why()
    venue.floor.restart()
    venue.begin()
    assert not entries(venue), "also after a restart"
    assert venue.floor.do("startbuying", BTC).state is ReplyState.APPLIED
    assert len(entries(venue)) == 2


def enter_twice(context: StrategyContext, _tick: object) -> None:
    """Enter at once, and further below."""
    if context.position is None and not context.get_orders():
        context.place_order("buy", 1)
        context.place_order("buy", 0.5, type="limit", limit_price=50)


def entries(venue: Venue) -> list[Order]:
    """Have a price told, and return what strategies enter because of it."""
    venue.floor.tick(100.0)
    sent = [one.approved.order for one in of_kind(venue.floor.effects, SubmitOrder)]
    return [one for one in sent if one.purpose is Purpose.ENTRY]


@pytest.mark.parametrize("case", ["nothing held", "the other side", "before it was opened"])
def test_one_that_fits_no_position_of_ours_is_left_to_differences(venue: Venue, case: str) -> None:
    fill = forced(venue, "1")
    if case != "nothing held":
        venue.bought()
    if case == "the other side":
        fill = replace(fill, side=Side.BUY)
    if case == "before it was opened":
        fill = replace(fill, at=venue.floor.position().opened_at - 60.0)
    venue.floor.tell(OrderFilled(fill))
    assert not venue.floor.told("liquidated")
    assert not venue.floor.trades
    assert venue.is_idle


def test_more_than_is_held_is_not_booked(venue: Venue) -> None:
    venue.bought()
    liquidate(venue, "3")
    assert venue.floor.held() is None
    assert abs(venue.floor.trade.fees - D("0.7") / 3) < D("1e-15")


def test_one_that_is_told_late_is_not_booked_again_by_the_answer_about_it(venue: Venue) -> None:
    venue.bought()
    fill = forced(venue, "1")
    venue.floor.sample(60.0)
    venue.show()
    venue.show()
    (asked,) = venue.floor.trader.reconciliation.differences.open
    venue.floor.tell(OrderFilled(fill))
    assert venue.floor.held() is None
    outcome = venue.floor.do("reconcile", str(asked.number), "adopt")
    assert outcome.state is ReplyState.REJECTED
    assert "a fill came in late" in outcome.text
    assert venue.floor.held() is None, "sold a second time it would be a short position"


def test_where_a_position_would_be_liquidated_is_shown_if_its_venue_tells(venue: Venue) -> None:
    venue.bought()
    assert "liquid." not in venue.floor.do("positions").text
    seen = PositionSeen(BTC, D(1), D(100), D("66.5"))
    venue.floor.tell(AccountSeen("main", 0, [], {"USDT": D(10_000)}, [seen], venue.floor.now))
    shown = venue.floor.do("positions").text
    assert "liquid." in shown
    assert "66.5" in shown


def test_a_part_that_is_told_after_it_was_booked_as_gone_counts_once(venue: Venue) -> None:
    venue.bought("2")
    fill = forced(venue, "1")
    for _ in range(2):
        venue.floor.tick(70.0, after_s=5.0)
        seen = [PositionSeen(BTC, D(1), D(100))]
        held = {"USDT": D("9969.3")}
        venue.floor.tell(AccountSeen("main", 0, [], held, seen, venue.floor.now))
    (one,) = [
        one.number for one in venue.floor.trader.reconciliation.differences.open if one.symbol
    ]
    venue.floor.do("reconcile", str(one), "adopt")
    assert venue.floor.position().quantity == 1
    venue.floor.tick(70.0)
    venue.floor.tell(OrderFilled(fill))
    assert venue.floor.position().quantity == 1
    assert venue.floor.cash() + 100 == D("9969.3"), "the collateral that the exchange shows"
    assert len(venue.floor.told("liquidated")) == 1


class Gone(Venue):
    """Have a position liquidated, hear nothing of it, and book it as gone on a person's word."""

    def __init__(self, side: Side = Side.BUY) -> None:
        super().__init__(MarketType.SWAP, leverage="3")
        self.side = side
        self.floor.do("buy" if side is Side.BUY else "sell", BTC, "1")
        entry = self.sent()
        self.accept(entry)
        self.fill(entry, 100.0)
        self.stop = self.sent()
        self.accept(self.stop)
        self.forced = replace(forced(self, "1", side.opposite), price=D(70))
        if side is Side.SELL:
            self.forced = replace(self.forced, price=D(130))

    def looks(self) -> None:
        for _ in range(2):
            self.floor.tick(72.0 if self.side is Side.BUY else 128.0, after_s=5.0)
            self.show(usdt="9969.3")

    def answer_all(self, choice: str = "adopt") -> None:
        for _ in range(3):
            for one in list(self.floor.trader.reconciliation.differences.open):
                self.floor.do("reconcile", str(one.number), choice)
                if self.asked_to_cancel():
                    self.cancelled(self.stop.id)
            self.looks()
        assert not self.floor.trader.reconciliation.differences.open

    def tell_late(self) -> None:
        self.floor.tell(OrderFilled(self.forced))


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_one_that_was_booked_as_gone_is_told_once_and_counts_once(side: Side) -> None:
    venue = Gone(side)
    venue.looks()
    venue.answer_all()
    assert venue.floor.held() is None
    assert venue.floor.cash() == D("9969.3")
    venue.tell_late()
    (said,) = venue.floor.told("liquidated")
    assert "entry    100.00" in said
    assert f"price    {venue.forced.price}.00" in said
    assert venue.floor.held() is None
    assert venue.floor.cash() == D("9969.3")
    assert venue.is_idle, "nothing is protected that is gone again"
    assert venue.floor.trades[-1].reason == "liquidated by the exchange"
    assert sum(one.profit for one in venue.floor.trades) == D("-30.7")
    key = MarketKey("main", BTC)
    assert "was liquidated" in venue.floor.trader.conditions.flags.buying_off(key)
    venue.looks()
    assert not venue.floor.trader.reconciliation.differences.open
    venue.tell_late()
    venue.floor.restart()
    venue.begin()
    venue.tell_late()
    assert len(venue.floor.told("liquidated")) == 1
    assert venue.floor.cash() == D("9969.3")


def test_it_is_known_over_a_restart_what_was_booked_as_gone() -> None:
    venue = Gone()
    venue.looks()
    venue.answer_all()
    venue.floor.restart()
    venue.begin()
    venue.looks()
    venue.tell_late()
    assert "entry    100.00" in venue.floor.told("liquidated")[0]
    assert venue.floor.cash() == D("9969.3")


def test_an_answer_that_an_older_program_has_kept_is_loaded() -> None:
    venue = Gone()
    venue.looks()
    venue.answer_all()
    kept = orjson.loads(venue.floor.memory.values[KEY])
    kept["answered"] = [row[:8] for row in kept["answered"]]
    venue.floor.memory.values[KEY] = orjson.dumps(kept).decode()
    venue.floor.restart()
    venue.begin()
    venue.looks()
    venue.tell_late()
    assert venue.floor.held() is None
    assert venue.floor.cash() == D("9969.3")
    assert not venue.floor.told("liquidated"), "of what it was is not known"


def test_money_that_nobody_has_answered_yet_is_explained_by_it() -> None:
    venue = Gone()
    venue.looks()
    (one,) = [one for one in venue.floor.trader.reconciliation.differences.open if one.symbol]
    venue.floor.do("reconcile", str(one.number), "adopt")
    venue.cancelled(venue.stop.id)
    venue.tell_late()
    assert len(venue.floor.told("liquidated")) == 1
    assert venue.floor.cash() == D("9969.3")
    venue.looks()
    assert not venue.floor.trader.reconciliation.differences.open


def test_what_was_bought_since_stays_beside_one_that_is_told_late() -> None:
    venue = Gone()
    venue.looks()
    venue.answer_all()
    entry = venue.buy("2")
    venue.accept(entry)
    venue.fill(entry, 72.0)
    stop = venue.sent()
    venue.accept(stop)
    venue.tell_late()
    assert len(venue.floor.told("liquidated")) == 1
    assert venue.floor.position().quantity == 2
    assert venue.floor.cash() + 144 == D("9969.3")
    assert venue.floor.order().id == stop.id


def test_what_was_sold_short_since_is_not_bought_back_by_it() -> None:
    venue = Gone()
    venue.looks()
    venue.answer_all()
    venue.floor.do("sell", BTC, "2")
    entry = venue.sent()
    venue.accept(entry)
    venue.fill(entry, 72.0)
    venue.tell_late()
    assert venue.floor.position().quantity == -2
    assert not venue.floor.told("liquidated")


def test_one_from_before_what_was_booked_as_gone_is_none_of_ours() -> None:
    venue = Gone()
    opened_at = venue.floor.position().opened_at
    venue.looks()
    venue.answer_all()
    venue.forced = replace(venue.forced, at=opened_at - 60.0)
    venue.tell_late()
    assert not venue.floor.told("liquidated")
    assert venue.floor.cash() == D("9969.3")


def test_one_that_was_taken_over_from_outside_was_not_gone() -> None:
    venue = Venue(MarketType.SWAP, leverage="3")
    fill = forced(venue, "1")
    for _ in range(2):
        venue.floor.tick(70.0, after_s=5.0)
        seen = [PositionSeen(BTC, D(1), D(70))]
        venue.floor.tell(AccountSeen("main", 0, [], {"USDT": D(10_000)}, seen, venue.floor.now))
    venue.floor.do("reconcile", "1", "adopt")
    stop = venue.sent()
    venue.accept(stop)
    venue.fill(stop, 66.0)
    assert venue.floor.held() is None
    cash = venue.floor.cash()
    venue.floor.tell(OrderFilled(fill))
    assert not venue.floor.told("liquidated")
    assert venue.floor.cash() == cash
