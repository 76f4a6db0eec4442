"""What every exchange must keep with orders, against fakes that match for real, through ccxt."""

from decimal import Decimal

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.wire import Kind
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from trading.brokers.venue import (
    CancelAnswer,
    FailureKind,
    Refused,
    Taken,
    Unclear,
    VenueError,
    VenueOrderState,
)
from trading.model.order import OrderType, Purpose, Side
from trading.model.values import replace

LISTS = (Kind.ORDER, Kind.OPEN_ORDERS, Kind.CLOSED_ORDERS)


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


def test_a_key_that_can_withdraw_is_reported_at_connecting(spot: Desk) -> None:
    for key in spot.engine.keys.values():
        key.rights = type(key.rights)(withdraw=True)
    assert spot.venue.connect().rights.can_withdraw is True


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
