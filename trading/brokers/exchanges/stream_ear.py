"""What is heard on the WebSocket of an account: whether it is listened to, and whether it lives.

Must not know the connection, nor what is heard beyond what the exchange's words make of it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from trading.brokers.account_stream import Hint
from trading.brokers.exchanges.errors import failure_of
from trading.brokers.exchanges.stream_words import ChallengedWords, Message, StreamWords
from trading.brokers.venue import FailureKind, VenueError

# How long it may be heard of before it listens to the account: to so many silences.
_SUBSCRIBING_SILENCES_MAX: Final = 2
# How long only ping frames may be answered, which says nothing of the exchange behind them: to so
# many silences. Heartbeats come every ten seconds where nothing else does.
_FRAMES_SILENCES_MAX: Final = 12


class Ear:
    """Tell messages apart by what they are about, before anything tries to read them."""

    def __init__(self, words: StreamWords, tell: Callable[[Hint], None], silence_s: float) -> None:
        self._hint_of = words.open()
        self._challenge_in = words.challenge_in if isinstance(words, ChallengedWords) else None
        self._tell = tell
        self._silence_s = silence_s
        # Whether answers to ping frames show that it lives, too.
        self._hears_frames = isinstance(words.ping, bytes)
        self._frame_ms: float | None = None
        self._began_at = self._heard_at = self._message_at = _now()
        self._end: VenueError | None = None
        self.challenge: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_on = False

    def hear(self, client: Any, message: Any) -> None:
        """Take in one message."""
        self._heard_at = self._message_at = _now()
        # Whatever comes shows that it lives: an answer to ccxt's own ping would be read by ccxt.
        client.lastPong = self._frame_ms = client.last_message_at
        if not isinstance(message, dict) or self._end is not None:
            return
        try:
            self._find_challenge(message)
            hint = self._hint_of(message)
        except Exception as error:  # noqa: BLE001 - raised in `check`: ccxt would go deaf by it
            self._end = failure_of(error)
            return
        self.is_on = self.is_on or hint is not Hint.LIFE
        if self.is_on:
            self._tell(hint)

    def note_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take in what failed outside of all tasks: a message that ccxt cannot read ends its ears.

        What is told of it by the loop would show a part of the message.
        """
        error = context.get("exception")
        if "handle" not in context or error is None:
            loop.default_exception_handler(context)
        elif self._end is None:
            reason = f"a message that cannot be read: {type(error).__name__}"
            self._end = VenueError(reason, FailureKind.BAD_ANSWER)

    def check(self, client: Any, *, is_over: bool) -> None:
        """Raise VenueError when there is nothing to be heard any more."""
        if self._end is not None:
            raise self._end
        if is_over:
            raise VenueError("the stream has ended", FailureKind.UNREACHABLE)
        if self._hears_frames:
            self._note_frame(client.last_message_at)
        now, silence_s = _now(), self._silence_s
        if now - self._heard_at > silence_s:
            raise VenueError(f"no message for {silence_s:g} s", FailureKind.UNREACHABLE)
        if now - self._message_at > _FRAMES_SILENCES_MAX * silence_s:
            raise VenueError("pings are answered, and nothing is said", FailureKind.UNREACHABLE)
        if not self.is_on and now - self._began_at > _SUBSCRIBING_SILENCES_MAX * silence_s:
            raise VenueError("the subscription was not answered", FailureKind.UNREACHABLE)

    def _find_challenge(self, message: Message) -> None:
        # One a connection: more signatures are not what was asked for.
        if self._challenge_in is not None and not self.challenge.done():
            found = self._challenge_in(message)
            if found is not None:
                self.challenge.set_result(found)

    def _note_frame(self, at_ms: float | None) -> None:
        if at_ms is None or at_ms == self._frame_ms:
            return
        self._frame_ms, self._heard_at = at_ms, _now()
        if self.is_on:
            self._tell(Hint.LIFE)


def _now() -> float:
    return asyncio.get_running_loop().time()
