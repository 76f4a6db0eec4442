"""The one way to an order: intent, risk gate, order, venue; and what the venue says, to its end.

Every report moves its order, books its fill and lets the protection of that market follow, until
there is nothing left to do. A venue on paper answers at once, within the same event.
"""

from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final

from trading.brokers.paper.exchange import CANCELLED, venue_id_of
from trading.engine.announcer import Announcer
from trading.engine.conditions import Conditions
from trading.engine.decisions import Decisions
from trading.engine.desks import AccountDesk
from trading.engine.entries_behind import EntriesBehind
from trading.engine.journal import Journal
from trading.engine.live_dealing import LiveDealing
from trading.engine.markets import Market, Markets
from trading.engine.order_ids import OrderIds
from trading.engine.orders import OrderChange, OrderDesk, open_entries, sent, taken
from trading.engine.protection import ProtectiveOrder, reconcile_protection
from trading.engine.stuck_exits import StuckExits
from trading.errors import IllegalTransitionError
from trading.model.account import MarketKey
from trading.model.instrument import Instrument
from trading.model.order import Fill, Order, OrderIntent, Purpose
from trading.model.order_states import ENDED, OrderState
from trading.model.position import Position, Trade
from trading.model.report import OrderFilled, OrderRejected, Report
from trading.model.values import replace
from trading.risk.approval import ApprovedOrder
from trading.risk.gate import RiskGate
from trading.risk.refusal import Refusal

# More steps than any event can need; a loop would be a bug, and must not hang the engine.
STEPS_MAX: Final = 20_000
STEPS_PER_ORDER: Final = 4
NEVER_SENT: Final = "the bot was restarted before it was sent"


class Dealer:
    """Deal in all markets of all accounts."""

    def __init__(  # noqa: PLR0913 - it is where everything about an order comes together
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        instruments: Mapping[str, Instrument],
        orders: OrderDesk,
        *,
        gate: RiskGate,
        conditions: Conditions,
        ids: OrderIds,
        journal: Journal,
        decisions: Decisions,
        announcer: Announcer,
    ) -> None:
        self._desks = desks
        self._markets = markets
        self._instruments = instruments
        self._announcer = announcer
        self.orders = orders
        self._gate = gate
        self._conditions = conditions
        self._ids = ids
        self._journal = journal
        self._decisions = decisions
        # What `settle` has to act on, if anything.
        self.reports: deque[Report] = deque()
        self.touched: dict[MarketKey, None] = {}
        self.behind = EntriesBehind()
        # Markets whose exit the venue refused: tried again after a pause, not at once.
        self.stuck = StuckExits(desks, markets, announcer, self.behind)
        self._live = LiveDealing(markets, instruments, orders, journal, announcer)
        self.closed_trades: list[Trade] = []
        # Hears what is no news of any order of ours: a repeat, or about somebody else's.
        self.on_unknown: Callable[[Report], None] = lambda _report: None
        # Hear of an execution before it is booked, and after that.
        self.before_fill: Callable[[Fill, Order], None] = lambda _fill, _order: None
        self.on_fill: Callable[[Fill], None] = lambda _fill: None

    def place(self, intent: OrderIntent) -> Order | Refusal:
        """Have risk look at an intent and send the order it approves."""
        desk = self._desks[intent.account]
        order_id = intent.order_id or self._ids.next_id(intent.account, intent.instance)
        view = self._conditions.view(desk, intent.symbol, intent.side, self.orders)
        verdict = self._gate.review(intent, view, order_id)
        if isinstance(verdict, Refusal):
            self._decisions.refused(self._markets.now, intent.key, verdict)
            return verdict
        order = self._send(desk, verdict)
        if not self._journal.is_silent:
            self._decisions.sent(order)
            if desk.exchange is not None:
                self.stuck.tell_placed(order)
        return order

    def _send(self, desk: AccountDesk, approved: ApprovedOrder) -> Order:
        """Send an order, of which a venue on paper says at once what it thinks."""
        order, venue, now = approved.order, desk.exchange, self._markets.now
        if venue is None and self._live.must_wait(desk, order, self.orders.open_orders(order.key)):
            self.orders.add(order)
            self._live.hold(approved)
            self.touched[order.key] = None
            return order
        fault = "" if venue is None else venue.take_in(order, now)
        if venue is None or fault:
            order = sent(order, now)
        else:
            order = taken(order, venue_id_of(order), now)
            self._markets.by_symbol[order.symbol].is_engaged = True
        self.orders.add(order)
        if venue is None:
            self._journal.submit(approved)
        elif fault:
            self.reports.append(OrderRejected(order.account, order.id, fault, now))
        return order

    def place_or_wait(self, intent: OrderIntent) -> Order | Refusal | None:
        """Place an entry; None when it waits for the opposite position to be closed first."""
        position = self._desks[intent.account].book.positions.get(intent.symbol)
        if position is not None and position.closing and intent.purpose is Purpose.ENTRY:
            if (refusal := self.stuck.refuse_entry(intent)) is not None:
                self._decisions.refused(self._markets.now, intent.key, refusal)
                return refusal
            self.behind.put(intent)
            what = f"{intent.side} waits until the position is closed"
            self._decisions.note(self._markets.now, intent.key, what)
            return None
        return self.place(intent)

    def cancel(self, order: Order) -> None:
        """Ask the venue to cancel an order, once."""
        if order.is_cancelling or order.state in ENDED:
            return
        now, venue = self._markets.now, self._desks[order.account].exchange
        if order.state is OrderState.NEW:
            # It has never left.
            self._live.let_go(order)
            self._changed(self.orders.cancel(order, CANCELLED, now))
        elif venue is None:
            self.orders.note_cancelling(order, now)
            self._journal.cancel(order.account, order.id)
        elif not self.reports and venue.withdraw(order.id):
            self._changed(self.orders.cancel(order, CANCELLED, now))
        else:
            # What it said before comes first.
            self.orders.note_cancelling(order, now)
            self.reports += venue.cancel(order.id, now)

    def may_exit(self, position: Position, instance: str) -> Refusal | None:
        """Return why an instance may not close a position now, or None."""
        return self._conditions.refuse_exit(position, instance)

    def cancel_entries(self, keys: Container[MarketKey] | None = None) -> int:
        """Cancel what strategies still want to enter, in these markets or in all; count it."""
        entries = [
            one
            for one in open_entries(self.orders.open_orders())
            if one.instance and not one.is_cancelling and (keys is None or one.key in keys)
        ]
        for order in entries:
            self.cancel(order)
        # Switched on again later, what waits now would be entered for a reason long gone.
        return len(entries) + self.behind.forget_all(keys)

    def cancel_entries_of(self, instance: str) -> None:
        """Cancel what an instance that runs no more still wants to enter."""
        for order in open_entries(self.orders.open_orders()):
            if order.instance == instance:
                self.cancel(order)
        self.behind.forget_instance(instance)

    def close(self, position: Position, reason: str) -> None:
        """Have a position closed at the market, all its other orders cancelled before."""
        if position.closing:
            return
        self.keep_position(replace(position, closing=reason))

    def keep_position(self, position: Position) -> None:
        """Take over a position of which only the ways to leave it have changed."""
        self._desks[position.account].book.keep(position)
        self._journal.keep_position(position.key, position)
        self.touched[position.key] = None

    def report(self, reports: Iterable[Report]) -> None:
        """Take in what a venue says; `settle` acts on it."""
        self.reports += reports

    def book_outside(self, report: OrderFilled, *, hurries: bool = True) -> None:
        """Book a fill that no venue has told, of an order that was never sent; tell nobody yet."""
        change = self.orders.apply(report)
        assert change is not None, "its order is new, and so is the fill"
        self._book(change)
        if hurries or change.after.symbol not in self._desks[change.after.account].book.positions:
            # What could not be left may go well now.
            self.stuck.patience.end(change.key)
        self.touched[change.key] = None

    def retry_stuck(self) -> None:
        """Try again what a venue refused to close or to protect, once it has waited enough."""
        self.touched.update(dict.fromkeys(self.stuck.patience.take_due(self._markets.wall)))

    def hurry(self, keys: Iterable[MarketKey]) -> None:
        """Try again at once: a person wants it, or what stood in the way is gone."""
        self.touched.update((key, None) for key in keys if self.stuck.patience.end(key))

    def review_all(self) -> None:
        """Look at every position and order again, as after a start."""
        for desk in self._desks.values():
            self.touched.update((position.key, None) for position in desk.book.positions.values())
        for order in self.orders.open_orders():
            self.touched[order.key] = None
            if order.state is OrderState.NEW:
                # The last run ended before it could be sent, and it is not sent any more.
                self._changed(self.orders.cancel(order, NEVER_SENT, self._markets.now))

    def review(self, account: str) -> None:
        """Look at everything of an account again, as when its venue can be traded."""
        positions = self._desks[account].book.positions.values()
        self.touched.update((position.key, None) for position in positions)
        self.touched.update((one.key, None) for one in self.orders.open_of_account(account))

    def repeat_cancels(self, account: str) -> None:
        """Ask a real venue again for the cancels that it was asked for before: it may be new."""
        for order in self.orders.open_of_account(account):
            if order.is_cancelling:
                self._journal.cancel(account, order.id)

    def settle(self) -> None:
        """Act on reports and let protection follow until there is nothing left to do."""
        if not (self.reports or self.touched):
            return
        reports, touched = self.reports, self.touched
        # Cancelling all orders of an account takes a step and more for each.
        for _ in range(STEPS_MAX + STEPS_PER_ORDER * len(self.orders.open)):
            if reports:
                self._take(reports.popleft())
            elif touched:
                key = touched.popitem()[0]
                self._follow(key)
                self._note_engagement(self._markets.by_symbol[key.symbol])
            else:
                return
        raise RuntimeError("dealing does not come to rest")

    @staticmethod
    def _note_engagement(market: Market) -> None:
        """Note whether anything is held or ordered in a market: asked for with each price."""
        symbol = market.symbol
        market.is_engaged = any(
            symbol in one.book.positions
            or (one.exchange is not None and symbol in one.exchange.busy)
            for one in market.desks
        )

    def _follow(self, key: MarketKey) -> None:
        """Bring the protection of one market in line with its position."""
        is_waiting = self.stuck.patience.is_waiting(key)
        if is_waiting and not self.stuck.patience.wants_stop(key):
            return
        desk, orders = self._desks[key.account], self.orders.open_orders(key)
        position = desk.book.positions.get(key.symbol)
        if is_waiting and position is not None:
            position = self.stuck.kept_meanwhile(position, orders)
        if desk.venue is None:
            step = reconcile_protection(position, orders)
        elif position is not None and not orders and self._live.is_too_small(desk, position):
            self.closed_trades.append(self._live.write_off(desk, position))
            self.touched[key] = None
            return
        else:
            if position is not None and (stale := self._live.stale(position, orders)):
                self.cancel(stale)
                return
            if position is not None and self._live.send_held(orders):
                self.touched[key] = None
                return
            step = self._live.next_step(desk, position, orders)
        for order_id in step.cancel:
            self.cancel(self.orders.open[order_id])
        if step.place is not None:
            assert position is not None, "only a position is protected"
            self._place_protective(position, step.place)
        elif position is None and (waiting := self.behind.take(key)) is not None:
            self.place(waiting)

    def _place_protective(self, position: Position, wanted: ProtectiveOrder) -> None:
        is_exit = wanted.purpose is Purpose.EXIT
        # By position, in the order of the fields: so many names would cost more than the rest.
        intent = OrderIntent(
            position.account,
            position.symbol,
            position.side.opposite,
            wanted.purpose,
            wanted.type,
            wanted.quantity,
            None,
            None,
            wanted.target_price,
            wanted.stop_price,
            None,
            position.instance,
            "",
            position.closing if is_exit else "protection",
            # What the engine itself does to leave a position heeds no flag.
            is_forced=True,
        )
        verdict = self.place(intent)
        if not isinstance(verdict, Refusal):
            return
        if is_exit:
            self.stuck.begin(position, verdict.text)
        elif not self.stuck.lose_stop(position, verdict.text):
            # A position is never left without its stop.
            self._announcer.unprotected(position, verdict.text)
            self.close(position, "it cannot be protected")

    def _take(self, report: Report) -> None:
        try:
            change = self.orders.apply(report)
        except IllegalTransitionError as error:
            # Whatever a venue says, the engine goes on; a person has to look at the account.
            self._announcer.strange(report, str(error))
            return
        if change is None:
            self.on_unknown(report)
            return
        if change.before.accepted_at is None and change.after.accepted_at is not None:
            self.stuck.tell_placed(change.after)
        if change.fill is not None:
            self.stuck.patience.end(change.key)
            self.before_fill(change.fill, change.before)
            self._book(change)
            self.on_fill(change.fill)
        self._changed(change)

    def _changed(self, change: OrderChange) -> None:
        """Let follow what an order's change has for its market, and tell people."""
        self.touched[change.key] = None
        if change.after.state in ENDED and change.before.state not in ENDED:
            self._end(change)
        elif change.after.state is OrderState.UNKNOWN:
            self._announcer.unknown(change.after)

    def _book(self, change: OrderChange) -> None:
        order, fill = change.after, change.fill
        assert fill is not None, "a report of a fill that is new brings it"
        desk = self._desks[order.account]
        if desk.venue is not None:
            self._live.note_fill(desk, order, fill)
        booked = desk.book.apply(fill, order, self._instruments[order.symbol])
        desk.floors.pop(order.symbol, None)
        if not self._journal.is_silent:
            self._journal.keep_fill(fill)
            self._journal.save(desk.cash_key, booked.cash)
            self._journal.keep_position(change.key, booked.position)
        if booked.trade is not None:
            self.closed_trades.append(booked.trade)
            self._journal.keep_trade(booked.trade)
            self._announcer.sold(booked.trade, desk.money)

    def _end(self, change: OrderChange) -> None:
        order = change.after
        desk = self._desks[order.account]
        if order.state is OrderState.REJECTED:
            self._refused(order)
        elif order.state is not OrderState.FILLED and not order.is_cancelling:
            unkept = self.stuck.let_go(desk, order)
            if unkept is not None:
                self.close(unkept, "its stop does not stay there")
        if self._journal.is_silent:
            return
        position = desk.book.positions.get(order.symbol)
        if position is None or not order.filled:
            return
        # By what became of it: a person's order may be for less than is held, or for more.
        if order.side is position.side:
            self._announcer.bought(order, position, desk.money)
        else:
            self._announcer.sold_part(order, position, position.realised, desk.money)

    def _refused(self, order: Order) -> None:
        """Deal with the venue's definite no."""
        self._decisions.note(self._markets.now, order.key, f"the venue refused: {order.note}")
        position = self._desks[order.account].book.positions.get(order.symbol)
        if position is not None and self.stuck.refused(position, order):
            return
        self._announcer.rejected(order)
        if position is not None and order.purpose is Purpose.PROTECTION:
            # A position is never left without its stop.
            self.close(position, "its stop was refused")
