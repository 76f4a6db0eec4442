"""The queue before the store thread, of which the thread can look at what comes later."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from trading.engine.effects import CommittedEffect


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Say that the bridge has stored an epoch up to a number."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bring the damage that a reader has met."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Mark:
    """Wait for everything before to be committed."""

    reached: threading.Event


class View:
    """Say that there is a new view to show."""


class End:
    """Stand in the queue for: everything before is the last."""


Unit = Sequence[CommittedEffect]
Item = Unit | Acknowledged | Damage | Mark | View | End


class Intake:
    """Take items from any thread; give them to the store thread, in order."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._seen: deque[Item] = deque()

    def __len__(self) -> int:
        return self._queue.qsize() + len(self._seen)

    def put(self, item: Item) -> None:
        """Add an item; never waits."""
        self._queue.put(item)

    def take(self, wait_s: float) -> Item | None:
        """Return the next item, or None when none has come in time."""
        if self._seen:
            return self._seen.popleft()
        return self._get(wait_s)

    def look_ahead(self, wait_s: float, adapt: Callable[[Item], Item]) -> bool:
        """Have the next unseen item adapted, which stays in its place; False if none came."""
        item = self._get(wait_s)
        if item is None:
            return False
        self._seen.append(adapt(item))
        return True

    def _get(self, wait_s: float) -> Item | None:
        try:
            return self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
        except Empty:
            return None
