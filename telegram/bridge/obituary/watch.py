"""Notices a bot that goes without goodbye, says so once, and gives the all-clear.

Belongs to the thread `forward`. It is told who comes and goes, and by `tick` returns what is to be
said; what it looks like is said by `Words`, and where it is kept is known by `PresenceStore`.
"""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from telegram.bridge.disk import describe_problem, is_foreign
from telegram.bridge.obituary.presence import CONNECTED, Presence, Sign, next_presence, resumed
from telegram.bridge.store.presence import PresenceRow

log = logging.getLogger(__name__)

KNOWN_MAX: Final = 1_000
_REASON_LEN_MAX: Final = 200
_SAVE_RETRY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ObituarySettings:
    """Hold how long a silence is borne, and how much is said of it."""

    after_s: float = 10.0
    steady_s: float = 5.0
    restart_s: float = 75.0
    again_longest_s: float = 300.0
    window_s: float = 3_600.0
    breaks_max: int = 6
    log_lines: int = 8


@dataclass(frozen=True, slots=True)
class Notice:
    """Hold one thing to be said of a bot, as an event is."""

    bot: str
    kind: str
    severity: str
    text: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Absence:
    """Hold how a bot went: when it was last there, why it went, how often it was lost of late."""

    bot: str
    since: float
    reason: str
    losses: int = 0


class Words(Protocol):
    """Put into words what is to be said."""

    def lost(self, absence: Absence) -> Notice:
        """Say that a bot is lost, and what that means."""
        ...

    def back(self, absence: Absence) -> Notice:
        """Give the all-clear."""
        ...

    def stopped(self, absence: Absence) -> Notice:
        """Say that a bot has stopped, as it said itself."""
        ...

    def breaking(self, absence: Absence, breaks: int) -> Notice:
        """Say that a bot's connection breaks again and again."""
        ...


class PresenceStore(Protocol):
    """Keep the states over restarts."""

    def read(self) -> list[PresenceRow]:
        """Return all rows, the latest first."""
        ...

    def save(self, changed: Sequence[PresenceRow], forgotten: Sequence[str] = ()) -> None:
        """Note what has changed."""
        ...


@dataclass(slots=True)
class _Watch:
    bot: str
    state: Presence
    since: float
    reason: str = ""
    due: float | None = None
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    breaks: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    told_breaks_at: float = float("-inf")

    @property
    def absence(self) -> Absence:
        return Absence(self.bot, self.since, self.reason, len(self.losses))

    @property
    def row(self) -> PresenceRow:
        return PresenceRow(self.bot, self.state.value, self.since, self.reason)


class Obituaries:
    """Watch over all bots that were ever here."""

    def __init__(
        self, clock: Clock, settings: ObituarySettings, words: Words, store: PresenceStore
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._words = words
        self._store = store
        self._is_over = False
        self._changed: set[str] = set()
        self._forgotten: set[str] = set()
        self._save_at = float("-inf")
        self._has_failed = False
        self._notices: list[Notice] = []
        self._watches: dict[str, _Watch] = {}
        for row in store.read():
            self._resume(row)

    def note_came(self, bot: str) -> None:
        """Note that a bot is connected."""
        watch = self._watches.get(bot)
        if watch is None:
            watch = self._watches[bot] = _Watch(bot, Presence.STOPPED, self._clock.wall())
            self._forget_oldest()
        self._step(watch, Sign.CAME)
        if watch.state is Presence.RETURNING:
            watch.due = self._clock.monotonic() + self._settings.steady_s
        else:
            self._tell_breaks(watch)

    def note_gone(self, bot: str, reason: str, *, clean: bool) -> None:
        """Note that a bot's connection has ended, with or without a goodbye."""
        watch = self._watches.get(bot)
        if self._is_over or watch is None or watch.state not in CONNECTED:
            return
        now, was = self._clock.monotonic(), watch.state
        self._step(watch, Sign.GOODBYE if clean else Sign.CUT)
        if was is Presence.HERE:
            # A bot that was announced as lost stays lost since then, until the all-clear.
            watch.since, watch.reason = self._clock.wall(), one_line(reason, _REASON_LEN_MAX)
            watch.due = now + (self._settings.after_s if clean else self._patience_s(watch, now))
        if not clean:
            watch.breaks.append(now)

    def end(self) -> None:
        """Take what ends from now on as our own doing: the bridge itself says goodbye."""
        self._is_over = True

    def tick(self) -> list[Notice]:
        """Return what is to be said by now."""
        now = self._clock.monotonic()
        for watch in self._watches.values():
            if not self._is_over and watch.due is not None and now >= watch.due:
                self._be_due(watch, now)
        notices, self._notices = self._notices, []
        return notices

    def next_due(self) -> float | None:
        """Return when `tick` has something to do, by the monotonic clock."""
        if self._is_over:
            return None
        return min((one.due for one in self._watches.values() if one.due is not None), default=None)

    def remember(self) -> None:
        """Write down what has changed; a failure is tried again a little later."""
        now = self._clock.monotonic()
        if not (self._changed or self._forgotten) or now < self._save_at:
            return
        rows = [self._watches[bot].row for bot in self._changed if bot in self._watches]
        try:
            self._store.save(rows, tuple(self._forgotten))
        except Exception as error:  # noqa: BLE001 - what is not written is said all the same
            self._save_at = now + _SAVE_RETRY_S
            self._note_failure(error)
            return
        self._save_at, self._has_failed = float("-inf"), False
        self._changed.clear()
        self._forgotten.clear()

    def _note_failure(self, error: Exception) -> None:
        """Log it once until it works again."""
        if not self._has_failed:
            trace = None if is_foreign(error) else error
            problem = describe_problem(error)
            log.warning("who is here cannot be noted: %s", problem, exc_info=trace)
        self._has_failed = True

    def state_of(self, bot: str) -> Presence | None:
        """Return how a bot is there or away."""
        watch = self._watches.get(bot)
        return None if watch is None else watch.state

    def _resume(self, row: PresenceRow) -> None:
        try:
            state = resumed(Presence(row.state))
        except ValueError:
            log.warning("bot %s was left in an unknown state: %s", row.bot, row.state)
            return
        watch = _Watch(row.bot, state, row.since, row.reason)
        if state in (Presence.MISSED, Presence.LEAVING):
            if row.state == Presence.HERE:
                watch.since, watch.reason = self._clock.wall(), "not seen since the bridge started"
            # Its pauses between two tries have grown while nobody answered.
            watch.due = self._clock.monotonic() + self._settings.restart_s
        if state is Presence.LOST:
            watch.losses.append(self._clock.monotonic())
        self._watches[row.bot] = watch

    def _step(self, watch: _Watch, sign: Sign) -> None:
        before = watch.state
        watch.state = next_presence(before, sign)
        watch.due = None
        if watch.state is not before:
            self._changed.add(watch.bot)

    def _be_due(self, watch: _Watch, now: float) -> None:
        self._step(watch, Sign.DUE)
        if watch.state is Presence.LOST:
            watch.losses.append(now)
            self._notices.append(self._words.lost(watch.absence))
        elif watch.state is Presence.STOPPED:
            self._notices.append(self._words.stopped(watch.absence))
        else:
            self._notices.append(self._words.back(watch.absence))

    def _patience_s(self, watch: _Watch, now: float) -> float:
        """Return how long to wait for a bot: twice as long after each loss of late."""
        _drop_before(watch.losses, now - self._settings.window_s)
        after_s = self._settings.after_s * 2.0 ** len(watch.losses)
        return min(after_s, max(self._settings.again_longest_s, self._settings.after_s))

    def _tell_breaks(self, watch: _Watch) -> None:
        """Say once in a while that a bot is lost for moments, none of which is worth a word."""
        now, window_s = self._clock.monotonic(), self._settings.window_s
        _drop_before(watch.breaks, now - window_s)
        if len(watch.breaks) < self._settings.breaks_max:
            return
        if now - watch.told_breaks_at >= window_s:
            watch.told_breaks_at = now
            self._notices.append(self._words.breaking(watch.absence, len(watch.breaks)))

    def _forget_oldest(self) -> None:
        excess = len(self._watches) - KNOWN_MAX
        if excess <= 0:
            return
        away = [one for one in self._watches.values() if one.state is Presence.STOPPED]
        for one in sorted(away, key=lambda each: each.since)[:excess]:
            del self._watches[one.bot]
            self._changed.discard(one.bot)
            self._forgotten.add(one.bot)


def _drop_before(moments: deque[float], earliest: float) -> None:
    while moments and moments[0] < earliest:
        moments.popleft()
