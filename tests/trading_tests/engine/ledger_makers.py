"""Short ways to fill orders into a book."""

from decimal import Decimal
from itertools import count

from trading.engine.ledger import AccountBook, BookChange
from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument
from trading.model.order import ExitPlan, Fill, Order, OrderType, Purpose, Side

ACCOUNT = Account("main", "paper", MarketType.SWAP, True, "USDT", True, Decimal(1))
BTC = Instrument("BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.0001"))
ETH = Instrument("ETH/USDT", "ETH", "USDT", Decimal("0.01"), Decimal("0.0001"))
PLAN = ExitPlan(stop_fraction=Decimal("0.05"), target_fraction=Decimal("0.10"))
BUY, SELL = Side.BUY, Side.SELL


class Desk:
    """Fill orders of one account, one after the other."""

    def __init__(self, cash: str = "10000") -> None:
        self.numbers = count(1)
        self._orders = count(1)
        self.book = AccountBook(ACCOUNT, Decimal(cash), (), lambda: next(self.numbers))

    def fill(
        self,
        side: Side,
        quantity: str,
        price: str,
        *,
        fee: str = "0",
        fee_currency: str = "USDT",
        fee_worth: str | None = None,
        instrument: Instrument = BTC,
        plan: ExitPlan | None = None,
        order_id: str = "",
        reason: str = "",
        instance: str = "",
        at: float = 1_000.0,
        purpose: Purpose = Purpose.ENTRY,
        limit: str | None = None,
    ) -> BookChange:
        """Book one execution of an order of its own, unless an id is given."""
        number = next(self._orders)
        order_id = order_id or f"o{number}"
        order = Order(
            order_id,
            "main",
            instrument.symbol,
            side,
            OrderType.MARKET,
            purpose,
            Decimal(quantity),
            at,
            limit_price=None if limit is None else Decimal(limit),
            reason=reason,
            instance=instance,
            exit_plan=plan,
        )
        fill = Fill(
            f"f{number}",
            "main",
            order_id,
            instrument.symbol,
            side,
            Decimal(quantity),
            Decimal(price),
            Decimal(fee),
            fee_currency,
            at,
            fee_worth=None if fee_worth is None else Decimal(fee_worth),
        )
        return self.book.apply(fill, order, instrument)
