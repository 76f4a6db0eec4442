"""What every exchange must keep, against fakes that match for real and are asked through ccxt."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock, SystemClock
from tests.fakes.exchange.faults import Rule
from tests.fakes.exchange.terms import Fees
from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS, Desk, open_desk
from trading.brokers.venue import (
    CancelAnswer,
    FailureKind,
    Holding,
    Refused,
    Taken,
    Unclear,
    VenueError,
    VenueOrderState,
)
from trading.model.order import OrderType, Purpose, Side
from trading.model.values import replace

SPOT = [name for name in SETTINGS if "-" not in name]
LISTS = (Kind.ORDER, Kind.OPEN_ORDERS, Kind.CLOSED_ORDERS)


@pytest.fixture(params=list(SETTINGS))
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


@pytest.fixture(params=SPOT)
def spot(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


@pytest.fixture(params=[*SPOT, "krakenfutures-swap"])
def own(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


@pytest.fixture(params=[*SPOT, "kraken-generic", "binance-generic"])
def coins(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with open_desk(request.param) as opened:
        yield opened


def test_connecting_tells_steps_minimums_and_rights(desk: Desk) -> None:
    instrument = desk.connected.instruments[desk.symbol]
    assert (instrument.base, instrument.quote) == ("BTC", desk.quote)
    assert instrument.price_step == Decimal("0.1")
    assert instrument.quantity_step == Decimal("1E-8")
    if not desk.venue.name.endswith("futures"):
        assert instrument.quantity_min == Decimal("0.00005")
        assert instrument.cost_min == Decimal("0.5")
    assert desk.connected.abilities.stops
    assert abs(desk.venue.server_time() - SystemClock.wall()) < 2


def test_connecting_tells_what_the_key_may_do(spot: Desk) -> None:
    rights = spot.connected.rights
    assert (rights.can_withdraw, rights.can_trade) == (False, True)
    assert rights.account_id


def test_a_market_order_is_one_request_and_its_fill_is_told_to_the_last_digit(desk: Desk) -> None:
    order = desk.order(quantity=Decimal("0.01234567"))
    began_at = SystemClock.wall() - 1
    answer = desk.venue.submit(order)
    assert isinstance(answer, Taken)
    assert desk.sent(Kind.SUBMIT) == 1
    found = desk.venue.find(order)
    assert found is not None
    assert (found.venue_id, found.client_id) == (answer.venue_id, order.id)
    assert (found.state, found.filled) == (VenueOrderState.FILLED, order.quantity)
    fills = desk.venue.fills(began_at)
    trades = desk.engine.trades(desk.account)
    assert [
        (fill.venue_id, fill.side, fill.quantity, fill.price, fill.fee, fill.fee_currency)
        for fill in fills
    ] == [
        (answer.venue_id, Side.BUY, trade.quantity, trade.price, trade.fee, trade.fee_currency)
        for trade in trades
    ]
    assert sum(fill.quantity for fill in fills) == order.quantity
    assert all(abs(fill.at - trade.at) < 0.01 for fill, trade in zip(fills, trades, strict=True))


def test_an_open_order_is_found_by_each_id_listed_and_cancelled(desk: Desk) -> None:
    order = desk.limit("50000")
    answer = desk.venue.submit(order)
    assert isinstance(answer, Taken)
    (listed,) = desk.venue.open_orders()
    assert listed == desk.venue.find(order)
    assert (listed.client_id, listed.symbol, listed.type) == (order.id, desk.symbol, order.type)
    assert (listed.limit_price, listed.quantity, listed.filled) == (
        Decimal(50000),
        order.quantity,
        Decimal(0),
    )
    known = desk.order(id=order.id, venue_id=answer.venue_id, created_at=order.created_at)
    said = desk.venue.cancel(known)
    assert desk.sent(Kind.CANCEL) == 1
    assert desk.venue.open_orders() == []
    ended = desk.venue.find(known)
    assert ended is not None
    assert ended.state is VenueOrderState.CANCELLED
    # Whoever shows the order with the answer shows what a look-up shows.
    assert said is CancelAnswer.ASKED or said == ended
    assert desk.venue.cancel(known) in (CancelAnswer.NOT_OPEN, CancelAnswer.UNCLEAR)


def test_several_orders_are_shown_at_once_as_each_is_by_itself(desk: Desk) -> None:
    sent = [desk.limit("50000"), desk.limit("51000"), desk.order()]
    known = []
    for order in sent:
        answer = desk.venue.submit(order)
        assert isinstance(answer, Taken)
        known.append(replace(order, venue_id=answer.venue_id))
    desk.venue.cancel(known[1])
    if desk.connected.abilities.finds_at_once == 1:
        with pytest.raises(VenueError, match="one by one"):
            desk.venue.find_all(known)
        return
    before = desk.sent(*LISTS)
    shown = {one.venue_id: one for one in desk.venue.find_all(known)}
    assert desk.sent(*LISTS) == before + 1
    assert [shown.pop(order.venue_id) for order in known] == [*map(desk.venue.find, known)]
    assert not shown


def test_an_unknown_order_among_several_is_left_out_or_has_all_refused(desk: Desk) -> None:
    if desk.connected.abilities.finds_at_once == 1:
        return
    answer = desk.venue.submit(desk.limit("50000"))
    assert isinstance(answer, Taken)
    asked = [desk.order(venue_id=each) for each in (answer.venue_id, "OAAAAA-BBBBB-CCCCCC")]
    if desk.venue.name == "kraken":
        with pytest.raises(VenueError, match="Unknown order") as failure:
            desk.venue.find_all(asked)
        assert failure.value.kind is FailureKind.REFUSED
    else:
        assert [one.venue_id for one in desk.venue.find_all(asked)] == [answer.venue_id]


def test_a_stop_rests_and_fires(desk: Desk) -> None:
    desk.venue.submit(desk.order())
    stop = desk.order(
        type=OrderType.STOP,
        stop_price=Decimal(60000),
        side=Side.SELL,
        purpose=Purpose.PROTECTION,
        reduce_only=True,
        quantity=Decimal("0.009"),
    )
    assert isinstance(desk.venue.submit(stop), Taken)
    (listed,) = desk.venue.open_orders()
    assert (listed.stop_price, listed.side) == (Decimal(60000), Side.SELL)
    desk.engine.price(desk.symbol, Decimal(59990))
    found = desk.venue.find(stop)
    assert found is not None
    assert (found.state, found.filled) == (VenueOrderState.FILLED, Decimal("0.009"))


def test_an_order_that_was_never_sent_is_nowhere(desk: Desk) -> None:
    assert desk.venue.find(desk.order()) is None


def test_orders_in_other_markets_are_left_alone(desk: Desk) -> None:
    with_sol = desk.engine.markets[f"SOL/{desk.quote}"]
    assert with_sol is not None
    assert f"SOL/{desk.quote}" not in desk.connected.instruments
    refused = desk.venue.submit(desk.order(symbol=f"SOL/{desk.quote}"))
    assert isinstance(refused, Refused)
    assert desk.sent(Kind.SUBMIT) == 0


def test_holdings_are_those_of_the_ledger(coins: Desk) -> None:
    coins.venue.submit(coins.order(quantity=Decimal("0.02")))
    coins.venue.submit(coins.limit("70000", side=Side.SELL, purpose=Purpose.EXIT))
    balances = coins.engine.balances(coins.account)
    assert coins.venue.holdings() == {
        name: Holding(balance.total, balance.free) for name, balance in balances.items()
    }
    assert coins.venue.positions() == []


FAULTS: dict[str, Any] = {
    "hang": lambda faults: faults.hang(acts=True, kind=Kind.SUBMIT),
    "hang without": lambda faults: faults.hang(acts=False, kind=Kind.SUBMIT),
    "drop": lambda faults: faults.drop(acts=True, kind=Kind.SUBMIT),
    "drop without": lambda faults: faults.drop(acts=False, kind=Kind.SUBMIT),
    "502": lambda faults: faults.status(502, acts=True, kind=Kind.SUBMIT),
    "502 without": lambda faults: faults.status(502, acts=False, kind=Kind.SUBMIT),
    "504": lambda faults: faults.status(504, acts=True, kind=Kind.SUBMIT),
    "page": lambda faults: faults.html(acts=True, kind=Kind.SUBMIT),
    "half": lambda faults: faults.truncate(kind=Kind.SUBMIT),
    "cut": lambda faults: faults.cut(kind=Kind.SUBMIT),
    "timeout": lambda faults: faults.say(Word.TIMEOUT, acts=True, kind=Kind.SUBMIT),
    "internal": lambda faults: faults.say(Word.INTERNAL, acts=True, kind=Kind.SUBMIT),
    "unavailable": lambda faults: faults.say(Word.UNAVAILABLE, acts=True, kind=Kind.SUBMIT),
    "duplicate": lambda faults: faults.say(Word.DUPLICATE, acts=True, kind=Kind.SUBMIT),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_happens_to_the_answer_the_order_goes_out_once_and_is_looked_up(
    own: Desk, fault: str
) -> None:
    rule: Rule = FAULTS[fault](own.running.faults)
    order = own.limit("50000")
    answer = own.venue.submit(order)
    rule.clear()
    assert isinstance(answer, Unclear), answer
    assert own.sent(Kind.SUBMIT) == 1
    assert rule.met
    assert (own.venue.find(order) is not None) is rule.is_acting
    assert len(own.engine.orders(own.account)) == int(rule.is_acting)


@pytest.mark.parametrize("fault", ["502", "page", "half", "cut", "timeout"])
@pytest.mark.parametrize("name", ["kraken-generic", "binance-generic"])
def test_the_same_holds_in_the_words_of_ccxt(name: str, fault: str) -> None:
    with open_desk(name) as desk:
        rule: Rule = FAULTS[fault](desk.running.faults)
        order = desk.limit("50000")
        assert isinstance(desk.venue.submit(order), Unclear)
        assert desk.sent(Kind.SUBMIT) == 1
        rule.clear()
        assert desk.venue.find(order) is not None


def test_an_odd_yes_is_no_second_order(desk: Desk) -> None:
    desk.running.faults.odd(kind=Kind.SUBMIT)
    order = desk.limit("50000")
    answer = desk.venue.submit(order)
    assert isinstance(answer, Taken | Unclear)
    assert desk.sent(Kind.SUBMIT) == 1
    assert desk.venue.find(order) is not None


@pytest.mark.parametrize("word", [Word.RATE_LIMIT, Word.KEY, Word.FUNDS])
def test_a_definite_no_is_a_refusal(own: Desk, word: Word) -> None:
    rule = own.running.faults.say(word, acts=False, kind=Kind.SUBMIT)
    answer = own.venue.submit(own.limit("50000"))
    assert rule.met
    assert isinstance(answer, Refused), answer
    assert answer.is_passing is (word is Word.RATE_LIMIT), answer


@pytest.mark.parametrize("name", ["kraken", "binance"])
def test_a_nonce_or_a_time_that_is_off_passes(name: str) -> None:
    with open_desk(name) as desk:
        desk.running.faults.say(Word.NONCE, acts=False, kind=Kind.SUBMIT)
        answer = desk.venue.submit(desk.limit("50000"))
        assert isinstance(answer, Refused)
        assert answer.is_passing


def test_more_than_there_is_is_refused_in_words(spot: Desk) -> None:
    answer = spot.venue.submit(spot.limit("60000", quantity=Decimal(100)))
    assert isinstance(answer, Refused)
    assert "fund" in answer.reason.lower() or "balance" in answer.reason.lower()


@pytest.mark.parametrize("fault", ["drop", "502", "page", "half", "cut"])
def test_a_read_that_failed_never_says_that_an_order_is_not_there(desk: Desk, fault: str) -> None:
    order = desk.limit("50000")
    desk.venue.submit(order)
    faults = desk.running.faults
    rule: Rule = {
        "drop": lambda: faults.drop(acts=True, kind=LISTS, times=None),
        "502": lambda: faults.status(502, acts=False, kind=LISTS, times=None),
        "page": lambda: faults.html(acts=False, kind=LISTS, times=None),
        "half": lambda: faults.truncate(kind=LISTS, times=None),
        "cut": lambda: faults.cut(kind=LISTS, times=None),
    }[fault]()
    with pytest.raises(VenueError):
        desk.venue.find(order)
    with pytest.raises(VenueError):
        desk.venue.open_orders()
    rule.clear()
    assert desk.venue.find(order) is not None


def test_how_a_read_failed_is_told_by_its_kind(spot: Desk) -> None:
    faults = spot.running.faults
    for word, kind in (
        (Word.RATE_LIMIT, FailureKind.BUSY),
        (Word.KEY, FailureKind.KEY),
    ):
        faults.say(word, acts=False, kind=Kind.BALANCES)
        with pytest.raises(VenueError) as failure:
            spot.venue.holdings()
        assert failure.value.kind is kind
    faults.status(502, acts=False, kind=Kind.BALANCES)
    with pytest.raises(VenueError) as failure:
        spot.venue.holdings()
    assert failure.value.kind is FailureKind.UNREACHABLE
    faults.too_many_requests(9, kind=Kind.BALANCES)
    with pytest.raises(VenueError) as failure:
        spot.venue.holdings()
    assert (failure.value.kind, failure.value.retry_after_s) == (FailureKind.BUSY, 9.0)


def test_fills_of_many_pages_are_all_told_once(own: Desk) -> None:
    began_at = SystemClock.wall() - 1
    for _ in range(130):
        assert isinstance(own.venue.submit(own.order(quantity=Decimal("0.0001"))), Taken)
    fills = own.venue.fills(began_at)
    trades = own.engine.trades(own.account)
    assert len({fill.fill_id for fill in fills}) == len(fills) == len(trades) >= 130
    assert sum(fill.quantity for fill in fills) == Decimal("0.013")
    assert sum(fill.fee for fill in fills) == sum(trade.fee for trade in trades)
    assert own.venue.fills(fills[-1].at + 0.001) == []


def test_fills_are_gathered_where_pages_begin_with_the_newest() -> None:
    clock = ManualClock(SystemClock.wall())
    with open_desk("kraken-generic", clock=clock) as desk:
        began_at = clock.wall()
        for _ in range(130):
            clock.advance(2)
            desk.venue.submit(desk.order(quantity=Decimal("0.0001")))
        assert len(desk.venue.fills(began_at)) == len(desk.engine.trades(desk.account)) == 130


def test_deposits_and_withdrawals_are_told(desk: Desk) -> None:
    if not desk.connected.abilities.cash_moves:
        assert desk.venue.cash_moves(0) == []
        return
    began_at = SystemClock.wall() - 1
    desk.engine.deposit(desk.account, desk.quote, Decimal(500))
    desk.engine.withdraw(desk.account, desk.quote, Decimal(200))
    moves = desk.venue.cash_moves(began_at)
    assert {500, -200} <= {move.amount for move in moves if move.currency == desk.quote}
    assert len({move.id for move in moves}) == len(moves)


def test_a_key_that_can_withdraw_is_reported_at_connecting(spot: Desk) -> None:
    for key in spot.engine.keys.values():
        key.rights = type(key.rights)(withdraw=True)
    assert spot.venue.connect().rights.can_withdraw is True


def test_a_fee_in_a_third_currency_is_told_with_what_it_is_worth() -> None:
    fees = Fees(Decimal("0.001"), Decimal("0.001"), paid_in="ETH", worth=Decimal(3000))
    with open_desk("binance", fees) as desk:
        desk.engine.deposit(desk.account, "ETH", Decimal(1))
        desk.venue.submit(desk.order())
        (fill,) = desk.venue.fills(SystemClock.wall() - 5)
        assert fill.fee_currency == "ETH"
        assert fill.fee_worth == fill.fee * 3000


def test_a_fee_in_the_base_currency_is_told_as_such() -> None:
    with open_desk("binance", Fees(Decimal("0.001"), Decimal("0.001"), paid_in="base")) as desk:
        desk.venue.submit(desk.order())
        (fill,) = desk.venue.fills(SystemClock.wall() - 5)
        assert (fill.fee_currency, fill.fee_worth) == ("BTC", None)
        assert desk.venue.holdings()["BTC"].total == Decimal("0.01") - fill.fee


def test_a_margin_position_is_netted_costs_interest_and_is_only_reduced() -> None:
    with open_desk("kraken-margin") as desk:
        began_at = SystemClock.wall() - 1
        desk.venue.submit(desk.order(side=Side.SELL, quantity=Decimal("0.02")))
        desk.venue.submit(desk.order(side=Side.SELL, quantity=Decimal("0.01")))
        (position,) = desk.venue.positions()
        assert (position.symbol, position.quantity) == (desk.symbol, Decimal("-0.03"))
        assert abs(position.entry_price - 64000) < 200
        desk.engine.roll_over(desk.symbol, Decimal("0.0002"))
        (interest,) = [m for m in desk.venue.cash_moves(began_at) if m.kind.value == "interest"]
        assert interest.amount < 0
        close = desk.order(purpose=Purpose.EXIT, reduce_only=True, quantity=Decimal("0.05"))
        assert isinstance(desk.venue.submit(close), Taken | Refused)
        assert all(each.quantity <= 0 for each in desk.venue.positions())


def test_coinbase_holds_target_and_stop_as_one_order() -> None:
    with open_desk("coinbase") as desk:
        desk.venue.submit(desk.order())
        bracket = desk.order(
            type=OrderType.BRACKET,
            side=Side.SELL,
            purpose=Purpose.PROTECTION,
            quantity=Decimal("0.009"),
            limit_price=Decimal(66000),
            stop_price=Decimal(60000),
        )
        assert isinstance(desk.venue.submit(bracket), Taken)
        (listed,) = desk.venue.open_orders()
        assert (listed.type, listed.limit_price, listed.stop_price) == (
            OrderType.BRACKET,
            Decimal(66000),
            Decimal(60000),
        )
        desk.engine.price(desk.symbol, Decimal(66500))
        found = desk.venue.find(bracket)
        assert found is not None
        assert found.state is VenueOrderState.FILLED


def test_a_position_in_contracts_is_told_funded_and_only_reduced() -> None:
    with open_desk("krakenfutures-swap") as desk:
        began_at = SystemClock.wall() - 1
        assert desk.account.leverage[desk.symbol] == 3
        desk.venue.submit(desk.order(side=Side.SELL, quantity=Decimal("0.03")))
        (position,) = desk.venue.positions()
        assert (position.symbol, position.quantity) == (desk.symbol, Decimal("-0.03"))
        desk.engine.fund(desk.symbol, Decimal("0.0001"))
        (funding,) = [m for m in desk.venue.cash_moves(began_at) if m.kind.value == "funding"]
        (booked,) = [
            each for each in desk.engine.bookings(desk.account) if each.kind.value == "funding"
        ]
        assert funding.amount == booked.amount > 0
        too_much = desk.order(purpose=Purpose.EXIT, quantity=Decimal("0.05"))
        assert isinstance(desk.venue.submit(too_much), Taken | Refused)
        assert all(each.quantity <= 0 for each in desk.venue.positions())
        opposite = desk.order(side=Side.SELL, purpose=Purpose.EXIT, quantity=Decimal("0.01"))
        answer = desk.venue.submit(opposite)
        assert isinstance(answer, Refused)
        assert "wouldNotReducePosition" in answer.reason


class AheadClock:
    """Tell the time of an exchange whose clock goes some seconds ahead of ours."""

    ahead_s = 0.0
    monotonic = staticmethod(SystemClock.monotonic)

    def wall(self) -> float:
        return SystemClock.wall() + self.ahead_s


@pytest.mark.parametrize("name", ["kraken", "kraken-margin", "krakenfutures-swap", "binance"])
def test_an_order_that_comes_too_late_is_refused_by_the_exchange(name: str) -> None:
    clock = AheadClock()
    with open_desk(name, clock=clock) as desk:
        assert desk.connected.abilities.deadline_s is not None
        # As if it had been on its way for so long: the exchange's clock has gone on.
        clock.ahead_s = desk.connected.abilities.deadline_s + 1
        assert isinstance(desk.venue.submit(desk.limit("50000")), Refused | Unclear)
        assert desk.sent(Kind.SUBMIT) == 1
        assert desk.engine.orders(desk.account) == []


def test_a_second_key_for_reads_sets_no_leverage() -> None:
    with open_desk("krakenfutures-swap") as desk:
        desk.account.leverage.clear()
        reader = desk.build(is_for_reads=True)
        reader.connect()
        assert desk.account.leverage == {}
        assert reader.holdings() == desk.venue.holdings()
        reader.close()
