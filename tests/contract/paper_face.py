"""The paper exchange behind the face of the contract."""

from collections.abc import Callable
from decimal import Decimal

from daemonkit.clock import ManualClock
from tests.contract.face import PRICE, Face
from tests.fakes.exchange.venues import SPOT_FEES
from trading.brokers.paper.exchange import PaperExchange
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument
from trading.model.market import Tick
from trading.model.order import Order, OrderType
from trading.model.order_states import OrderState
from trading.model.report import OrderAccepted, OrderRejected

SYMBOL = "BTC/USD"
# Of what is traded an order gets all, as at the fake exchanges.
TERMS = PaperTerms(SPOT_FEES.taker, SPOT_FEES.maker, Decimal(0), volume_share=Decimal(1))
INSTRUMENTS = {
    SYMBOL: Instrument(
        SYMBOL,
        "BTC",
        "USD",
        price_step=Decimal("0.1"),
        quantity_step=Decimal("0.00000001"),
        quantity_min=Decimal("0.00005"),
        cost_min=Decimal("0.5"),
    )
}
PLENTY = 1e6


class PaperFace(Face):
    """One account on paper; those that share a market hear the same prices."""

    has_brackets = True

    def __init__(self, market_type: MarketType, sharing: "list[PaperFace]") -> None:
        clock = ManualClock(1_800_000_000.0)
        super().__init__(f"paper{len(sharing)}", SYMBOL, clock, SPOT_FEES)
        self.has_positions = market_type is not MarketType.SPOT
        leverage = Decimal(3 if self.has_positions else 1)
        self._terms_of_account = Account(
            self.account, "paper", market_type, True, "USD", self.has_positions, leverage
        )
        self._manual = clock
        self._last = PRICE
        self._sharing = sharing
        sharing.append(self)
        self.exchange = self._build()

    def give(self, order: Order) -> None:
        for report in self.exchange.submit(order, self._clock.wall()):
            if self.now(order).state is OrderState.SENT:
                self.hear(report)
            else:
                assert isinstance(report, OrderRejected), "it was taken twice"
        if order.type is OrderType.MARKET:
            # It is filled by what is traded next.
            self.price(self._last)

    def take_back(self, order_id: str) -> None:
        for report in self.exchange.cancel(order_id, self._clock.wall()):
            self.hear(report)

    def price(self, price: object, volume: object = None) -> None:
        for each in self._sharing:
            each.see(Decimal(str(price)), PLENTY if volume is None else float(str(volume)))

    def see(self, price: Decimal, volume: float) -> None:
        """Hear of a trade, as the core does: where it is awaited."""
        self._manual.advance(1.0)
        self._last = price
        if self.symbol in self.exchange.busy:
            tick = Tick(self.symbol, float(price), volume, self._clock.wall())
            for report in self.exchange.on_tick(tick):
                self.hear(report)

    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        assert is_so(), what

    def settle(self) -> None:
        """There is nothing that was not told at once."""

    def restart(self) -> None:
        self.exchange = self._build()

    def money(self) -> tuple[Decimal, Decimal]:
        return self.exchange.cash, self.exchange.holdings.get(self.symbol, Decimal(0))

    def taken_ids(self) -> list[str]:
        return [one.order_id for one in self.told if isinstance(one, OrderAccepted)]

    def _build(self) -> PaperExchange:
        exchange = PaperExchange(self._terms_of_account, TERMS, INSTRUMENTS)
        reports = exchange.restore(
            cash=self.cash,
            holdings={self.symbol: self.held},
            orders=self.orders.open_orders(),
            at=self._clock.wall(),
            prices={self.symbol: float(self._last)},
        )
        assert not reports
        return exchange
