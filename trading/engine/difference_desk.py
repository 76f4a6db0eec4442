"""Differences between our book and the venues: found, numbered, told once, kept, and answered.

A difference counts when two looks in a row show it, because the lists of a venue lag behind each
other; so does its end. While it is open its market takes no new risk, and while money is missing
the whole account takes none. What to do about it is a person's word: see `difference_answers`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from trading.engine.announcer import Announcer
from trading.engine.desks import AccountDesk
from trading.engine.difference_records import KEY, load_records
from trading.engine.differences import Believed, Comparison, compare, has_moved
from trading.engine.found_orders import id_of
from trading.engine.journal import Journal
from trading.engine.markets import Markets
from trading.engine.order_ids import OrderIds
from trading.engine.orders import OrderDesk
from trading.engine.residues import residues_by_base
from trading.engine.venue_state import VenueState
from trading.model.difference import (
    Answered,
    Difference,
    DifferenceKind,
    Gone,
    OpenDifference,
    Topic,
    Viewed,
)
from trading.model.instrument import Instrument
from trading.model.order import Fill
from trading.model.report import OrderFilled, Report
from trading.model.venue_news import AccountSeen, OpenOrderSeen
from trading.reports import difference_alerts as alerts

# An amount that moves with each look is told again when it has grown so much.
_GROWN: Final = 2
# By how much the clocks of a venue and of this machine may differ.
CLOCKS_S: Final = 2.0
# What so many people and chats were shown last is known of each difference.
_VIEWERS_MAX: Final = 50
_NEVER: Final = float("-inf")
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class _Watch:
    """Hold what the looks at one account have shown since the start."""

    looked_at: float | None = None
    suspects: dict[Topic, Difference] = field(default_factory=dict)
    # What the last look showed; and the open differences that it showed to be gone.
    shown: frozenset[Topic] = frozenset()
    gone: set[int] = field(default_factory=set)
    # The last look that a person waits for: what it finds is looked at again at once.
    awaited: int = 0
    # When the last look began, and whether it lacks what was booked since.
    seen_at: float = _NEVER
    # When the look began that showed a difference as it is known.
    measured: dict[Topic, float] = field(default_factory=dict)
    is_behind: bool = False


class DifferenceDesk:
    """Keep the differences of all live accounts."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        orders: OrderDesk,
        instruments: Mapping[str, Instrument],
        ids: OrderIds,
        *,
        markets: Markets,
        journal: Journal,
        announcer: Announcer,
        saved: str | None,
    ) -> None:
        self._desks = desks
        self._orders = orders
        self._instruments = instruments
        self._ids = ids
        self._markets = markets
        self._journal = journal
        self._announcer = announcer
        self.records = load_records(saved)
        self._watches: dict[str, _Watch] = {}
        # What is done about an open order that bears an id of ours, without asking.
        self.take_up: Callable[[AccountDesk, OpenOrderSeen], None] = _nothing
        for name, desk in desks.items():
            if desk.venue is not None:
                self._watches[name] = _Watch()
                self._bar(desk, desk.venue)

    @property
    def open(self) -> list[OpenDifference]:
        """Return the open differences, the oldest first."""
        return list(self.records.open.values())

    def looked_at(self, account: str) -> float | None:
        """Return when, by wall time, an account was looked at since the start."""
        watch = self._watches.get(account)
        return None if watch is None else watch.looked_at

    def ask(self, account: str) -> None:
        """Have an account looked at now; what that finds is looked at once more."""
        desk = self._desks[account]
        if desk.venue is not None:
            number = desk.venue.next_number()
            self._watches[account].awaited = number
            self._journal.ask_account(account, number)

    def take(self, seen: AccountSeen) -> bool:
        """Take in a look at an account; tell whether it is known by now what differs."""
        desk = self._desks.get(seen.account)
        if desk is None or desk.venue is None:
            return False
        watch = self._watches[seen.account]
        is_doubted = watch.looked_at is None or (bool(seen.number) and seen.number == watch.awaited)
        watch.looked_at, watch.seen_at, watch.is_behind = self._markets.wall, seen.at, False
        self._forget_orders(desk.name, seen)
        comparison = self._compare(desk, seen)
        found = {one.topic: one for one in comparison.found}
        watch.shown = frozenset(found)
        watch.measured = {one: at for one, at in watch.measured.items() if one in found}
        before, watch.suspects = watch.suspects, {}
        doubts = [
            one
            for one in comparison.found
            if not self._take_found(desk, one, before.get(one.topic))
        ]
        is_sure = self._take_ends(desk, watch, found, comparison) and not doubts
        # An order of ours that nobody here follows may fill meanwhile: it is not left for minutes.
        if (is_doubted and not is_sure) or any(one.is_ours for one in doubts):
            self._journal.ask_account(desk.name, desk.venue.next_number())
        self._bar(desk, desk.venue)
        return is_sure or not is_doubted

    def note_report(self, report: Report) -> None:
        """Take in that an order was filled further about which people are still asked."""
        if not isinstance(report, OrderFilled):
            return
        for one in self.records.of_account(report.account):
            order = one.difference.order
            if order is not None and id_of(order) == report.order_id:
                filled = min(order.quantity, order.filled + report.fill.quantity)
                found = replace(one.difference, order=replace(order, filled=filled))
                self._update(one, found)

    def note_fill(self, fill: Fill) -> None:
        """Take in a fill that was booked: an old one may be all that a difference is about."""
        watch = self._watches.get(fill.account)
        if watch is None or fill.at > watch.seen_at + CLOCKS_S:
            return
        if not watch.is_behind and self.records.of_account(fill.account):
            watch.is_behind = True
            self.ask(fill.account)

    def why_not_yet(self, one: OpenDifference) -> str:
        """Say why a difference cannot be answered now, or nothing: it may be none any more."""
        watch = self._watches[one.account]
        if watch.looked_at is None:
            return "its account has not been looked at since the start"
        if watch.is_behind and one.topic.kind is not DifferenceKind.ORDER:
            return "a fill came in late, and the account is looked at again"
        return "" if one.topic in watch.shown else "the last look did not show it"

    def ask_again_if_moved(self, one: OpenDifference, shown: Decimal) -> bool:
        """Ask people about a difference that has another size than was shown; tell if so."""
        instrument = self._instruments.get(one.symbol)
        step = _ZERO if instrument is None else instrument.quantity_step
        if not has_moved(one.difference, shown, step):
            return False
        self._tell_again(one)
        return True

    def note_shown(self, numbers: Iterable[int], viewers: Iterable[str], at: float) -> None:
        """Note who sees the sizes of these as they are now: nobody else does."""
        for number in numbers:
            one = self.records.open[number]
            now = Viewed(one.difference.amount, at)
            viewed = {**one.viewed, **dict.fromkeys(viewers, now)}
            latest = sorted(viewed.items(), key=lambda seen: seen[1].at)[-_VIEWERS_MAX:]
            self.records.open[number] = replace(one, viewed=dict(latest))
            self.keep()

    def settle(self, number: int) -> None:
        """Close a difference that was answered."""
        one = self.records.open.pop(number)
        desk = self._desks[one.account]
        if desk.venue is not None:
            self._watches[one.account].gone.discard(number)
            self._bar(desk, desk.venue)
        self.keep()

    def ignore(self, desk: AccountDesk, topic: Topic, amount: Decimal) -> None:
        """Remember that so much more is none of ours."""
        self.records.ignore(desk.name, topic, amount)
        self.note_answered(desk, topic, "", _ZERO, is_ignored=True)

    def note_answered(
        self,
        desk: AccountDesk,
        topic: Topic,
        symbol: str,
        price: Decimal,
        *,
        is_ignored: bool = False,
        gone: Gone | None = None,
    ) -> None:
        """Note that a topic agrees now with what a look has shown: see `late_fills`."""
        seen_at = self._watches[desk.name].measured.get(topic)
        # Without a look that showed just that, nobody knows what it has in it.
        if topic.kind is not DifferenceKind.ORDER and seen_at is not None:
            one = Answered(symbol, price, seen_at, self._markets.now, is_ignored, gone)
            self.records.answered.setdefault(desk.name, {})[topic] = one
        self.keep()

    def answered(self, desk: AccountDesk, topic: Topic) -> Answered | None:
        """Return what was last done about a topic."""
        return self.records.answered.get(desk.name, {}).get(topic)

    def ignored(self, desk: AccountDesk, topic: Topic) -> Decimal:
        """Return how much more there is that is none of ours."""
        return self.records.ignored.get(desk.name, {}).get(topic, _ZERO)

    def forget_ignored(self, desk: AccountDesk, topic: Topic, amount: Decimal | None) -> Decimal:
        """Take up to an amount, or all, from what is ignored; return how much that was."""
        ignored = self.records.ignored.get(desk.name, {})
        there = ignored.pop(topic, _ZERO)
        taken = there if amount is None else min(there, amount)
        if there - taken:
            ignored[topic] = there - taken
        self.keep()
        return taken

    def move_cash_figure(self, account: str, amount: Decimal) -> None:
        """Take into an open difference about money that the book's figure was moved by us."""
        for one in self.records.of_account(account):
            if one.topic.kind is DifferenceKind.CASH and amount:
                found = replace(one.difference, expected=one.difference.expected + amount)
                self._update(one, found)

    def keep(self) -> None:
        """Keep all of it over restarts."""
        self._journal.save(KEY, self.records.to_json)

    def _compare(self, desk: AccountDesk, seen: AccountSeen) -> Comparison:
        book = desk.book
        believed = Believed(
            desk.name,
            book.account.currency,
            book.cash,
            book.positions,
            self._orders.open_of_account(desk.name),
            self._instruments,
            desk.markets,
            residues=residues_by_base(book.residues, self._instruments),
            ignored=self.records.ignored.get(desk.name, {}),
        )
        ours = {
            one.order_id
            for one in seen.orders
            if one.order_id and self._ids.is_ours(one.order_id, desk.name)
        }
        return compare(believed, seen, ours)

    def _forget_orders(self, account: str, seen: AccountSeen) -> None:
        """Forget ignored orders that are open no more."""
        there = {one.venue_id or one.order_id for one in seen.orders}
        ignored = self.records.ignored.get(account, {})
        ended = [
            topic
            for topic in ignored
            if topic.kind is DifferenceKind.ORDER and topic.name not in there
        ]
        for topic in ended:
            del ignored[topic]
        if ended:
            self.keep()

    def _take_found(self, desk: AccountDesk, found: Difference, before: Difference | None) -> bool:
        """Take in one difference; tell whether it is told, or as it was told."""
        watch = self._watches[desk.name]
        known = next(
            (one for one in self.records.of_account(desk.name) if one.topic == found.topic), None
        )
        is_confirmed = before is not None and before.amount * found.amount > 0
        if known is None:
            if is_confirmed:
                self._open(desk, found)
                watch.measured[found.topic] = watch.seen_at
            else:
                watch.suspects[found.topic] = found
            return is_confirmed
        watch.gone.discard(known.number)
        if not _is_news(known.difference, found):
            self._update(known, found)
        elif is_confirmed:
            self._update(known, found)
            self._tell_again(self.records.open[known.number])
        else:
            watch.suspects[found.topic] = found
            return False
        watch.measured[found.topic] = watch.seen_at
        return True

    def _open(self, desk: AccountDesk, found: Difference) -> None:
        if found.is_ours and found.order is not None and found.symbol in desk.markets:
            self.take_up(desk, found.order)
            return
        made = self.records.add(desk.name, found, self._markets.wall)
        self.keep()
        self._announcer.tell(alerts.difference_found(made, desk.account))

    def _tell_again(self, one: OpenDifference) -> None:
        told = replace(one, at=self._markets.wall, shown=one.difference.amount, viewed={})
        self.records.open[one.number] = told
        self.keep()
        account = self._desks[one.account].account
        self._announcer.tell(alerts.difference_found(told, account))

    def _update(self, known: OpenDifference, found: Difference) -> None:
        if known.difference != found:
            self.records.open[known.number] = replace(known, difference=found)
            self.keep()

    def _take_ends(
        self,
        desk: AccountDesk,
        watch: _Watch,
        found: Mapping[Topic, Difference],
        comparison: Comparison,
    ) -> bool:
        """Close what two looks no longer show; tell whether none is seen to be gone only once."""
        is_sure = True
        for one in self.records.of_account(desk.name):
            if one.topic in found or not comparison.is_sure_of(one.topic, one.symbol):
                continue
            if one.number in watch.gone:
                self.settle(one.number)
                self._announcer.tell(alerts.difference_gone(one, desk.account))
            else:
                watch.gone.add(one.number)
                is_sure = False
        return is_sure

    def _bar(self, desk: AccountDesk, venue: VenueState) -> None:
        """Bar new risk where something differs; everywhere when money is missing."""
        texts: dict[str, str] = {}
        for one in self.records.of_account(desk.name):
            reason = alerts.barring_text(one)
            if one.symbol:
                texts.setdefault(one.symbol, reason)
            elif one.difference.is_missing:
                texts |= dict.fromkeys(desk.markets, reason)
        for symbol, key in desk.markets.items():
            venue.note_difference(key, texts.get(symbol, ""))
        venue.foreign = {
            topic.name: amount
            for topic, amount in self.records.ignored.get(desk.name, {}).items()
            if topic.kind in (DifferenceKind.HOLDING, DifferenceKind.CASH)
        }


def _is_news(known: Difference, found: Difference) -> bool:
    """Tell whether a difference that people know of has become another one."""
    was, now = known.amount, found.amount
    return was * now < 0 or abs(now) > _GROWN * abs(was)


def _nothing(_desk: AccountDesk, _order: OpenOrderSeen) -> None:
    return None
