"""The queue of updates of one bot: long polling, confirmation by offset, take-over, expiry."""

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from daemonkit.clock import Clock, SystemClock
from tests.fakes.bot_api.refusals import (
    TAKEN_OVER,
    TERMINATED_BY_WEBHOOK,
    WEBHOOK_IS_SET,
    RefusalError,
)

KEPT_S: Final = 24 * 3600.0
LIMIT_MAX: Final = 100
TIMEOUT_MAX_S: Final = 50.0
# Sent only to a bot that names them.
_OPT_IN: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_HISTORY_MAX: Final = 10_000
_LOOK_S: Final = 0.05  # how often a waiting poll looks whether its caller is still there


@dataclass(frozen=True, slots=True)
class Update:
    """Something that happened, on its way to the bot."""

    update_id: int
    kind: str
    date: float
    payload: dict[str, Any]
    added_s: float = 0.0  # monotonic: when the bot could have it

    def to_json(self) -> dict[str, Any]:
        """Write an Update."""
        return {"update_id": self.update_id, self.kind: self.payload}


class UpdateQueue:
    """Hold what the bot has not confirmed; the world's lock guards it."""

    def __init__(self, clock: Clock, changed: threading.Condition, first_id: int) -> None:
        self._clock = clock
        self._changed = changed
        self._next_id = first_id
        self._pending: list[Update] = []
        self._allowed: frozenset[str] = frozenset()
        self._poll = 0
        self._reason = ""
        self.webhook_url = ""
        self.is_closed = False
        self.expired = 0
        self.history: deque[Update] = deque(maxlen=_HISTORY_MAX)
        self.waiting = 0  # polls that hang at this moment

    @property
    def pending(self) -> list[Update]:
        """What the bot has not confirmed and has not expired."""
        with self._changed:
            self._expire()
            return list(self._pending)

    def add(self, kind: str, payload: dict[str, Any], date: float) -> Update | None:
        """Take in an update; None when the bot did not ask for its kind."""
        with self._changed:
            if not self._is_allowed(kind):
                return None
            # Written and read back: later changes of a message must not reach into the queue.
            frozen = json.loads(json.dumps(payload))
            update = Update(self._next_id, kind, date, frozen, self._clock.monotonic())
            self._next_id += 1
            self.history.append(update)
            self._pending.append(update)
            self._changed.notify_all()
            return update

    def skip_ids(self, count: int) -> None:
        """Leave a gap in the numbers, as the API does after a week of silence."""
        with self._changed:
            self._next_id += count

    def poll(
        self,
        *,
        offset: int,
        limit: int,
        timeout_s: float,
        allowed: Sequence[str] | None,
        is_caller_there: Callable[[], bool],
    ) -> list[Update]:
        """Answer getUpdates; a poll that waits ends when another one comes."""
        with self._changed:
            if self.webhook_url:
                raise RefusalError(409, WEBHOOK_IS_SET)
            self._take_over(TAKEN_OVER)
            mine = self._poll
            if allowed is not None:
                self._allowed = frozenset(allowed)
            self._confirm(offset)
            deadline = self._clock_of_threads() + min(max(timeout_s, 0.0), TIMEOUT_MAX_S)
            self.waiting += 1
            try:
                self._wait(mine, deadline, is_caller_there)
            finally:
                self.waiting -= 1
            if self._poll != mine:
                raise RefusalError(409, self._reason)
            self._expire()
            count = LIMIT_MAX if not 1 <= limit <= LIMIT_MAX else limit
            return self._pending[:count]

    def set_webhook(self, url: str, *, drop_pending: bool) -> None:
        """Set or take away (by "") the webhook; a waiting poll ends by a new one."""
        with self._changed:
            if url:
                self._take_over(TERMINATED_BY_WEBHOOK)
            self.webhook_url = url
            if drop_pending:
                self._pending.clear()

    def close(self) -> None:
        """End every waiting poll."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def _wait(self, mine: int, deadline: float, is_caller_there: Callable[[], bool]) -> None:
        while not self.is_closed and self._poll == mine:
            self._expire()
            left = deadline - self._clock_of_threads()
            if self._pending or left <= 0 or not is_caller_there():
                return
            self._changed.wait(min(left, _LOOK_S))

    def _take_over(self, reason: str) -> None:
        self._poll += 1
        self._reason = reason
        self._changed.notify_all()

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._pending = self._pending[offset:]
        elif offset > 0:
            self._pending = [update for update in self._pending if update.update_id >= offset]

    def _expire(self) -> None:
        oldest = self._clock.wall() - KEPT_S
        kept = [update for update in self._pending if update.date > oldest]
        self.expired += len(self._pending) - len(kept)
        self._pending = kept

    def _is_allowed(self, kind: str) -> bool:
        return kind in self._allowed if self._allowed else kind not in _OPT_IN

    @staticmethod
    def _clock_of_threads() -> float:
        # A poll waits for real seconds whatever the time of day is said to be.
        return SystemClock.monotonic()
