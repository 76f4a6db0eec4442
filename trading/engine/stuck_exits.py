"""Positions that are to be left and cannot be for now: tried again, protected meanwhile, told.

A venue that refuses a way out for good is asked again, ever more rarely. From the second refusal
on the stop is placed again for the time between, and cancelled before the next try: on spot it
holds the coins. What a person or a stop wanted is never dropped.
"""

from collections.abc import Callable, Mapping, Sequence

from trading.engine.announcer import Announcer
from trading.engine.desks import AccountDesk
from trading.engine.entries_behind import EntriesBehind
from trading.engine.markets import Markets
from trading.engine.patience import Patience
from trading.model.account import MarketKey
from trading.model.order import Order, OrderIntent, Purpose
from trading.model.order_states import OrderState
from trading.model.position import Position
from trading.model.report import NEVER_REACHED
from trading.model.values import replace
from trading.reports.stuck_alerts import exit_refused, protection_back, stop_refused
from trading.risk.refusal import Refusal, RefusalCode


class StuckExits:
    """Say what stands in for a way out while it waits, and tell people of it."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        markets: Markets,
        announcer: Announcer,
        behind: EntriesBehind,
    ) -> None:
        self.patience = Patience()
        self._behind = behind
        self._desks = desks
        self._markets = markets
        self._announcer = announcer
        self._reasons: dict[MarketKey, str] = {}
        # Told with the first refusal in which account a way out is stuck.
        self.on_stuck: Callable[[str], None] = lambda _account: None

    def begin(self, position: Position, reason: str) -> None:
        """Let a way out that was refused wait; told once, or where no stop can stand in for it."""
        # What is to be entered once it is left does not wait as long as that.
        self._behind.take(position.key)
        self._reasons[position.key] = reason
        is_first = self.patience.begin(position.key, self._markets.wall)
        desk = self._desks[position.account]
        if is_first:
            self.on_stuck(desk.name)
        is_bare = desk.venue is not None and not desk.venue.has_stops
        if is_first or (is_bare and not self.patience.is_hurried(position.key)):
            is_paper = desk.account.is_paper
            self._announcer.tell(exit_refused(position, reason, is_paper))

    def hurry(self, key: MarketKey) -> bool:
        """Let a position that waits to be left be tried now; tell whether it is."""
        return self.patience.hurry(key, self._markets.wall)

    def reason_of(self, key: MarketKey) -> str:
        """Return why a position could not be left, or protected, when that was tried last."""
        if not self.patience.is_again(key, self._markets.wall):
            return ""
        return self._reasons.get(key, "")

    def refuse_entry(self, intent: OrderIntent) -> Refusal | None:
        """Refuse what would wait until a position can be left: its reason is old by then."""
        if not self.patience.is_waiting(intent.key):
            return None
        return Refusal(RefusalCode.TROUBLE, f"{intent.symbol} cannot be closed for now")

    def tell_placed(self, order: Order) -> None:
        """Tell that a venue has an order, unless it is a stop or a further try to leave."""
        if order.purpose is Purpose.PROTECTION:
            return
        is_first = order.purpose is Purpose.ENTRY or self.patience.is_unused
        if is_first or not self.patience.is_again(order.key, self._markets.wall):
            self._announcer.placed(order)

    def kept_meanwhile(self, position: Position, orders: Sequence[Order]) -> Position:
        """Return a position that waits to be left as it is treated until then: it is kept."""
        for one in orders:
            rests = one.purpose is Purpose.PROTECTION and one.state is OrderState.WORKING
            if rests and not one.is_cancelling and self.patience.note_stop(position.key):
                is_paper = self._desks[position.account].account.is_paper
                self._announcer.tell(protection_back(position, one, is_paper))
        return replace(position, closing="")

    def refused(self, position: Position, order: Order) -> bool:
        """Take in that a venue refused an order; True when that keeps a position from being left.

        People were told then.
        """
        if not position.closing or order.purpose is Purpose.ENTRY:
            return False
        if order.purpose is Purpose.PROTECTION:
            return self.lose_stop(position, order.note)
        self.begin(position, order.note)
        return True

    def let_go(self, desk: AccountDesk, order: Order) -> Position | None:
        """Take in that an order is gone although nobody here cancelled it.

        Returns the position of which no stop stays at its venue: it must be left.
        """
        position = desk.book.positions.get(order.symbol)
        is_way_out = order.purpose is Purpose.EXIT
        if position is None or desk.venue is None or order.filled:
            self._announcer.cancelled(order)
        elif is_way_out and position.closing:
            # A venue that takes it and lets it go again is not asked without a pause.
            self.begin(position, order.note)
        else:
            self._announcer.cancelled(order)
            if self._is_unkept(position, order):
                return position
        return None

    def _is_unkept(self, position: Position, order: Order) -> bool:
        if order.purpose is not Purpose.PROTECTION or order.note == NEVER_REACHED:
            return False
        if not self.patience.note_let_go(order.key, self._markets.wall):
            return False
        return not self.lose_stop(position, "a stop does not stay there")

    def lose_stop(self, position: Position, reason: str) -> bool:
        """Take in that no stop can stand in for now; False where none was to."""
        had_stop = self.patience.has_stop(position.key)
        if not self.patience.give_up_stop(position.key):
            return False
        self._reasons[position.key] = reason
        if self.patience.is_hurried(position.key) and not had_stop:
            # That was told, and is told again when the wait is over.
            return True
        is_paper = self._desks[position.account].account.is_paper
        self._announcer.tell(stop_refused(position, reason, is_paper))
        return True
