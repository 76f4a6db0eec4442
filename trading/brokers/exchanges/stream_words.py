"""What the private WebSocket of an account is about at one exchange: where it is, how it is asked.

Must not know the connection. Of a message no more is looked at than which read it makes due.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from daemonkit.printable import one_line
from daemonkit.secrets import redact
from trading.brokers.account_stream import Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.venue import FailureKind, VenueError

Message = Mapping[str, Any]
_REASON_LENGTH_MAX: Final = 200


class StreamWords(Protocol):
    """Say what one exchange wants to hear, and tell what it says apart."""

    @property
    def exchange(self) -> str:
        """Return the exchange, as ccxt names it."""
        ...

    @property
    def ping(self) -> Message | bytes | None:
        """Return what has to be asked to hear of a quiet connection, if anything has.

        Bytes are a ping frame of the WebSocket itself, whose answer is no message.
        """
        ...

    def ask_token(self, venue: CcxtVenue, /) -> str:
        """Return what lets the stream in, on the thread and with the key of the venue."""
        ...

    def address(self, exchange: Any, /) -> str:
        """Return where the WebSocket is, from the settings of ccxt's class."""
        ...

    def subscriptions(self, token: str, /) -> Sequence[Message]:
        """Return the messages that the connection begins with."""
        ...

    def open(self) -> Callable[[Message], Hint]:
        """Return what a message of a new connection is about, VenueError if it ends the stream.

        The first hint that is more than a sign of life says that the account is listened to.
        """
        ...


@runtime_checkable
class ChallengedWords(Protocol):
    """Say what a connection begins with where the exchange wants a text of its own signed."""

    def question(self, token: str, /) -> Message:
        """Return what the connection begins with, before there are subscriptions."""
        ...

    def challenge_in(self, message: Message, /) -> str | None:
        """Return what is to be signed, of the message that says so; VenueError if it must not."""
        ...

    def sign(self, venue: CcxtVenue, challenge: str, /) -> str:
        """Return what the subscriptions are made of, with the key of the venue."""
        ...


def refused(said: object) -> VenueError:
    """Return the end of a stream that the exchange does not want to open."""
    text = one_line(redact(str(said)), _REASON_LENGTH_MAX)
    return VenueError(text or "the subscription was refused", FailureKind.REFUSED)
