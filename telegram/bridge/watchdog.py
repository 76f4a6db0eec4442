"""Feeds systemd's watchdog while every part of the bridge does its work.

A poll that ends badly is work as well: while Telegram is away, a restart would help nobody and cut
the link. What counts is that the loop turns, and that polls which should succeed do end.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from daemonkit.clock import Clock
from daemonkit.notify import Notifier
from telegram.bridge.bot_api.state import BotState, Standing

log = logging.getLogger(__name__)

Complaint = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Silences:
    """Hold how long no poll may end, and how long the loop that polls may stand still."""

    poll_s: float = 120.0
    loop_s: float = 30.0


class PollLife(Protocol):
    """What the thread `poll` shows of itself."""

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        ...

    @property
    def state(self) -> BotState:
        """Return how polling goes."""
        ...

    @property
    def last_poll_at(self) -> float | None:
        """Return when a poll was last answered, by the monotonic clock."""
        ...

    @property
    def turned_at(self) -> float:
        """Return when the thread's loop last turned, by the monotonic clock."""
        ...


class Watchdog:
    """Ask every part, and feed the watchdog only when none has a complaint."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._parts: list[Complaint] = []
        self._said = ""

    def watch(self, complaint: Complaint) -> None:
        """Ask this part too: it answers with what is wrong, or with nothing."""
        self._parts.append(complaint)

    def feed(self) -> None:
        """Say that the process is alive, unless a part says otherwise."""
        wrong = next((text for one in self._parts if (text := one())), "")
        if wrong and wrong != self._said:
            log.error("%s: systemd's watchdog is not fed", wrong)
        self._said = wrong
        if not wrong:
            self._notifier.watchdog()


def poll_complaint(thread: PollLife, clock: Clock, silences: Silences = Silences()) -> Complaint:
    """Return what asks the thread `poll`."""
    started_at = clock.monotonic()

    def complain() -> str:
        now, state = clock.monotonic(), thread.state
        if not thread.is_alive:
            return "the thread poll has ended"
        if now - thread.turned_at > silences.loop_s:
            return "the loop of the thread poll stands still"
        if state.standing is Standing.POLLING:
            # Another standing says that polls do end, and that somebody is told why.
            last = max(thread.last_poll_at or started_at, started_at)
            if now - last > silences.poll_s:
                return "no poll has ended"
        return ""

    return complain
