"""Executions that are told after a person has answered what they explain: each counts once."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcpproto import ReplyState
from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, ETH, of_kind
from trading.engine.effects import CancelOrder, SubmitOrder
from trading.model.account import MarketType
from trading.model.difference import DifferenceKind, Topic
from trading.model.order import Fill, Order, Purpose, Side
from trading.model.report import OrderAccepted, OrderCancelled, OrderFilled, OrderRejected
from trading.model.venue_news import AccountSeen, PositionSeen

COINS, MONEY = "1", "2"


class Late(Venue):
    """Buy a bitcoin, hear that the order is gone, and hear of its execution later."""

    def __init__(self, kind: MarketType = MarketType.SPOT, *, is_open: bool = False) -> None:
        super().__init__(kind)
        self.ways_out: list[Order] = []
        self.entry = self.buy()
        self.accept(self.entry)
        self.executed_at = self.floor.now
        if not is_open:
            self.cancelled(self.entry.id, "the exchange has it no longer")
        self.floor.tick(105.0)

    def looks(self, quantity: str, usdt: str) -> None:
        """Show twice what there really is, a while later each time."""
        for _ in range(2):
            self.floor.tick(105.0)
            self.look(quantity, usdt)

    def look(self, quantity: str, usdt: str) -> None:
        held = {"USDT": D(usdt)}
        positions = None
        if self.floor.trader.desks["main"].account.market_type is MarketType.SPOT:
            held["BTC"] = D(quantity)
        else:
            positions = [PositionSeen(BTC, D(quantity), D(100))] if D(quantity) else []
        self.floor.tell(AccountSeen("main", 0, [], held, positions, self.floor.now))
        self.carry_out()

    def answer(self, number: str, choice: str) -> str:
        said = self.floor.do("reconcile", number, choice)
        assert said.state is ReplyState.APPLIED, said.text
        self.carry_out()
        self.floor.tick(105.0)
        return said.text

    def carry_out(self) -> None:
        """Take stops in, and let go of those that are to be cancelled."""
        while not self.is_idle:
            sent = [one.approved.order for one in of_kind(self.floor.effects, SubmitOrder)]
            gone = [one.order_id for one in of_kind(self.floor.effects, CancelOrder)]
            self.floor.effects = []
            for order in sent:
                self.ways_out += [order] if order.purpose is Purpose.EXIT else []
                self.floor.tell(OrderAccepted("main", order.id, f"v-{order.id}", self.floor.now))
            for order_id in gone:
                self.floor.tell(OrderCancelled("main", order_id, "cancelled", self.floor.now))

    def tell_late(self, quantity: str = "1", fee: str = "0") -> None:
        """Tell of the execution of the entry, of when it really was."""
        self.fill(self.entry, 100.0, quantity, fee=fee, at=self.executed_at)
        self.carry_out()

    @property
    def cash(self) -> Decimal:
        return self.floor.trader.desks["main"].book.cash

    @property
    def open_topics(self) -> set[DifferenceKind]:
        found = self.floor.trader.reconciliation.differences.open
        return {one.topic.kind for one in found}


@pytest.fixture
def venue() -> Late:
    return Late()


def check_agrees(venue: Late, quantity: str, usdt: str) -> None:
    """Hold the book against the venue at once, and by looks."""
    assert venue.floor.position().quantity == D(quantity)
    told = venue.floor.kinds.count("difference")
    venue.looks(quantity, usdt)
    assert not venue.open_topics
    assert venue.floor.kinds.count("difference") == told, "nobody is asked anything more"


def test_what_was_adopted_with_its_money_counts_once_at_once(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    venue.tell_late()
    assert venue.cash == 9_900
    check_agrees(venue, "1", "9900")


def test_the_execution_is_kept_with_its_price_its_plan_and_its_fee(venue: Late) -> None:
    venue.looks("1", "9899.9")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    venue.tell_late(fee="0.1")
    position = venue.floor.position()
    assert (position.entry_price, position.fees) == (D(100), D("0.1"))
    (stop,) = [one for one in venue.floor.orders() if one.purpose is Purpose.PROTECTION]
    assert (stop.stop_price, stop.quantity) == (D(95), D(1))
    bought = [one for one in venue.floor.memory.fills.values() if one.order_id == venue.entry.id]
    assert [(one.quantity, one.price) for one in bought] == [(D(1), D(100))]
    assert sum(one.profit for one in venue.floor.trades) == 0
    assert venue.cash == D("9899.9")


def test_money_that_nobody_has_answered_yet_is_explained_by_it(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "adopt")
    venue.tell_late()
    assert venue.cash == 9_900
    check_agrees(venue, "1", "9900")


def test_coins_that_nobody_has_answered_yet_are_explained_by_it(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(MONEY, "adopt")
    venue.tell_late()
    assert venue.cash == 9_900
    check_agrees(venue, "1", "9900")


def test_coins_that_were_said_to_be_none_of_ours_are_ours_then(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "ignore")
    venue.answer(MONEY, "adopt")
    venue.tell_late()
    check_agrees(venue, "1", "9900")
    ignored = venue.floor.trader.reconciliation.differences.records.ignored["main"]
    assert not ignored.get(Topic(DifferenceKind.HOLDING, "BTC"))


def test_parts_that_come_in_one_by_one_are_taken_back_one_by_one(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    for part in ("0.4", "0.35", "0.25"):
        venue.tell_late(part)
        assert venue.floor.position().quantity == 1
        assert venue.cash == 9_900
    check_agrees(venue, "1", "9900")


def test_what_was_adopted_beside_it_stays(venue: Late) -> None:
    venue.looks("3", "9900")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    venue.tell_late()
    assert venue.cash == 9_900
    check_agrees(venue, "3", "9900")


def test_it_counts_once_over_a_restart(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    venue.floor.restart()
    venue.floor.tick(105.0)
    venue.connect()
    venue.carry_out()
    venue.look("1", "9900")
    venue.tell_late()
    assert venue.cash == 9_900
    check_agrees(venue, "1", "9900")


def test_an_execution_from_after_the_look_is_not_lost(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    venue.executed_at = venue.floor.now
    venue.tell_late()
    assert venue.cash == 9_800
    check_agrees(venue, "2", "9800")


def test_the_sale_of_what_was_adopted_and_closed_is_not_taken_back(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(MONEY, "adopt")
    venue.floor.tick(105.0)
    venue.answer(COINS, "close")
    (sale,) = venue.ways_out
    # The clock of the venue is behind ours.
    venue.fill(sale, 105.0, at=venue.executed_at)
    venue.carry_out()
    assert venue.floor.held() is None
    assert venue.cash == 10_005


def test_a_position_that_is_being_sold_is_still_to_be_sold(venue: Late) -> None:
    venue.looks("1", "9900")
    venue.answer(COINS, "adopt")
    venue.answer(MONEY, "adopt")
    venue.floor.do("sell", BTC)
    venue.carry_out()
    venue.tell_late()
    assert venue.floor.position().closing.startswith("/sell")
    (sale,) = venue.ways_out
    venue.fill(sale, 105.0)
    assert venue.floor.held() is None
    assert venue.cash == 10_005


def test_a_sale_that_is_told_after_its_coins_were_booked_as_gone_sells_nothing_more() -> None:
    venue = Late()
    venue.tell_late()
    venue.floor.do("sell", BTC)
    venue.carry_out()
    (sale,) = venue.ways_out
    sold_at = venue.floor.now
    venue.cancelled(sale.id, "the exchange has it no longer")
    venue.floor.sample()
    venue.floor.tell(OrderRejected("main", venue.sent().id, "no funds", venue.floor.now))
    venue.carry_out()
    venue.looks("0", "10002")
    numbers = [one.number for one in venue.floor.trader.reconciliation.differences.open]
    assert numbers
    for number in numbers:
        venue.answer(str(number), "adopt")
    assert venue.floor.held() is None
    assert venue.cash == 10_002
    venue.fill(sale, 102.0, at=sold_at)
    venue.carry_out()
    assert venue.floor.held() is None
    assert venue.cash == 10_002
    assert sum(one.profit for one in venue.floor.trades) == 2
    venue.looks("0", "10002")
    assert not venue.open_topics


@pytest.mark.parametrize("quantity", ["1", "0.25"])
def test_a_position_that_is_kept_apart_counts_once(quantity: str) -> None:
    venue = Late(MarketType.SWAP)
    venue.looks(quantity, "9999.9")
    for number in ("1", "2"):
        venue.answer(number, "adopt")
    venue.tell_late(quantity, fee="0.1")
    check_agrees(venue, quantity, "9999.9")
    assert venue.floor.position().entry_price == 100


@given(
    parts=st.lists(st.sampled_from(["0.25", "0.5", "1"]), min_size=1, max_size=4),
    coins=st.sampled_from(["adopt", "ignore", "close", ""]),
    money=st.sampled_from(["adopt", "ignore", ""]),
    beside=st.sampled_from(["0", "0.75", "2"]),
    fee=st.sampled_from(["0", "0.1"]),
    kind=st.sampled_from([MarketType.SPOT, MarketType.SWAP]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_however_it_was_answered_nothing_counts_twice_and_nothing_is_lost(
    parts: list[str], coins: str, money: str, beside: str, fee: str, kind: MarketType
) -> None:
    venue = Late(kind)
    bought, fees = sum(map(Decimal, parts)), Decimal(fee) * len(parts)
    there = bought + Decimal(beside)
    spent = fees if kind is MarketType.SWAP else bought * 100 + fees
    usdt = 10_000 - spent
    venue.looks(str(there), str(usdt))
    for one in list(venue.floor.trader.reconciliation.differences.open):
        choice = money if one.topic.kind is DifferenceKind.CASH else coins
        if choice in one.difference.choices:
            venue.answer(str(one.number), choice)
    for part in parts:
        venue.tell_late(part, fee)
    for sale in venue.ways_out:
        if venue.floor.trader.orders.open.get(sale.id) is not None:
            venue.fill(sale, 105.0)
            venue.carry_out()
            there -= sale.quantity
            usdt += sale.quantity * (5 if kind is MarketType.SWAP else 105)
    assert len(venue.floor.memory.fills) >= len(parts)
    venue.looks(str(there), str(usdt))
    for one in venue.floor.trader.reconciliation.differences.open:
        assert not one.difference.is_missing, "nothing was counted twice"
        # What came from elsewhere and was never answered is still asked about.
        assert not coins
        assert Decimal(beside)
    book = venue.floor.trader.desks["main"].book
    held = book.positions[BTC].quantity if BTC in book.positions else Decimal(0)
    if coins != "ignore":
        assert held == there - (Decimal(beside) if not coins else 0)


def test_coins_that_paid_its_fee_and_were_booked_as_gone_pay_it_once(venue: Late) -> None:
    venue.floor.tick(50.0, ETH)
    venue.floor.do("buy", ETH, "2")
    ether = venue.sent()
    venue.accept(ether)
    fill = Fill("e1", "main", ether.id, ETH, ether.side, D(2), D(50), D(0), "USDT", venue.floor.now)
    venue.floor.tell(OrderFilled(fill))
    venue.carry_out()
    for _ in range(2):
        venue.floor.tick(105.0)
        held = {"USDT": D(9_800), "BTC": D(1), "ETH": D("1.99")}
        venue.floor.tell(AccountSeen("main", 0, [], held, None, venue.floor.now))
        venue.carry_out()
    for one in list(venue.floor.trader.reconciliation.differences.open):
        venue.answer(str(one.number), "adopt")
    assert venue.floor.position(ETH).quantity == D("1.99")
    report = venue.fill(
        venue.entry, 100.0, "1", fee="0.01", fee_currency="ETH", at=venue.executed_at
    )
    venue.carry_out()
    assert report.fill.fee_currency == "ETH"
    assert venue.floor.position(ETH).quantity == D("1.99")
    assert venue.floor.position(BTC).quantity == 1
    assert venue.floor.position(BTC).fees == D("0.5")
    assert venue.cash == 9_800


@pytest.mark.parametrize("kind", [MarketType.SPOT, MarketType.SWAP])
@pytest.mark.parametrize("sold", ["1", "0.6"])
def test_what_was_adopted_and_sold_since_is_not_held_again(kind: MarketType, sold: str) -> None:
    venue = Late(kind)
    is_spot = kind is MarketType.SPOT
    venue.looks("1", "9900" if is_spot else "9999.9")
    for number in ("1", "2"):
        venue.answer(number, "adopt")
    for order in venue.floor.orders():
        venue.fill(order, 99.75, sold)
    venue.carry_out()
    shorts = len(venue.floor.trades)
    venue.tell_late(fee="0" if is_spot else "0.1")
    left = 1 - D(sold)
    held = venue.floor.held()
    assert (D(0) if held is None else held.quantity) == left
    assert all(one.side is Side.BUY for one in venue.floor.trades[shorts:]), "no short sale"
    if held is None:
        assert sum(one.gross for one in venue.floor.trades) == D("-0.25")
    if is_spot:
        assert venue.cash == 9_900 + D(sold) * D("99.75")


@given(
    kind=st.sampled_from([MarketType.SPOT, MarketType.SWAP]),
    is_open=st.booleans(),
    after_s=st.sampled_from([-3.0, -1.5, -1.0, -0.25, 0.25, 1.0, 1.5, 3.0]),
    ahead_s=st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]),
    parts=st.sampled_from([("1",), ("0.25",), ("0.5", "0.5")]),
    coins=st.sampled_from(["adopt", "ignore"]),
    money=st.sampled_from(["adopt", "ignore"]),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_two_clocks_decide_wrongly_is_looked_at_at_once_and_asked_about(
    kind: MarketType,
    is_open: bool,
    after_s: float,
    ahead_s: float,
    parts: tuple[str, ...],
    coins: str,
    money: str,
) -> None:
    venue = Late(kind, is_open=is_open)
    bought, is_in_look = sum(map(Decimal, parts)), after_s < 0
    cost = bought * 100 if kind is MarketType.SPOT else D(0)
    shown, spent = (bought, cost) if is_in_look else (D(0), D(0))
    # Somebody has put coins and some money there as well, so that there is an answer.
    venue.looks(str(shown + 2), str(10_170 - spent))
    seen_at = venue.floor.now
    for one in list(venue.floor.trader.reconciliation.differences.open):
        is_money = one.topic.kind is DifferenceKind.CASH
        venue.answer(str(one.number), money if is_money else coins)
    told_at = seen_at + after_s + ahead_s
    for part in parts:
        venue.fill(venue.entry, 100.0, part, at=told_at)
        is_doubtful = abs(told_at - seen_at) <= 2
        assert venue.asked() or not is_doubtful, "it is looked at as soon as it is doubtful"
        venue.carry_out()
    assert not venue.open_topics
    venue.looks(str(bought + 2), str(10_170 - cost))
    found = list(venue.floor.trader.reconciliation.differences.open)
    is_wrong = is_in_look != (told_at < seen_at)
    assert bool(found) == is_wrong, "what is wrong is asked about, and nothing else"
    assert all(abs(one.difference.amount) in {bought, cost} for one in found), "by just that"
    # What is booked as gone has earned or lost at a swap, which is asked about as well.
    for _ in range(2):
        for one in list(venue.floor.trader.reconciliation.differences.open):
            venue.answer(str(one.number), "adopt")
        venue.looks(str(bought + 2), str(10_170 - cost))
    assert not venue.open_topics
    ignored = venue.floor.trader.reconciliation.differences.records.ignored.get("main", {})
    others = sum(one for topic, one in ignored.items() if topic.kind is not DifferenceKind.CASH)
    assert venue.floor.position().quantity + others == bought + 2
