"""Whether a live account is flat by its venue: a look at it that was asked for once the book was.

A look that was on its way before proves nothing, so each wish has a number. What is still there
has the account looked at again after a pause, for as long as it takes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.desks import AccountDesk
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.residues import residues_by_base
from trading.model.difference import DifferenceKind, Topic
from trading.model.instrument import Instrument
from trading.model.venue_news import AccountSeen
from trading.reports.numbers import exact_text
from trading.reports.venue_alerts import not_flat

# What is still there is on its way out, or a person's business: looked at again after so long.
AGAIN_S: Final = 2.0
# A worker that does not answer for so long is asked again. A look may well take longer where few
# requests are allowed, so that the answer to any wish since the book was flat counts.
ANSWER_S: Final = 60.0
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class _Look:
    """Hold the first wish to look at an account that is not answered, and when it was last said."""

    number: int
    asked_at: float
    is_flat: bool = False
    has_failed: bool = False


class FlatCheck:
    """Verify by their venues that live accounts are flat."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        instruments: Mapping[str, Instrument],
        *,
        markets: Markets,
        journal: Journal,
        announcer: Announcer,
        is_ours: Callable[[str, str], bool],
    ) -> None:
        self._desks = desks
        self._instruments = instruments
        self._markets = markets
        self._journal = journal
        self._announcer = announcer
        self._is_ours = is_ours
        # What people said is none of ours, by account.
        self.ignored: Callable[[str], Mapping[Topic, Decimal]] = _nothing
        self._looks: dict[str, _Look] = {}

    def forget(self, account: str) -> None:
        """Count no look at an account: something is open in it, by the book."""
        self._looks.pop(account, None)

    def is_flat(self, desk: AccountDesk) -> bool:
        """Tell whether a look has shown an account to be flat; if not, have it looked at."""
        venue = desk.venue
        if venue is None:
            return True
        look, wall = self._looks.get(desk.name), self._markets.wall
        if look is not None and look.is_flat:
            return True
        if not venue.is_connected:
            return False
        pause_s = AGAIN_S if look is not None and look.has_failed else ANSWER_S
        if look is None or abs(wall - look.asked_at) >= pause_s:
            number = venue.next_number()
            first = number if look is None or look.has_failed else look.number
            self._looks[desk.name] = _Look(first, wall)
            self._journal.ask_account(desk.name, number)
        return False

    def take(self, seen: AccountSeen) -> None:
        """Take in a look at an account."""
        look, desk = self._looks.get(seen.account), self._desks.get(seen.account)
        if look is None or desk is None or seen.number < look.number:
            return
        left = next(self._left(desk, seen), "")
        if left and look.has_failed:
            # One look answers all who had asked before it: this was told with the first of them.
            return
        look.is_flat, look.has_failed = not left, bool(left)
        if left:
            self._announcer.tell(not_flat(desk.account, left, seen.at))

    def _left(self, desk: AccountDesk, seen: AccountSeen) -> Iterator[str]:
        """Give what is still there of ours, in words."""
        for one in seen.orders:
            if one.order_id and self._is_ours(one.order_id, desk.name):
                yield f"order {one.order_id} of {one.symbol} is still open"
        ignored = self.ignored(desk.name)
        if seen.positions is None:
            yield from self._held(desk, seen, ignored)
            return
        for position in seen.positions:
            topic = Topic(DifferenceKind.POSITION, position.symbol)
            quantity = position.quantity - ignored.get(topic, _ZERO)
            if position.symbol in desk.markets and quantity:
                yield f"{exact_text(quantity)} of {position.symbol} is still held"

    def _held(
        self, desk: AccountDesk, seen: AccountSeen, ignored: Mapping[Topic, Decimal]
    ) -> Iterator[str]:
        rests = residues_by_base(desk.book.residues, self._instruments)
        told: set[str] = set()
        for symbol in desk.markets:
            instrument = self._instruments.get(symbol)
            if instrument is None or instrument.base in {desk.account.currency, *told}:
                continue
            told.add(instrument.base)
            topic = Topic(DifferenceKind.HOLDING, instrument.base)
            amount = seen.holdings.get(instrument.base, _ZERO)
            amount -= rests.get(instrument.base, _ZERO) + ignored.get(topic, _ZERO)
            # Less than any order can be for is nothing that could still be sold.
            if amount >= max(instrument.quantity_step, instrument.quantity_min):
                yield f"{exact_text(amount)} {instrument.base} more is held than known"


def _nothing(_account: str) -> Mapping[Topic, Decimal]:
    return {}
