"""What every exchange must keep with money, through ccxt: holdings, fills, fees, positions."""

from decimal import Decimal

from daemonkit.clock import ManualClock, SystemClock
from tests.fakes.exchange.terms import Fees
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from trading.brokers.venue import Holding, Refused, Taken
from trading.model.order import Purpose, Side


def test_holdings_are_those_of_the_ledger(coins: Desk) -> None:
    coins.venue.submit(coins.order(quantity=Decimal("0.02")))
    coins.venue.submit(coins.limit("70000", side=Side.SELL, purpose=Purpose.EXIT))
    balances = coins.engine.balances(coins.account)
    assert coins.venue.holdings() == {
        name: Holding(balance.total, balance.free) for name, balance in balances.items()
    }
    assert coins.venue.positions() == []


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


def test_what_an_account_of_contracts_is_worth_is_told_in_the_venue_s_own_figures() -> None:
    with open_desk("krakenfutures-swap") as desk:
        desk.venue.submit(desk.order(quantity=Decimal("0.03")))
        held = desk.venue.holdings()["USD"]
        (position,) = desk.engine.positions(desk.account)
        last = desk.engine.tapes[position.market.symbol].last
        assert last is not None
        assert held.equity == held.total + position.profit_at(last)
        assert held.margin_free is not None
        assert held.margin_free < held.equity


def test_what_a_margin_account_is_worth_is_told_and_nothing_hangs_on_it() -> None:
    with open_desk("kraken-margin") as desk:
        desk.venue.submit(desk.order(quantity=Decimal("0.03")))
        held = desk.venue.holdings()["USD"]
        (position,) = desk.engine.positions(desk.account)
        last = desk.engine.tapes[position.market.symbol].last
        assert last is not None
        assert held.equity is not None
        assert abs(held.equity - held.total - position.profit_at(last)) < Decimal("0.0001")
        assert held.margin_free == held.equity - round(position.margin, 4)
        desk.running.faults.status(500, acts=False, when=lambda one: one.name == "TradeBalance")
        assert desk.venue.holdings()["USD"].equity is None


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
