"""Where the orders of one account are kept: open and settled ones, by our id and by the venue's."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from trading.brokers.live.phases import Phase, PhaseTrigger
from trading.brokers.live.tracked import TrackedOrder
from trading.brokers.venue import VenueOrder
from trading.model.order import OrderType

SETTLED_KEPT_MAX: Final = 2_000


class OrderShelf:
    """Keep orders; settled ones for a while, because an execution may come late."""

    def __init__(self) -> None:
        self.open: dict[str, TrackedOrder] = {}
        self._settled: OrderedDict[str, TrackedOrder] = OrderedDict()
        self._doubted: dict[str, TrackedOrder] = {}
        self._by_venue_id: dict[str, str] = {}
        # The venue's ids of orders that were held for somebody else's and are ours.
        self.mistaken: list[str] = []

    def get(self, order_id: str) -> TrackedOrder | None:
        """Return an order by its id, or None."""
        return self.open.get(order_id) or self._settled.get(order_id)

    def find_by_venue_id(self, venue_id: str) -> TrackedOrder | None:
        """Return an order by the venue's id of it, or None."""
        return self.get(self._by_venue_id.get(venue_id, ""))

    def find(self, shown: VenueOrder) -> TrackedOrder | None:
        """Return the order that a venue shows, or None for one that is not from here."""
        return self.get(shown.client_id) or self.find_by_venue_id(shown.venue_id)

    def file(self, tracked: TrackedOrder) -> None:
        """Keep an order that is open."""
        self.open[tracked.order.id] = tracked
        self.bind(tracked, tracked.order.venue_id)

    def bind(self, tracked: TrackedOrder, venue_id: str) -> None:
        """Note by which id the venue knows an order, if it said so."""
        if not venue_id:
            return
        other = self.find_by_venue_id(venue_id)
        if other is not None and other is not tracked and other.is_foreign:
            # A list without our ids had shown it before its own answer was known.
            self._drop(other)
            self.mistaken.append(venue_id)
        tracked.venue_id = venue_id
        self._by_venue_id[venue_id] = tracked.order.id

    def settle(self, tracked: TrackedOrder) -> None:
        """Let an order rest: it has ended, or is given up."""
        tracked.move(PhaseTrigger.SETTLE)
        tracked.look_at = tracked.cancel_at = None
        self.open.pop(tracked.order.id, None)
        self._settled[tracked.order.id] = tracked
        if len(self._settled) > SETTLED_KEPT_MAX:
            order_id, oldest = self._settled.popitem(last=False)
            self._by_venue_id.pop(oldest.venue_id, None)
            self._doubted.pop(order_id, None)

    def doubt(self, tracked: TrackedOrder, look_at: float) -> None:
        """Have a settled order looked up, because the venue shows it as open."""
        tracked.look_at = look_at
        self._doubted[tracked.order.id] = tracked

    def trust(self, tracked: TrackedOrder) -> None:
        """Note that a settled order was looked up."""
        self._doubted.pop(tracked.order.id, None)

    def bring_back(self, tracked: TrackedOrder) -> None:
        """Take an order up again that was settled and is there all the same."""
        tracked.move(PhaseTrigger.RETURN)
        tracked.is_cancel_wanted, tracked.ending, tracked.surplus_looks = False, None, 0
        self.trust(tracked)
        del self._settled[tracked.order.id]
        self.open[tracked.order.id] = tracked

    def _drop(self, tracked: TrackedOrder) -> None:
        for orders in (self.open, self._settled, self._doubted):
            orders.pop(tracked.order.id, None)

    def next_find(self) -> TrackedOrder | None:
        """Return the order that is to be looked up first."""
        due = [one for one in self.open.values() if one.look_at is not None]
        due += [one for one in self._doubted.values() if one.look_at is not None]
        return min(due, key=lambda one: one.look_at or 0.0, default=None)

    def next_finds(self, now: float, count_max: int) -> Sequence[TrackedOrder]:
        """Return the orders that are to be looked up together, the first of them first."""
        first = self.next_find()
        if first is None:
            return ()
        count_max = min(count_max, first.find_at_once)
        if count_max == 1 or not first.can_be_found_with_others(now):
            return (first,)
        known = [*self.open.values(), *self._doubted.values()]
        due = [one for one in known if one.can_be_found_with_others(now)]
        return sorted(due, key=lambda one: one.look_at or 0.0)[:count_max]

    @property
    def doubted(self) -> Sequence[TrackedOrder]:
        """Return the settled orders that are to be looked up."""
        return list(self._doubted.values())

    @property
    def cancelling(self) -> Sequence[TrackedOrder]:
        """Return the orders whose cancel is still to be asked for, now or later."""
        return [
            one
            for one in self.open.values()
            if one.phase is Phase.CANCELLING and one.cancel_at is not None
        ]

    @property
    def has_watched(self) -> bool:
        """Tell whether the venue has, or may have, an order from here."""
        return any(one.is_watched and not one.is_foreign for one in self.open.values())

    @property
    def has_entries(self) -> bool:
        """Tell whether an order from here may bring something that needs a stop."""
        return any(not (one.order.reduce_only or one.is_foreign) for one in self.open.values())

    @property
    def is_awaited(self) -> bool:
        """Tell whether an order is about to end or to rest; may be asked on any thread."""
        # Copied in one step: the worker's own thread goes on meanwhile.
        orders = list(self.open.values())
        return any(
            one.order.type is OrderType.MARKET
            or one.phase is Phase.SENDING
            # Once a stop is known to be gone, the one that replaces it is sent.
            or (one.is_cancel_wanted and one.order.reduce_only)
            for one in orders
        )

    @property
    def is_anything_underway(self) -> bool:
        """Tell whether an order waits to be sent or is being sent."""
        return any(one.phase in (Phase.QUEUED, Phase.SENDING) for one in self.open.values())
