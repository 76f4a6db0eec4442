"""Bookings of money that no fill explains: each counted once by its id, whatever is told again.

Deposits and withdrawals are no profit and no loss; funding and interest are. What came before the
account's money was first seen is a part of that already.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import orjson

from trading.engine.announcer import Announcer
from trading.engine.desks import AccountDesk
from trading.engine.journal import Journal
from trading.engine.transfers import Transfers
from trading.model.venue_news import CashMoved
from trading.reports import venue_alerts

KEY: Final = "moves."
KEPT_MAX: Final = 500
# What is earned or paid beside trades; everything else is money from or to elsewhere.
EARNED: Final = frozenset({"funding", "interest"})


class CashMoves:
    """Book the money that venues say came or went."""

    def __init__(
        self,
        transfers: Transfers,
        journal: Journal,
        announcer: Announcer,
        values: Mapping[str, str],
    ) -> None:
        self._transfers = transfers
        self._journal = journal
        self._announcer = announcer
        self._values = values
        self._seen: dict[str, OrderedDict[str, float]] = {}

    def take(self, desk: AccountDesk, move: CashMoved) -> None:
        """Take in a booking of an account; a repeat does nothing."""
        venue = desk.venue
        if venue is None or not self._is_new(desk.name, move):
            return
        is_ours = move.currency == desk.account.currency
        if is_ours and (not venue.has_money or move.at <= venue.money_since):
            return
        if is_ours:
            book = self._transfers.book_earned if move.kind in EARNED else self._transfers.book
            book(desk, move.amount)
        self._announcer.tell(venue_alerts.cash_moved(desk.account, move, is_booked=is_ours))

    def _is_new(self, account: str, move: CashMoved) -> bool:
        """Tell whether a booking was never told before, and remember it."""
        seen = self._seen.get(account)
        if seen is None:
            seen = self._seen[account] = load_moves(self._values.get(KEY + account))
        if move.move_id in seen:
            return False
        if len(seen) >= KEPT_MAX:
            # They come in the order of time: what is older than all that are kept was told.
            if move.at < min(seen.values()):
                return False
            seen.popitem(last=False)
        seen[move.move_id] = move.at
        self._journal.save(KEY + account, orjson.dumps(list(seen.items())).decode())
        return True


def load_moves(saved: str | None) -> OrderedDict[str, float]:
    """Return the ids of bookings that were counted, each with its time."""
    rows = orjson.loads(saved) if saved else []
    return OrderedDict((str(move_id), float(at)) for move_id, at in rows)
