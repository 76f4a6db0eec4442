"""One ccxt object with one key: reads that raise VenueError only, writes of exactly one request.

Decodes answers without binary fractions. A request can be signed before it is known whether it
may leave. Must not know what is asked or sent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trading.brokers.exchanges.address_count import AddressCount
from trading.brokers.exchanges.errors import failure_of, retry_after
from trading.brokers.venue import FailureKind, VenueError


@dataclass(frozen=True, slots=True)
class Request:
    """Hold one call of ccxt: an endpoint with its parameters, or a method with its arguments."""

    method: str
    arguments: tuple[Any, ...] = field(default_factory=tuple)


def endpoint(method: str, parameters: Mapping[str, Any]) -> Request:
    """Return a call of one of the venue's own endpoints, which is one request on the wire."""
    return Request(method, (dict(parameters),))


class HeldBackError(Exception):
    """Say that a request was signed but may not leave: nothing was sent."""


class Wire:
    """Call a ccxt object; not for two threads at once."""

    def __init__(self, exchange: Any, count: AddressCount | None = None) -> None:
        self.exchange = exchange
        # What an exchange that counts by address tells with each answer.
        self.count = count
        self._may_leave: Callable[[], bool] | None = None
        self._is_let: bool | None = None
        # Where a request is signed, and where it is ready for its connection: leave is asked for
        # at the latter, and at the former should the latter be another session's one day.
        self._fetch, exchange.fetch = exchange.fetch, self._fetch_if_let
        self._session = exchange.session
        self._leave, exchange.session.send = exchange.session.send, self._leave_if_let
        # Whether a read of several requests breaks off for an order, which waits for one at most.
        self.gives_way: Callable[[], bool] = _never
        # Prices such as 0.1 stay text until they become Decimal. ccxt reads text as well.
        exchange.on_json_response = _decode
        # Refusals are told apart by what the venue said, which ccxt's errors do not always keep.
        exchange.enableLastJsonResponse = True

    def read(self, method: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Ask one of the venue's own endpoints; a failure is a VenueError."""
        return self.ask(endpoint(method, parameters or {}))

    def ask(self, request: Request) -> Any:
        """Make a call that changes nothing; a failure is a VenueError."""
        if self.gives_way():
            raise VenueError("an order comes first", FailureKind.GAVE_WAY)
        try:
            answer = self.send(request)
        except Exception as error:
            raise failure_of(error, self.retry_after_s(error)) from error
        if self.exchange.last_request_url and self.last_answer() is None:
            # ccxt makes an empty list of a page or of half an answer: no orders, no fills.
            raise VenueError("the answer is no JSON", FailureKind.BAD_ANSWER)
        return answer

    def send_if(self, request: Request, may_leave: Callable[[], bool]) -> Any:
        """Make a call whose signed request waits for leave; without it HeldBackError is raised.

        `may_leave` is asked once, with everything done that can be done before.
        """
        self._may_leave, self._is_let = may_leave, None
        try:
            return self.send(request)
        finally:
            self._may_leave = None

    def send(self, request: Request) -> Any:
        """Make a call once and let ccxt's error through."""
        self.exchange.last_json_response = None
        self.exchange.last_request_url = None
        self.exchange.last_response_headers = None
        # ccxt calls a refused key of Binance a rate limit once the key has worked: it would be
        # asked again and again, and nobody told.
        self.exchange.options.pop("hasAlreadyAuthenticatedSuccessfully", None)
        if self.count is None:
            return getattr(self.exchange, request.method)(*request.arguments)
        try:
            answer = getattr(self.exchange, request.method)(*request.arguments)
        except Exception as error:
            self.count.note(self.exchange.last_response_headers, error)
            raise
        self.count.note(self.exchange.last_response_headers)
        return answer

    def _fetch_if_let(self, *arguments: Any, **named: Any) -> Any:
        if self.exchange.session is not self._session:
            self._check_leave()
        return self._fetch(*arguments, **named)

    def _leave_if_let(self, *arguments: Any, **named: Any) -> Any:
        self._check_leave()
        return self._leave(*arguments, **named)

    def _check_leave(self) -> None:
        if self._may_leave is None:
            return
        if self._is_let is None:
            self._is_let = self._may_leave()
        if not self._is_let:
            raise HeldBackError

    def currency(self, code: str) -> str:
        """Return the usual name of a currency that the venue may call otherwise."""
        return str(self.exchange.safe_currency_code(code))

    def last_answer(self) -> Any:
        """Return the decoded answer of the last call, or None when there was none to decode."""
        return self.exchange.last_json_response

    def retry_after_s(self, error: Exception) -> float | None:
        """Return how long the venue's last answer asks to wait, which was this refusal."""
        headers = self.exchange.last_response_headers
        if self.count is not None:
            return self.count.asked_wait_s(headers, error)
        return retry_after(headers)

    def close(self) -> None:
        """Let go of the connections."""
        self.exchange.close()


def _never() -> bool:
    return False


def _decode(text: str) -> Any:
    return json.loads(text, parse_float=str)
