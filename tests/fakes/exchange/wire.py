"""What the server and the dialects of the fake exchange say to each other."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tests.fakes.exchange.books import News


class Kind(StrEnum):
    """What a request is about, in any dialect: by this, faults are scripted."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    ORDER = "order"  # one order, by an id
    OPEN_ORDERS = "open orders"
    CLOSED_ORDERS = "closed orders"
    TRADES = "trades"
    BALANCES = "balances"
    POSITIONS = "positions"
    LEDGER = "ledger"
    KEY = "key"  # the rights of a key, a token of a private socket
    MARKETS = "markets"
    PUBLIC = "public data"
    TIME = "time"
    WEBSOCKET = "websocket"
    OTHER = "other"


class Word(StrEnum):
    """What an exchange says in words of its own, which a dialect has."""

    BUSY = "busy"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal error"
    RATE_LIMIT = "rate limit"
    NONCE = "invalid nonce"
    MAINTENANCE = "maintenance"
    DUPLICATE = "duplicate client id"
    KEY = "invalid key"
    FUNDS = "insufficient funds"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    query: str  # as it came, undecoded
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(body: object, status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(body).encode(), headers=headers)


@dataclass(eq=False, slots=True)
class Asked:
    """A request that was read: what it is about, and everything that it says.

    `stale_s` comes from the script: open orders, closed orders, trades and bookings that are
    younger are not shown yet. `is_delayed`: it came in time, and its turn came late, so that an
    old nonce is no fault.
    """

    kind: Kind
    request: HttpRequest
    name: str  # the method, for people: AddOrder
    parameters: dict[str, Any] = field(default_factory=dict)
    client_id: str = ""
    stale_s: float = 0.0
    is_delayed: bool = False


class Session(Protocol):
    """One WebSocket as the exchange sees it; everything is called on the server's thread."""

    def receive(self, text: str) -> None:
        """Take a message of the client."""
        ...

    def take(self, news: News) -> None:
        """Tell the client what has happened, where it has asked for it."""
        ...

    def beat(self) -> None:
        """Send what is due from time to time."""
        ...


class Dialect(Protocol):
    """How one exchange says it. Everything is called on the server's thread."""

    name: str
    complaints: list[str]  # requests that the real API would refuse as malformed

    def read(self, request: HttpRequest) -> Asked:
        """Say what a request is about; do nothing yet."""
        ...

    def act(self, asked: Asked) -> HttpAnswer:
        """Check the signature and all else, do what is asked, answer."""
        ...

    def say(self, word: Word) -> HttpAnswer:
        """Say something in the words of the exchange."""
        ...

    def odd(self, answer: HttpAnswer) -> HttpAnswer:
        """Give a successful answer a shape that ccxt does not expect."""
        ...

    def open_session(self, path: str, send: Callable[[object], None]) -> Session | None:
        """Welcome a WebSocket; None: there is none at this path. `send` takes text or JSON."""
        ...
