"""The way to a venue that can be traded: loaded, with a key that is right, tried for ever."""

import logging
from collections.abc import Callable
from typing import Final

from daemonkit.clock import Clock
from trading.brokers.live.health import KEY, VenueHealth
from trading.brokers.live.moment import Moment, moment_of
from trading.brokers.live.settings import LiveSettings, RequestKind
from trading.brokers.venue import Connected, FailureKind, KeyRights, Venue, VenueError

log = logging.getLogger(__name__)

CONNECTION: Final = "connection"
KEY_RIGHTS: Final = "key rights"


def refuse_unsafe_key(rights: KeyRights) -> str:
    """Return why a key is not traded with, or nothing; what a venue does not tell is let pass."""
    if rights.can_withdraw:
        return "the key can withdraw money: make one that cannot"
    if rights.can_trade is False:
        return "the key may not trade: make one that may"
    return ""


class Connecting:
    """Connect to one venue, again and again until it works."""

    def __init__(
        self,
        venue: Venue,
        health: VenueHealth,
        *,
        settings: LiveSettings,
        clock: Clock,
        check_key: Callable[[KeyRights], str],
    ) -> None:
        self._venue = venue
        self._health = health
        self._settings = settings
        self._clock = clock
        self._check_key = check_key
        self._tries = 0
        self._next_at = clock.monotonic()

    def wait_s(self, moment: Moment) -> float:
        """Return how long until the next try."""
        # Whoever of this address was told to wait: who asks on is banned.
        pause_s = self._health.limiter.pause_s(moment.passed)
        return max(0.0, self._next_at - moment.passed, pause_s)

    def try_once(self) -> Connected | None:
        """Connect and judge the key; None when it did not work."""
        self._health.limiter.take(RequestKind.CONNECT, self._clock.monotonic())
        try:
            connected = self._venue.connect()
        except VenueError as error:
            self._failed(error, is_key=error.kind is FailureKind.KEY)
            return None
        except Exception as error:
            # A bug of the venue's adapter must not end the thread that also has to leave positions.
            log.exception("connect raised venue=%s", self._venue.name)
            self._failed(error, is_key=False)
            return None
        moment = moment_of(self._clock)
        self._health.troubles.clear(CONNECTION, moment.at)
        self._health.troubles.clear(KEY, moment.at)
        if fault := self._check_key(connected.rights):
            # Positions are still watched and left; nothing new is risked with such a key.
            self._health.troubles.set(KEY_RIGHTS, fault, moment.at)
        log.info("connected venue=%s markets=%d", self._venue.name, len(connected.instruments))
        return connected

    def _failed(self, error: Exception, *, is_key: bool) -> None:
        moment = moment_of(self._clock)
        name = self._venue.name
        if is_key:
            self._health.troubles.set(KEY, f"{name} refuses the key: {error}", moment.at)
            wait_s = self._settings.key_retry_s
        else:
            self._health.troubles.set(CONNECTION, f"{name} cannot be connected: {error}", moment.at)
            wait_s = self._health.wait_before_retry_s(self._tries)
        if isinstance(error, VenueError) and error.retry_after_s:
            wait_s = max(wait_s, error.retry_after_s)
        self._tries += 1
        self._next_at = moment.passed + wait_s
