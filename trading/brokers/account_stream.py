"""What may be heard of an account as it happens: that something did, and never what.

A hint only says what to read first. Nothing is concluded from one, nor from its absence.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import Protocol

from trading.brokers.venue import Venue


class Hint(Enum):
    """Name what was heard: a sign of life, news of an order, or news of an execution."""

    LIFE = "life"
    ORDER = "order"
    EXECUTION = "execution"


class AccountStream(Protocol):
    """Listen to one account, again and again; it holds no key, only the tokens it is given.

    A token is whatever lets it in once: one that the venue hands out, or what the key has signed.
    """

    def ask_token(self, venue: Venue, challenge: str, /) -> str:
        """Ask for a token on the thread and with the key of the venue; VenueError if there is none.

        It is at most one request among those of its key, so that their nonces stay in order. A
        challenge is what the exchange has said on a connection that it wants signed, else "".
        """
        ...

    def listen(
        self,
        token: str,
        answer: Callable[[str], Future[str]],
        tell: Callable[[Hint], None],
        stop: threading.Event,
        /,
    ) -> None:
        """Tell what is heard until `stop` is set; VenueError says why there is no more.

        `answer` has a challenge of this connection signed, which may take a while, or for ever.
        """
        ...
