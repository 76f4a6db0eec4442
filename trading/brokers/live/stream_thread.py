"""The thread `stream-<account>`: listens to the account so that its worker reads at once.

It wakes and no more. Without it, or while it is mute, the worker polls as if there were none, so
its failures are logged once per change and are no trouble.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from daemonkit.clock import Clock
from trading.brokers.account_stream import AccountStream, Hint
from trading.brokers.live.settings import LiveSettings
from trading.brokers.venue import VenueError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TokenWanted:
    """Say that a token is to be asked for, with a challenge where the exchange has given one."""

    challenge: str = ""
    token: Future[str] = field(default_factory=Future, compare=False)

    def give(self, token: str | VenueError) -> None:
        """Hand over the token, or why there is none."""
        # It may have been given up meanwhile: each connection wants one of its own.
        with suppress(InvalidStateError):
            if isinstance(token, VenueError):
                self.token.set_exception(token)
            else:
                self.token.set_result(token)


@dataclass(frozen=True, slots=True)
class Woken:
    """Say that something was heard, of an execution or not, or that nothing is any more."""

    is_execution: bool


StreamWish = TokenWanted | Woken


class StreamThread:
    """Own the thread; `put` hands a wish to the worker and never waits."""

    def __init__(
        self,
        account: str,
        stream: AccountStream,
        *,
        settings: LiveSettings,
        clock: Clock,
        rng: Random,
        put: Callable[[StreamWish], object],
    ) -> None:
        self._account = account
        self._stream = stream
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._put = put
        self._wanted = TokenWanted()
        self._stop = threading.Event()
        # Heard and not taken by the worker yet: bounds what waits for it.
        self._waiting: set[bool] = set()
        self._news_at: dict[bool, float] = {}
        self._heard_at: float | None = None
        self._is_lost = False
        name = f"stream-{account}"[:15]
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # What the worker calls.

    @property
    def stream(self) -> AccountStream:
        """Return what is listened to."""
        return self._stream

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()
        self._wanted.token.cancel()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def take_news(self, wish: Woken) -> float:
        """Return when the newest of what a wish is about was heard: the next one wakes again.

        In this order: what is heard in between is in the time, or has a wish of its own.
        """
        self._waiting.discard(wish.is_execution)
        return self._news_at[wish.is_execution]

    def is_healthy(self, now: float) -> bool:
        """Tell whether it is heard of: then polls may be rarer."""
        heard_at = self._heard_at
        return heard_at is not None and now - heard_at <= self._settings.stream_silence_s

    # Its own work.

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            began = self._clock.monotonic()
            try:
                self._stream.listen(self._want("").result(), self._want, self._hear, self._stop)
            except CancelledError:
                # By stop(): nobody waits for a token any more.
                break
            except Exception as error:
                # The thread's boundary: whatever it is, the polls do without.
                if not isinstance(error, VenueError):
                    log.exception("stream failed account=%s", self._account)
                self._note_lost(str(error))
            # One that is cut again and again is not opened ever faster: exchanges count that.
            has_lasted = self._clock.monotonic() - began >= self._settings.retry_longest_s
            tries = 0 if has_lasted and self._heard_at is not None else tries + 1
            if self._heard_at is not None:
                # What it does not tell any more is found by reads.
                self._heard_at = None
                self._wake(is_execution=True)
            self._stop.wait(self._rest_s(tries))

    def _want(self, challenge: str) -> Future[str]:
        """Have a token asked for; what was wanted before is not waited for any more."""
        wanted = self._wanted = TokenWanted(challenge)
        if self._stop.is_set():
            # stop() may have looked a moment too early to end this one.
            wanted.token.cancel()
        self._put(wanted)
        return wanted.token

    def _hear(self, hint: Hint) -> None:
        self._heard_at = self._clock.monotonic()
        if self._is_lost:
            self._is_lost = False
            log.info("account stream is back account=%s", self._account)
        if hint is not Hint.LIFE:
            self._wake(is_execution=hint is Hint.EXECUTION)

    def _wake(self, *, is_execution: bool) -> None:
        self._news_at[is_execution] = self._clock.monotonic()
        if is_execution not in self._waiting:
            self._waiting.add(is_execution)
            self._put(Woken(is_execution))

    def _note_lost(self, reason: str) -> None:
        if not self._is_lost:
            log.warning("no account stream, polling account=%s: %s", self._account, reason)
        self._is_lost = True

    def _rest_s(self, tries: int) -> float:
        settings = self._settings
        ceiling = min(settings.retry_longest_s, settings.retry_first_s * 2.0 ** min(tries, 32))
        return ceiling * (0.5 + self._rng.random() / 2)
