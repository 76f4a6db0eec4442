"""The matching venue behind the dialects: fees, positions, bookings, and a ledger that adds up."""

from decimal import Decimal

import pytest

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Fees, OrderKind, OrderState, Side
from tests.fakes_tests.exchange.matching.wishes import buy, wish

D = Decimal
SPOT = "BTC/USD"
SWAP = "BTC/USD:USD"


@pytest.mark.parametrize(
    ("paid_in", "usd", "btc", "bnb"),
    [
        ("quote", "899.8", "1", "10"),
        ("base", "900", "0.998", "10"),
        ("received", "900", "0.998", "10"),
        ("BNB", "900", "1", "9.99975"),
    ],
)
def test_fees_are_paid_in_what_the_account_says(
    engine: Engine, account: Account, paid_in: str, usd: str, btc: str, bnb: str
) -> None:
    account.fees = Fees(D("0.001"), D("0.002"), paid_in, worth=D(800))
    engine.deposit(account, "BNB", D(10))
    buy(engine, account)
    totals = {name: balance.total for name, balance in engine.balances(account).items()}
    assert totals == {"USD": D(usd), "BTC": D(btc), "BNB": D(bnb)}
    engine.check()


def test_a_third_currency_that_is_used_up_leaves_the_fee_to_what_is_received(
    engine: Engine, account: Account
) -> None:
    account.fees = Fees(D("0.001"), D("0.002"), "BNB", worth=D(800))
    buy(engine, account)
    assert engine.trades(account)[0].fee_currency == "BTC"


def test_a_leveraged_position_is_netted_and_books_its_profit(
    engine: Engine, account: Account
) -> None:
    engine.submit(account, wish(Side.SELL, OrderKind.MARKET, "4", leverage=D(2)))
    (position,) = engine.positions(account)
    assert (position.quantity, position.entry_price, position.margin) == (D(-4), D(100), D(200))
    assert "BTC" not in engine.balances(account), "no coins move"
    engine.price(SPOT, D(90))
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, "6", leverage=D(2)))
    (position,) = engine.positions(account)
    assert (position.quantity, position.entry_price) == (D(2), D(90)), "closed, and turned around"
    assert engine.trades(account)[-1].profit == 40
    assert engine.balances(account)["USD"].total == D(1000) + 40 - D("0.8") - D("1.08")
    engine.check()


def test_a_reduce_only_order_never_turns_a_position_around(
    engine: Engine, account: Account
) -> None:
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, symbol=SWAP))
    stop = engine.submit(
        account,
        wish(Side.SELL, OrderKind.STOP, "3", trigger="90", is_reduce_only=True, symbol=SWAP),
    )
    engine.price(SWAP, D(89))
    assert (stop.filled, stop.state) == (D(1), OrderState.CANCELLED)
    assert engine.positions(account) == []


def test_a_position_beyond_its_margin_is_liquidated(engine: Engine, account: Account) -> None:
    account.leverage[SWAP] = D(5)
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, "40", symbol=SWAP))
    (position,) = engine.positions(account)
    assert position.liquidation_price == 81
    engine.price(SWAP, D(82))
    assert engine.positions(account)
    engine.price(SWAP, D(81))
    assert engine.positions(account) == []
    assert engine.closed_orders(account)[-1].reason == "liquidation"


def test_fundings_and_rollovers_are_bookings(engine: Engine, account: Account) -> None:
    engine.submit(account, wish(Side.BUY, OrderKind.MARKET, symbol=SWAP))
    engine.submit(account, wish(Side.SELL, OrderKind.MARKET, leverage=D(2)))
    (funding,) = engine.fund(SWAP, D("0.0001"))
    (rollover,) = engine.roll_over(SPOT, D("0.0002"))
    assert (funding.amount, rollover.amount) == (D("-0.01"), D("-0.02"))
    engine.check()


def test_a_ledger_that_does_not_add_up_is_found(engine: Engine) -> None:
    engine.ledger._totals["main", "USD"] += 1
    with pytest.raises(AssertionError, match="USD"):
        engine.check()
