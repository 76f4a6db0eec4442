"""Whatever is filled, the ledger's sums agree to the last digit."""

from decimal import Context, Decimal, localcontext
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.engine.ledger_makers import BTC, BUY, ETH, PLAN, SELL, Desk
from trading.engine.ledger import AccountBook, profit_at
from trading.model.instrument import Instrument
from trading.model.order import Side
from trading.model.position import Trade

EXACT = Context(prec=300)
START = Decimal("1000000.01")


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[str]:
    return st.decimals(low, high, places=places).map(lambda value: f"{value:f}")


class Execution(NamedTuple):
    """One fill as it is drawn; a fee in coins is a part of the quantity."""

    side: Side
    quantity: str
    price: str
    fee: str
    is_fee_in_coins: bool
    instrument: Instrument

    @property
    def cost(self) -> str:
        """Return the fee in its own currency."""
        return f"{Decimal(self.quantity) / 1000:f}" if self.is_fee_in_coins else self.fee

    @property
    def coins(self) -> Decimal:
        """Return by how much it changes what is held."""
        fee = Decimal(self.cost) if self.is_fee_in_coins else 0
        return self.side.sign * Decimal(self.quantity) - fee


FILLS = st.lists(
    st.builds(
        Execution,
        st.sampled_from([BUY, SELL]),
        decimals("0.00000001", "30", 8) | st.sampled_from(["1", "2"]),
        decimals("0.00000001", "99999999", 8),
        decimals("-0.5", "2", 10),
        st.sampled_from([False, False, True]),
        st.sampled_from([BTC, ETH]),
    ),
    max_size=40,
)


@given(FILLS, decimals("0.00000001", "99999999", 8))
def test_equity_is_the_start_and_what_all_trades_earned(fills: list[Execution], price: str) -> None:
    with localcontext(EXACT):
        desk = Desk(str(START))
        trades: list[Trade] = []
        held = dict.fromkeys(("BTC/USDT", "ETH/USDT"), Decimal(0))
        for index, one in enumerate(fills):
            symbol = one.instrument.symbol
            change = desk.fill(
                one.side,
                one.quantity,
                one.price,
                fee=one.cost,
                fee_currency=one.instrument.base if one.is_fee_in_coins else "USDT",
                instrument=one.instrument,
                plan=PLAN if index % 3 else None,
                order_id=f"o{index // 2}",
                at=float(index),
            )
            held[symbol] += one.coins
            trades += [change.trade] if change.trade else []
            assert change.position == desk.book.positions.get(symbol)
            check(desk.book, trades, held, Decimal(price))
        numbers = [one.number for one in trades]
        assert numbers == list(range(1, next(desk.numbers)))


def check(book: AccountBook, trades: list[Trade], held: dict[str, Decimal], price: Decimal) -> None:
    positions = book.positions
    assert {key: one.quantity for key, one in positions.items()} == {
        key: quantity for key, quantity in held.items() if quantity
    }
    equity = book.cash + sum(one.quantity * price for one in positions.values())
    open_part = sum(profit_at(one, price) for one in positions.values())
    assert equity == START + sum(one.profit for one in trades) + open_part
    for one in trades:
        assert one.profit == one.gross - one.fees
    for held_one in positions.values():
        still_held = held_one.quantity * (price - held_one.entry_price)
        assert held_one.realised + still_held - held_one.fees == profit_at(held_one, price)
        assert held_one.entry_quantity - held_one.exit_quantity == abs(held_one.quantity)
