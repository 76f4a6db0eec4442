"""Takes back what could enter at real venues before the bot stops, and tells what came of it.

An entry that is filled while nobody watches leaves a position without its stop. Knows no time:
whoever stops the bot says how long is waited. A venue on paper stands still meanwhile.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

from trading.engine.announcer import Announcer
from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.orders import open_entries
from trading.model.order import Order, OrderType
from trading.model.order_states import ENDED, OrderState
from trading.reports.stop_alerts import entries_left, entries_taken_back, entry_line


class EntryRecall:
    """Cancel the entries of real accounts, and follow them to their ends."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        dealer: Dealer,
        conditions: Conditions,
        announcer: Announcer,
    ) -> None:
        self._accounts = [desk.name for desk in desks.values() if desk.venue is not None]
        self._dealer = dealer
        self._conditions = conditions
        self._announcer = announcer
        # What was open since it began, the oldest first.
        self._met: dict[str, None] = {}
        self._is_under_way = self._is_over = False

    def begin(self) -> None:
        """Cancel what is open, and have nothing new begun."""
        self._is_under_way = True
        self._conditions.stopping = frozenset(self._accounts)
        self.press()

    def press(self) -> None:
        """Cancel whatever is still open; harmless when repeated."""
        for order in self._open() if self._is_under_way else ():
            self._met[order.id] = None
            # What is filled at once does not rest: it is waited for.
            if order.type is not OrderType.MARKET:
                self._dealer.cancel(order)

    def has_just_ended(self) -> bool:
        """Tell, once, that nothing is open any more."""
        if self._is_over or not self._is_under_way or self._open():
            return False
        self._is_over = True
        return True

    def tell(self) -> None:
        """Tell what was taken back, and loudly what may still be there."""
        if not self._is_under_way:
            return
        self.press()
        for account in self._accounts:
            met = [one for one in self._found() if one.account == account]
            ended = [one for one in met if one.state in ENDED and one.type is not OrderType.MARKET]
            left = [one for one in met if one.state not in ENDED]
            # What was filled has been told as such.
            if any(one.state is not OrderState.FILLED for one in ended):
                self._announcer.tell(entries_taken_back(account, ended))
            if left:
                self._announcer.tell(entries_left(account, left))

    @property
    def left(self) -> Sequence[str]:
        """Return the entries that may still be there, a line for each."""
        return [entry_line(one) for one in self._found() if one.state not in ENDED]

    def _open(self) -> list[Order]:
        orders = self._dealer.orders
        return open_entries([*chain(*(orders.open_of_account(one) for one in self._accounts))])

    def _found(self) -> list[Order]:
        found = (self._dealer.orders.get(order_id) for order_id in self._met)
        return [one for one in found if one is not None]
