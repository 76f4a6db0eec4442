"""The one summary that comes on top of what waited during an outage."""

from collections.abc import Callable

from daemonkit.clock import Clock
from telegram.bridge.chat_outbox.calls import Call, Offer
from telegram.bridge.chat_outbox.catch_up import Backlog, Blockade
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.retries import Action
from telegram.bridge.messenger import Trouble


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
    ) -> None:
        self._blockade = blockade
        self._clock = clock
        self._after_s = after_s
        self._count = count
        self._on_sent = on_sent
        self._is_repeat = False

    def offer(self, now: float) -> Offer | None:
        """Return whether a summary comes first."""
        if not self._blockade.is_unsure:
            return None
        if not self._count().needs_summary(self._clock.wall(), self._after_s):
            if self._blockade.since is None:
                # A process that has just begun found nothing old; what comes now is new.
                self._blockade.end()
            return None
        return Offer(Lane.ALERT, float("-inf"), now)

    def call(self, _now: float, /) -> Call | None:
        """Return the summary of what waits now."""
        text = self._count().text(self._blockade, self._clock.wall(), is_repeat=self._is_repeat)
        return Call(Lane.ALERT, text)

    def sent(self, _message_id: int | None, _now: float, /) -> None:
        """Let what was summed up come in short."""
        self._is_repeat = False
        self._on_sent()

    def failed(self, _trouble: Trouble, action: Action, /) -> None:
        """Mark one that was perhaps shown; give up one that is refused."""
        self._is_repeat = self._is_repeat or action is Action.REPEAT
        if action in (Action.WEAKEN, Action.DROP, Action.AS_NEW):
            self.sent(None, 0.0)
