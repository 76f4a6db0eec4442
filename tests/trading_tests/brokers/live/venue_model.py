"""A small venue in memory, with trouble by script: what the worker of an account is tested against.

It keeps orders, executions and holdings by itself, whatever it answers: an order can be taken and
its answer lost, come late, or never arrive. Every request takes a moment of the clock it is given.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from daemonkit.clock import ManualClock
from tests.trading_tests.makers import BTC, make_instrument
from trading.brokers.venue import (
    Abilities,
    CancelAnswer,
    CancelOutcome,
    CashKind,
    CashMove,
    Connected,
    FailureKind,
    Holding,
    KeyRights,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueError,
    VenueFill,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
)
from trading.model.order import Order, OrderType

SPOT = Abilities(stops=True, brackets=False, positions=False, cash_moves=False)


class ModelVenue:
    """Be a venue with one account.

    A word of a script for `submit`: "lost" (taken, no answer), "dropped" (never arrived), "late"
    (arrives after `late_s`), "refused", "busy" (refused for now), "bug" (taken, and the adapter
    raises). For `cancel`: "lost", "dropped". For a read: a kind of failure.
    """

    def __init__(self, clock: ManualClock, abilities: Abilities = SPOT) -> None:
        self.clock = clock
        self.abilities = abilities
        self.rights = KeyRights()
        self.name = "model"
        self.trip_s = 0.01
        # How many requests a read takes, and whether it breaks off before the next one.
        self.parts = 1
        # Of how many pages a read is that goes on, after the first one, where it was broken off.
        self.pages: dict[str, int] = {}
        self._pages_read: dict[str, int] = {}
        self.gives_way: Callable[[], bool] = lambda: False
        self.late_s = 1.0
        self.skew_s = 0.0
        self.is_down = False
        self.retry_after_s: float | None = None
        self.has_client_ids = True
        # Orders that a look-up of several leaves out, and such that have it refused.
        self.left_out: set[str] = set()
        self.spoiling: set[str] = set()
        self.fills_at_once = True
        # Whether the answer to a cancel shows the order as it has ended.
        self.shows_cancelled = False
        self.requests: list[str] = []
        # From when on each kind of read was asked for last.
        self.since: dict[str, float] = {}
        self.sent: list[str] = []
        self.prepared: list[str] = []
        self.orders: dict[str, VenueOrder] = {}
        self.executions: list[VenueFill] = []
        self.cash: dict[str, Decimal] = {"USDT": Decimal(10_000)}
        self.bookings: list[CashMove] = []
        self.open_positions: list[VenuePosition] = []
        self.is_closed = False
        self._scripts: defaultdict[str, deque[str | FailureKind]] = defaultdict(deque)
        self._under_way: list[tuple[float, Order]] = []
        self._during: dict[str, deque[Callable[[], object]]] = defaultdict(deque)
        self.old_list: Sequence[VenueOrder] | None = None

    # What a test does.

    def script(self, request: str, *words: str | FailureKind) -> None:
        """Have the next requests of a kind go like this."""
        self._scripts[request].extend(words)

    def calm(self, request: str) -> None:
        """Have requests of a kind go right from now on."""
        self._scripts[request].clear()

    def during(self, request: str, act: Callable[[], object]) -> None:
        """Have something happen while the next request of a kind is answered."""
        self._during[request].append(act)

    def order(self, client_id: str) -> VenueOrder:
        """Return an order by its client id."""
        self._arrive()
        return next(one for one in self.orders.values() if one.client_id == client_id)

    def fill(self, client_id: str, quantity: str, price: str = "100") -> VenueFill:
        """Execute a part of an order."""
        order, amount = self.order(client_id), Decimal(quantity)
        filled = order.filled + amount
        state = VenueOrderState.FILLED if filled >= order.quantity else order.state
        self.orders[order.venue_id] = replace(order, filled=filled, state=state)
        fill = VenueFill(
            fill_id=f"f{len(self.executions) + 1}",
            venue_id=order.venue_id,
            client_id=client_id if self.has_client_ids else "",
            symbol=order.symbol,
            side=order.side,
            quantity=amount,
            price=Decimal(price),
            fee=Decimal(0),
            fee_currency="USDT",
            at=self.clock.wall(),
        )
        self.executions.append(fill)
        self.cash["USDT"] -= order.side.sign * amount * fill.price
        self.cash["BTC"] = self.cash.get("BTC", Decimal(0)) + order.side.sign * amount
        return fill

    def end(self, client_id: str, state: VenueOrderState, note: str = "") -> None:
        """End an order."""
        order = self.order(client_id)
        self.orders[order.venue_id] = replace(order, state=state, note=note)

    def forget(self, client_id: str) -> None:
        """Have an order no longer, in no list and by no id."""
        del self.orders[self.order(client_id).venue_id]

    def take(self, order: Order) -> str:
        """Take an order in."""
        venue_id = f"v{len(self.orders) + 1}"
        self.orders[venue_id] = VenueOrder(
            venue_id=venue_id,
            client_id=order.id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            quantity=order.quantity,
            filled=Decimal(0),
            state=VenueOrderState.OPEN,
            at=self.clock.wall(),
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            is_reduce_only=order.reduce_only,
        )
        if order.type is OrderType.MARKET and self.fills_at_once:
            self.fill(order.id, str(order.quantity))
        return venue_id

    def book(self, amount: str) -> None:
        """Bring money."""
        self.cash["USDT"] += Decimal(amount)
        number = len(self.bookings) + 1
        self.bookings.append(
            CashMove(f"m{number}", "USDT", Decimal(amount), CashKind.DEPOSIT, self.clock.wall())
        )

    # What the worker asks.

    def connect(self) -> Connected:
        self._read("connect")
        return Connected(self.abilities, {BTC: make_instrument(BTC)}, self.rights)

    def submit_if(self, order: Order, may_leave: Callable[[], bool]) -> SubmitAnswer | None:
        self.prepared.append(order.id)
        for act in self._during.pop("submit if", ()):
            act()
        if self._scripts["submit if"]:
            raise ValueError(self._scripts["submit if"].popleft())
        return self.submit(order) if may_leave() else None

    def submit(self, order: Order) -> SubmitAnswer:
        self.sent.append(order.id)
        word = "dropped" if self.is_down else self._request("submit")
        if word in ("refused", "busy"):
            return Refused(str(word), is_passing=word == "busy", retry_after_s=self.retry_after_s)
        if word == "late":
            self._under_way.append((self.clock.wall() + self.late_s, order))
        if word in ("late", "dropped"):
            return Unclear("timeout")
        venue_id = self.take(order)
        if word == "bug":
            raise ValueError("an answer that cannot be read")
        return Unclear("timeout") if word == "lost" else Taken(venue_id)

    def cancel(self, order: Order) -> CancelOutcome:
        word = self._request("cancel")
        if word == "dropped":
            return CancelAnswer.UNCLEAR
        shown = self._of(order)
        is_open = shown is not None and shown.state is VenueOrderState.OPEN
        if shown is not None and is_open:
            shown = replace(shown, state=VenueOrderState.CANCELLED)
            self.orders[shown.venue_id] = shown
        if word == "lost":
            return CancelAnswer.UNCLEAR
        if shown is not None and is_open and self.shows_cancelled:
            return self._as_shown(shown)
        return CancelAnswer.ASKED if is_open else CancelAnswer.NOT_OPEN

    def find(self, order: Order) -> VenueOrder | None:
        self._read("find")
        shown = self._of(order)
        return None if shown is None else self._as_shown(shown)

    def find_all(self, orders: Sequence[Order]) -> Sequence[VenueOrder]:
        assert 1 < len(orders) <= self.abilities.finds_at_once
        self._read("find all")
        if self.spoiling & {order.id for order in orders}:
            raise VenueError("an unknown order", FailureKind.REFUSED)
        asked = [order for order in orders if order.id not in self.left_out]
        return [self._as_shown(self.orders[order.venue_id]) for order in asked]

    def open_orders(self) -> Sequence[VenueOrder]:
        self._read("open")
        if self.old_list is not None:
            old, self.old_list = self.old_list, None
            return old
        return self.open_now()

    def open_now(self) -> Sequence[VenueOrder]:
        """Return the orders that are open, without a request."""
        self._arrive()
        return [
            self._as_shown(one) for one in self.orders.values() if one.state is VenueOrderState.OPEN
        ]

    def fills(self, since: float) -> Sequence[VenueFill]:
        self._read("fills")
        self.since["fills"] = since
        return [one for one in self.executions if one.at >= since]

    def holdings(self) -> Mapping[str, Holding]:
        self._read("holdings")
        return {name: Holding(total, total) for name, total in self.cash.items() if total}

    def positions(self) -> Sequence[VenuePosition]:
        self._read("positions")
        return list(self.open_positions)

    def cash_moves(self, since: float) -> Sequence[CashMove]:
        self._read("cash")
        self.since["cash"] = since
        return [one for one in self.bookings if one.at >= since]

    def server_time(self) -> float:
        self._read("time")
        return self.clock.wall() + self.skew_s

    def close(self) -> None:
        self.is_closed = True

    # How it works.

    def _request(self, kind: str) -> str | FailureKind:
        self.requests.append(kind)
        self.clock.advance(self.trip_s)
        self._arrive()
        if self._during[kind]:
            self._during[kind].popleft()()
        return self._scripts[kind].popleft() if self._scripts[kind] else ""

    def _read(self, kind: str) -> None:
        word: str | FailureKind = ""
        read = self._pages_read.pop(kind, 0)
        for page in [*range(min(read, 1)), *range(read, self.pages.get(kind, self.parts))]:
            if self.gives_way():
                if kind in self.pages:
                    self._pages_read[kind] = max(read, page)
                raise VenueError("an order comes first", FailureKind.GAVE_WAY)
            word = self._request(kind) or word
        if self.is_down:
            raise VenueError(f"no {kind}", FailureKind.UNREACHABLE)
        if isinstance(word, FailureKind):
            raise VenueError(f"no {kind}", word)
        if word == "bug":
            raise KeyError("a field that is not there")

    def _arrive(self) -> None:
        now = self.clock.wall()
        arrived = [order for at, order in self._under_way if at <= now]
        self._under_way = [(at, order) for at, order in self._under_way if at > now]
        for order in arrived:
            self.take(order)

    def _of(self, order: Order) -> VenueOrder | None:
        if order.venue_id in self.orders:
            return self.orders[order.venue_id]
        return next((one for one in self.orders.values() if one.client_id == order.id), None)

    def _as_shown(self, order: VenueOrder) -> VenueOrder:
        return order if self.has_client_ids else replace(order, client_id="")
