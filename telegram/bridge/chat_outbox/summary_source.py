"""The one summary that comes on top of what waited during an outage.

A database that cannot be read costs the summary and nothing else: what waits is sent without it.
"""

import logging
from collections.abc import Callable
from typing import Final

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from telegram.bridge.chat import Wishes
from telegram.bridge.chat_outbox.calls import Call, Offer
from telegram.bridge.chat_outbox.catch_up import Backlog, Blockade
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.retries import Action
from telegram.bridge.messenger import Trouble

log = logging.getLogger(__name__)

# What is critical sounds with its own message.
_SEVERITY: Final = "notice"


class SummarySource:
    """Send a summary where one is needed (telegram.bridge.chat_outbox.calls.Source)."""

    def __init__(
        self,
        blockade: Blockade,
        clock: Clock,
        *,
        after_s: float,
        count: Callable[[], Backlog],
        on_sent: Callable[[], None],
        wishes: Callable[[], Wishes],
    ) -> None:
        self._blockade = blockade
        self._clock = clock
        self._after_s = after_s
        self._count = count
        self._on_sent = on_sent
        self._wishes = wishes
        self._is_repeat = False
        self._faults = FaultLog(log, clock)

    def offer(self, now: float) -> Offer | None:
        """Return whether a summary comes first."""
        if not self._blockade.is_unsure:
            return None
        waiting = self._count_safely()
        if waiting is None or not waiting.needs_summary(self._clock.wall(), self._after_s):
            if waiting is not None and self._blockade.since is None:
                # A process that has just begun found nothing old; what comes now is new.
                self._blockade.end()
            return None
        return Offer(Lane.ALERT, float("-inf"), now)

    def call(self, _now: float, /) -> Call | None:
        """Return the summary of what waits now."""
        waiting = self._count_safely()
        if waiting is None:
            return None
        text = waiting.text(self._blockade, self._clock.wall(), is_repeat=self._is_repeat)
        wishes = self._wishes()
        return Call(Lane.ALERT, wishes.localize(text), is_silent=wishes.is_silent(_SEVERITY))

    def sent(self, _message_id: int | None, _now: float, /) -> None:
        """Let what was summed up come in short."""
        self._is_repeat = False
        try:
            self._on_sent()
        except Exception as error:  # noqa: BLE001 - it was sent all the same
            self._faults.note(error, "what waits cannot be shortened")

    def failed(self, _trouble: Trouble, action: Action, /) -> None:
        """Mark one that was perhaps shown; give up one that is refused."""
        self._is_repeat = self._is_repeat or action is Action.REPEAT
        if action in (Action.WEAKEN, Action.DROP, Action.AS_NEW):
            self._blockade.end()
            self.sent(None, 0.0)

    def _count_safely(self) -> Backlog | None:
        try:
            return self._count()
        except Exception as error:  # noqa: BLE001 - answers and alerts must not wait for a summary
            self._faults.note(error, "what waits cannot be summed up")
            return None
