"""Fees that are paid in a coin that is traded too, or in one whose price nobody knows."""

from decimal import Decimal
from itertools import count
from pathlib import Path

from tests.trading_tests.engine.floor import D
from tests.trading_tests.engine.live_venue import Venue
from tests.trading_tests.makers import BTC, ETH, of_kind
from trading.engine.effects import CancelOrder, SubmitOrder
from trading.model.account import MarketKey, MarketType
from trading.model.difference import DifferenceKind, Topic
from trading.model.order import Fill, Order, Purpose
from trading.model.report import OrderAccepted, OrderCancelled, OrderFilled, OrderRejected
from trading.saved_values import check_saved_values

NUMBERS = count(1)


class Desk(Venue):
    """Trade bitcoins and ether, and pay fees in whatever a test says."""

    def __init__(self, kind: MarketType = MarketType.SPOT) -> None:
        super().__init__(kind)
        self.floor.tick(50.0, ETH)

    def run(
        self, order: Order, price: str, fee: str = "0", coin: str = "USDT", worth: str = ""
    ) -> OrderFilled:
        """Fill all of an order, and carry out what follows for stops."""
        report = OrderFilled(
            Fill(
                f"f{next(NUMBERS)}",
                "main",
                order.id,
                order.symbol,
                order.side,
                order.quantity,
                D(price),
                D(fee),
                coin,
                self.floor.now,
                fee_worth=D(worth) if worth else None,
            )
        )
        self.floor.tell(report)
        self.carry_out()
        return report

    def carry_out(self) -> None:
        """Take stops in, and let go of those that are to be cancelled."""
        while not self.is_idle:
            sent = [one.approved.order for one in of_kind(self.floor.effects, SubmitOrder)]
            gone = [one.order_id for one in of_kind(self.floor.effects, CancelOrder)]
            for order in sent:
                assert order.purpose is Purpose.PROTECTION
                self.floor.tell(OrderAccepted("main", order.id, f"v-{order.id}", self.floor.now))
            for order_id in gone:
                self.floor.tell(OrderCancelled("main", order_id, "cancelled", self.floor.now))

    def buys(self, symbol: str, quantity: str) -> Order:
        self.floor.do("buy", symbol, quantity)
        return self.sent()

    def stop(self, symbol: str) -> Order:
        (stop,) = self.floor.orders(symbol)
        return stop

    @property
    def equity(self) -> float:
        return self.floor.trader.desks["main"].book.equity()


def holding_ether() -> Desk:
    desk = Desk()
    desk.run(desk.buys(ETH, "2"), "50")
    return desk


def test_a_fee_in_a_coin_that_is_held_leaves_so_much_less_of_it() -> None:
    desk = holding_ether()
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH", worth="0.5")
    assert desk.floor.position(ETH).quantity == D("1.99")
    assert desk.stop(ETH).quantity == D("1.99"), "what is really there is what can be sold"
    assert desk.floor.position(BTC).fees == D("0.5")
    assert desk.floor.cash() == D(9_800)
    assert desk.equity == 9_800 + 100 + 1.99 * 50


def test_the_exchange_shows_the_same_and_nothing_differs() -> None:
    desk = holding_ether()
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH", worth="0.5")
    for _ in range(3):
        desk.show(usdt="9800", BTC="1", ETH="1.99")
    assert not desk.floor.trader.reconciliation.differences.open


def test_what_trades_earned_is_the_change_of_the_money() -> None:
    desk = holding_ether()
    entry = desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH", worth="0.5")
    desk.floor.tell(entry)
    assert desk.floor.position(ETH).quantity == D("1.99"), "told again it counts once"
    desk.floor.tick(60.0, ETH)
    sales = ((BTC, "110", "0.011", "ETH", "0.66"), (ETH, "60", "0.11", "USDT", ""))
    for symbol, price, fee, coin, worth in sales:
        stop = desk.stop(symbol)
        desk.floor.do("sell", symbol)
        desk.floor.tell(OrderCancelled("main", stop.id, "cancelled", desk.floor.now))
        desk.run(desk.sent(), price, fee, coin, worth)
    profits = sum((one.profit for one in desk.floor.trades), Decimal(0))
    assert desk.floor.held(BTC) is None
    assert desk.floor.held(ETH) is None
    assert desk.floor.cash() - 10_000 == profits


def test_coins_that_are_none_of_ours_pay_first() -> None:
    desk = holding_ether()
    book = desk.floor.trader.desks["main"]
    topic = Topic(DifferenceKind.HOLDING, "ETH")
    desk.floor.trader.reconciliation.differences.ignore(book, topic, D("0.015"))
    for _ in range(2):
        desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH", worth="0.5")
    assert desk.floor.position(ETH).quantity == D("1.995")
    for _ in range(3):
        desk.show(usdt="9700", BTC="2", ETH="1.995")
    assert not desk.floor.trader.reconciliation.differences.open


def test_a_rest_that_is_too_small_to_be_sold_pays_too() -> None:
    desk = Desk()
    desk.run(desk.buys(ETH, "0.03"), "50", fee="0.000005", coin="ETH")
    stop = desk.stop(ETH)
    desk.floor.do("sell", ETH)
    desk.floor.tell(OrderCancelled("main", stop.id, "cancelled", desk.floor.now))
    desk.run(desk.sent(), "50")
    book = desk.floor.trader.desks["main"].book
    rest = book.residues[ETH].quantity
    assert rest == D("0.000005")
    desk.run(desk.buys(BTC, "1"), "100", fee="0.000004", coin="ETH", worth="0.0002")
    assert book.residues[ETH].quantity == D("0.000001")
    desk.floor.restart()
    assert desk.floor.trader.desks["main"].book.residues[ETH].quantity == D("0.000001")


def test_where_its_worth_was_not_told_the_price_of_the_moment_counts() -> None:
    desk = holding_ether()
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH")
    assert desk.floor.position(ETH).quantity == D("1.99")
    assert desk.floor.position(BTC).fees == D("0.5")
    (fill,) = [one for one in desk.floor.memory.fills.values() if one.symbol == BTC]
    assert fill.fee_worth == D("0.5")
    assert desk.floor.order(BTC).instance == ""


def test_a_fee_whose_worth_nobody_knows_is_told() -> None:
    desk = Desk()
    entry = desk.buys(BTC, "1")
    desk.run(entry, "100", fee="3", coin="XYZ")
    (said,) = desk.floor.told("fee_of_unknown_worth")
    assert "3 XYZ" in said
    assert "counts as nothing" in " ".join(said.split())
    desk.run(desk.buys(BTC, "1"), "100", fee="4", coin="XYZ")
    assert len(desk.floor.told("fee_of_unknown_worth")) == 1, "not for each execution"


def test_a_fee_of_unknown_worth_counts_once_there_is_a_price() -> None:
    desk = Desk()
    desk.floor.trader.markets.by_symbol[ETH].price = None
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH")
    assert desk.floor.position(BTC).fees == 0
    assert desk.floor.told("fee_of_unknown_worth")
    desk.floor.tick(60.0, ETH)
    desk.floor.sample()
    assert desk.floor.position(BTC).fees == D("0.6")
    desk.floor.sample()
    assert desk.floor.position(BTC).fees == D("0.6")
    assert desk.floor.memory.positions[MarketKey("main", BTC)].fees == D("0.6")


def unpriced() -> Desk:
    """Pay a fee in ether while nobody knows what ether costs."""
    desk = Desk()
    desk.floor.trader.markets.by_symbol[ETH].price = None
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH")
    return desk


def test_a_fee_of_unknown_worth_counts_after_a_restart_too() -> None:
    desk = unpriced()
    desk.floor.restart()
    desk.begin()
    desk.floor.tick(100.0)
    desk.floor.sample()
    assert desk.floor.position(BTC).fees == 0, "there is no price yet"
    desk.floor.tick(60.0, ETH)
    desk.floor.sample()
    desk.floor.restart()
    desk.floor.tick(70.0, ETH)
    desk.floor.sample()
    assert desk.floor.position(BTC).fees == D("0.6"), "once"
    check_saved_values(desk.floor.memory.values, Path("state.db"))


def test_a_fee_of_a_position_that_was_closed_is_none_of_the_next_one() -> None:
    desk = unpriced()
    desk.floor.do("sell", BTC)
    desk.cancelled(desk.stop(BTC).id)
    sale = desk.sent()
    desk.floor.tick(100.0)
    desk.run(sale, "100")
    desk.run(desk.buys(BTC, "1"), "100", fee="0.02", coin="ETH")
    desk.floor.tick(50.0, ETH)
    desk.floor.sample()
    assert desk.floor.position(BTC).fees == 1


def test_where_positions_are_kept_apart_a_fee_takes_none_of_them() -> None:
    desk = Desk(MarketType.SWAP)
    desk.run(desk.buys(ETH, "2"), "50")
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH", worth="0.5")
    assert desk.floor.position(ETH).quantity == D(2)


def test_nothing_is_written_for_a_fee_in_the_currency_of_the_account() -> None:
    desk = holding_ether()
    desk.run(desk.buys(BTC, "1"), "100", fee="0.1")
    assert not desk.floor.told("fee_of_unknown_worth")
    assert desk.floor.position(ETH).quantity == D(2)


def test_a_fee_does_not_have_a_position_left_at_once_that_cannot_be_left_for_now() -> None:
    desk = holding_ether()
    desk.floor.do("sell", ETH)
    desk.cancelled(desk.stop(ETH).id)
    refuse(desk, desk.sent())
    desk.floor.sample()
    refuse(desk, desk.sent())
    desk.carry_out()
    desk.run(desk.buys(BTC, "1"), "100", fee="0.01", coin="ETH", worth="0.5")
    assert desk.stop(ETH).purpose is Purpose.PROTECTION
    assert desk.stop(ETH).quantity == desk.floor.position(ETH).quantity == D("1.99")
    assert len(desk.floor.told("protection_missing")) == 1


def refuse(desk: Desk, way_out: Order) -> None:
    assert way_out.purpose is Purpose.EXIT
    desk.floor.tell(OrderRejected("main", way_out.id, "insufficient funds", desk.floor.now))
