"""A venue that answers late, in pieces and in any order that a real one may: truth, and its words.

The words about one order come in order, but for late fills; those about several come as they
like. What it was asked is counted: no order twice.
"""

from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from tests.trading_tests.engine.floor import D, Floor
from tests.trading_tests.makers import BTC, make_account, make_account_setup, make_instrument
from trading.engine.effects import AskAccount, CancelOrder, Effect, SubmitOrder
from trading.engine.events import EngineEvent
from trading.model.account import MarketType
from trading.model.order import Fill, Order, OrderType, Purpose, Side
from trading.model.order_states import OrderState
from trading.model.report import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderLost,
    OrderRejected,
    Report,
)
from trading.model.venue_news import AccountSeen, OpenOrderSeen, PositionSeen, VenueConnected

CASH, NOTHING = D(10_000), D(0)
COARSE = make_instrument(quantity_step=D("0.01"), quantity_min=D("0.02"), cost_min=D(1))


@dataclass
class There:
    """Hold an order as the venue has it."""

    order: Order
    filled: Decimal = NOTHING
    is_open: bool = True

    @property
    def remaining(self) -> Decimal:
        return max(D(0), self.order.quantity - self.filled)


class AsyncVenue(Floor):
    """Trade one live account at a venue that does everything in its own time."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.kind = self.random.choice((MarketType.SPOT, MarketType.SPOT, MarketType.SWAP))
        has_stops = self.random.random() < 0.85
        self.means = has_stops, has_stops and self.random.random() < 0.5
        self.has_fee_in_coins = self.kind is MarketType.SPOT and self.random.random() < 0.6
        # How often something goes wrong.
        self.trouble = self.random.choice((0.0, 0.1, 0.2, 0.4))
        self.is_orderly = not self.trouble
        self.price, self.venue_cash, self.coins = 100.0, CASH, D(0)
        self.there: dict[str, There] = {}
        self.sent: set[str] = set()
        self.flying: list[Order] = []
        self.cancels: list[str] = []
        self.words: dict[str, deque[Report]] = {}
        self.late: list[Report] = []
        self.told_fills: list[OrderFilled] = []
        self.asks: list[int] = []
        self.fills = 0
        account = make_account("main", self.kind, leverage="3")
        setup = make_account_setup(replace(account, is_paper=False))
        super().__init__(
            accounts=[replace(setup, symbols=(BTC,), paper=None)],
            instruments=[COARSE],
        )
        self.connect()
        self.tick(self.price)

    def connect(self) -> None:
        self.tell(VenueConnected("main", *self.means, self.now))
        if not self.is_busy:
            self.show(0)
            self.show(0)

    def tell(self, event: EngineEvent) -> list[Effect]:
        """Let the core process an event, and take what it has for the venue."""
        effects = super().tell(event)
        for effect in effects:
            if isinstance(effect, SubmitOrder):
                order = effect.approved.order
                assert order.id not in self.sent, f"order {order.id} is sent twice"
                self.sent.add(order.id)
                self.flying.append(order)
            elif isinstance(effect, CancelOrder):
                self.cancels.append(effect.order_id)
            elif isinstance(effect, AskAccount):
                self.asks.append(effect.number)
        self.check()
        return effects

    def check(self) -> None:
        """Hold what must be so after every event."""
        out = [one for one in self.orders() if one.reduce_only]
        for purpose in (Purpose.EXIT, Purpose.PROTECTION):
            assert sum(one.purpose is purpose for one in out) <= 1, f"two at once: {out}"
        if self.is_orderly and self.kind is MarketType.SPOT:
            sent = (one for one in out if one.state is not OrderState.NEW)
            held, asked = self.held(), sum((one.remaining for one in sent), D(0))
            assert asked <= (D(0) if held is None else held.quantity), "more than is held"
        assert "strange_report" not in self.kinds

    def step(self) -> None:
        """Let one thing happen."""
        acts = [self.arrive, self.hear_cancel, self.match, self.speak, self.speak, self.move_price]
        acts.append(self.look)
        self.random.choice(acts)()
        if self.random.random() < 0.06:
            self.command()
        if self.random.random() < 0.05:
            self.sample()
        if self.random.random() < 0.01:
            self.die()

    def command(self) -> None:
        held = self.held()
        verb = self.random.choice(["buy"] * 12 + ["sell"] * 4 + ["flatten"])
        if verb == "flatten":
            self.do("flatten")
        elif verb == "buy" and (held is None or held.quantity > 0):
            self.do("resume")
            self.do("buy", BTC, self.random.choice(("0.05", "0.5", "1", "2.37")))
        elif verb == "sell" and held is not None and held.quantity > 0 and self.may_part:
            self.do("sell", BTC, "0.3")
        elif held is None and self.kind is MarketType.SWAP:
            self.do("sell", BTC, "0.7")
        else:
            self.do(verb, BTC)

    @property
    def may_part(self) -> bool:
        """Tell whether a part may be sold: one at a time, and not always."""
        is_leaving = any(one.purpose is Purpose.EXIT for one in self.orders())
        return not is_leaving and self.random.random() < 0.6

    def die(self) -> None:
        """Kill the core, perhaps before what it wanted last has left; then start it again."""
        if self.flying and self.random.random() < 0.5:
            self._lose(self.flying.pop(), reached=False)
        if self.random.random() < 0.5:
            self.cancels.clear()
        self.restart()
        for report in self.random.sample(self.told_fills, min(3, len(self.told_fills))):
            self.tell(report)
        self.connect()

    def look(self) -> None:
        """Show the account, if nothing of ours is on its way."""
        if not self.is_busy:
            asks, self.asks = self.asks, []
            for number in asks or [0]:
                self.show(number)

    def move_price(self) -> None:
        self.price = max(20.0, round(self.price * (1 + self.random.gauss(0, 0.02)), 2))
        self.tick(self.price)

    def arrive(self) -> None:
        """Let an order come in at the venue, or get lost on its way there or back."""
        if not self.flying:
            return
        order = self.flying.pop(self.random.randrange(len(self.flying)))
        if self.random.random() < self.trouble:
            self._lose(order, reached=self.random.random() < 0.5)
        elif why := self._refuse(order):
            self._say(OrderRejected("main", order.id, why, self.now))
        else:
            self._take(order)

    def _lose(self, order: Order, *, reached: bool) -> None:
        self._say(OrderLost("main", order.id, "timeout", self.now))
        if reached and not self._refuse(order):
            self._take(order)
        else:
            why = "never reached the exchange"
            self._say(OrderCancelled("main", order.id, why, self.now))

    def _take(self, order: Order) -> None:
        self.there[order.id] = There(order)
        self._say(OrderAccepted("main", order.id, f"v-{order.id}", self.now))

    def _refuse(self, order: Order) -> str:
        """Return why the venue has not got an order, or nothing."""
        assert order.quantity % COARSE.quantity_step == 0, "not in whole steps"
        if self.random.random() < self.trouble / 4:
            return "maintenance"
        if order.reduce_only and self.kind is MarketType.SWAP:
            return "" if self.coins * order.side.sign < 0 else "nothing to reduce"
        if order.side is Side.SELL and self.kind is MarketType.SPOT:
            locked = sum((one.remaining for one in self.open if one.order.side is Side.SELL), D(0))
            return "" if order.quantity <= self.coins - locked else "insufficient funds"
        return ""

    @property
    def open(self) -> list[There]:
        return [one for one in self.there.values() if one.is_open]

    def hear_cancel(self) -> None:
        """Carry out a cancel, perhaps after a fill that crosses it."""
        if not self.cancels:
            return
        order_id = self.cancels.pop(0)
        there = self.there.get(order_id)
        if there is None:
            if any(one.id == order_id for one in self.flying):
                self.cancels.append(order_id)
            return
        if there.is_open and self._is_due(there.order) and self.random.random() < 0.5:
            self._fill(there, self._part(there))
        if there.is_open:
            there.is_open = False
            self._say(OrderCancelled("main", order_id, "cancelled", self.now))

    def match(self) -> None:
        """Fill what the price allows, all or in part."""
        for there in self.open:
            if self._is_due(there.order):
                self._fill(there, self._part(there))
                if there.is_open and self.random.random() < self.trouble / 4:
                    there.is_open = False
                    self._say(OrderCancelled("main", there.order.id, "expired", self.now))

    def _is_due(self, order: Order) -> bool:
        if order.type is OrderType.MARKET:
            return True
        sign = -order.side.sign
        stop, target = order.stop_price, order.limit_price
        is_stopped = stop is not None and (self.price - float(stop)) * sign <= 0
        return is_stopped or (target is not None and (self.price - float(target)) * sign >= 0)

    def _part(self, there: There) -> Decimal:
        if self.random.random() < 0.5:
            return there.remaining
        steps = int(there.remaining / COARSE.quantity_step)
        return self.random.randint(1, max(1, steps)) * COARSE.quantity_step

    def _fill(self, there: There, quantity: Decimal) -> None:
        order = there.order
        if order.reduce_only and self.kind is MarketType.SWAP:
            quantity = min(quantity, abs(self.coins))
        elif not order.reduce_only and self.random.random() < self.trouble / 20:
            quantity += there.remaining
        if quantity:
            self._book(order, quantity)
        there.filled += quantity
        if not there.remaining:
            there.is_open = False
        elif not quantity:
            there.is_open = False
            self._say(OrderCancelled("main", order.id, "nothing to reduce", self.now))

    def _book(self, order: Order, quantity: Decimal) -> None:
        price, sign = D(str(self.price)), order.side.sign
        is_in_coins = self.has_fee_in_coins and order.side is Side.BUY
        fee = quantity / 1000 if is_in_coins else quantity * price / 1000
        self.coins += sign * quantity - (fee if is_in_coins else 0)
        self.venue_cash -= sign * quantity * price + (0 if is_in_coins else fee)
        self.fills += 1
        currency = "BTC" if is_in_coins else "USDT"
        fill = Fill(
            f"f{self.fills}",
            "main",
            order.id,
            BTC,
            order.side,
            quantity,
            price,
            fee,
            currency,
            self.now,
        )
        if self.random.random() < self.trouble / 2:
            self.late.append(OrderFilled(fill))
        else:
            self._say(OrderFilled(fill))

    def _say(self, report: Report) -> None:
        self.words.setdefault(report.order_id, deque()).append(report)

    def speak(self) -> None:
        """Tell one of the words that wait."""
        waiting = [one for one in self.words.values() if one]
        if self.late and (not waiting or self.random.random() < 0.1):
            self._tell(self.late.pop(self.random.randrange(len(self.late))))
        elif waiting:
            self._tell(self.random.choice(waiting).popleft())

    def _tell(self, report: Report) -> None:
        if isinstance(report, OrderFilled):
            self.told_fills.append(report)
        self.tell(report)

    @property
    def is_busy(self) -> bool:
        """Tell whether anything is on its way, or would happen at this price."""
        words = any(self.words.values())
        due = any(self._is_due(one.order) for one in self.open)
        return bool(self.flying or self.cancels or self.late or words or due)

    def come_to_rest(self) -> None:
        """Let everything that is on its way come to its end, at a price that stands."""
        self.trouble = 0.0
        for _ in range(3_000):
            for act in (self.arrive, self.hear_cancel, self.match, self.speak):
                act()
            if not self.is_busy and self._is_at_rest():
                return
        raise AssertionError(f"no rest: {self.orders()}, {self.held()}, {self.open}")

    def _is_at_rest(self) -> bool:
        """Let the core look once more; tell whether it wants nothing then."""
        self.sample(2.0)
        self.tick(self.price)
        self.look()
        position = self.held()
        is_leaving = position is not None and bool(position.closing)
        return not (is_leaving or self.asks or self.is_busy)

    def show(self, number: int) -> None:
        """Show the account as it is."""
        orders = [
            OpenOrderSeen(
                one.order.id,
                f"v-{one.order.id}",
                BTC,
                one.order.side,
                one.order.type,
                one.order.quantity,
                one.filled,
                one.order.limit_price,
                one.order.stop_price,
                one.order.reduce_only,
                self.now,
            )
            for one in self.open
        ]
        if self.kind is MarketType.SPOT:
            held = {"USDT": self.venue_cash, "BTC": self.coins}
            self.tell(AccountSeen("main", number, orders, held, None, self.now))
            return
        position = self.held()
        entry = position.entry_price if position is not None else D(0)
        held = {"USDT": self.venue_cash + self.coins * entry}
        seen = [PositionSeen(BTC, self.coins, entry)] if self.coins else []
        self.tell(AccountSeen("main", number, orders, held, seen, self.now))

    def restart(self, *instances: Any, **changes: Any) -> None:
        """Kill the core; a worker knows nothing of looks that the last one was asked for."""
        self.asks = []
        super().restart(*instances, **changes)
