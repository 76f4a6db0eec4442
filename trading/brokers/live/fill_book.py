"""Which executions were told already, and which cannot be told yet because their order is unknown.

Every execution counts once by the venue's id of it, however often and in whatever order it is
shown. Pure.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from trading.brokers.venue import VenueFill

TOLD_MAX: Final = 20_000
UNPLACED_MAX: Final = 2_000
# Venues date executions by the second, and show them late and out of order.
OVERLAP_S: Final = 60.0


class FillBook:
    """Hold the executions of one account that were seen."""

    def __init__(self, since: float) -> None:
        self._told: OrderedDict[str, VenueFill | None] = OrderedDict()
        self._unplaced: OrderedDict[str, VenueFill] = OrderedDict()
        self._newest_at = since + OVERLAP_S
        self.told_count = 0

    @property
    def since(self) -> float:
        """Return from when on executions have to be read again."""
        return self._newest_at - OVERLAP_S

    def know_all_until(self, at: float) -> None:
        """Note that all executions until a time, the venue's own, were read.

        Otherwise a stop that rests for weeks would have the weeks read again each time.
        """
        self._newest_at = max(self._newest_at, at + OVERLAP_S)

    def take_new(self, fills: Iterable[VenueFill], now_at: float) -> list[VenueFill]:
        """Return what was not told yet, with what waits for its order, oldest first."""
        new = dict(self._unplaced)
        for fill in fills:
            if fill.fill_id not in self._told:
                new[fill.fill_id] = fill
            # A venue's clock that is ahead must not hide what comes next.
            self._newest_at = max(self._newest_at, min(fill.at, now_at))
        return sorted(new.values(), key=lambda fill: fill.at)

    def note_told(self, fill: VenueFill, *, is_foreign: bool = False) -> None:
        """Note that an execution was told, perhaps as one of somebody else's order."""
        self.told_count += 1
        self._unplaced.pop(fill.fill_id, None)
        self._told[fill.fill_id] = fill if is_foreign else None
        if len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)

    def note_unplaced(self, fill: VenueFill) -> None:
        """Keep an execution whose order is not known, perhaps not yet."""
        self._unplaced[fill.fill_id] = fill
        if len(self._unplaced) > UNPLACED_MAX:
            # Executions of strangers: a difference of holdings tells of them.
            self._unplaced.popitem(last=False)

    def untell(self, venue_id: str) -> None:
        """Have the executions of an order told again that was held for somebody else's."""
        told = [one for one in self._told.values() if one and one.venue_id == venue_id]
        for fill in told:
            del self._told[fill.fill_id]
            self._unplaced[fill.fill_id] = fill

    @property
    def unplaced(self) -> list[VenueFill]:
        """Return the executions whose order is not known."""
        return list(self._unplaced.values())
