"""Binance spot over the fake exchange: its HTTP API, its market streams, and those of accounts.

    with start_binance(engine, account) as exchange:
        venue = ccxt.binance(exchange.ccxt_config)

What is checked before an endpoint acts: key, signature, time, weight. A request that the real API
would refuse as malformed is refused in its words and noted in `complaints`.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Final

from tests.fakes.exchange.binance_account_stream import BinanceAccountStream
from tests.fakes.exchange.binance_api import ENDPOINTS, Endpoint, OpenEndpoint
from tests.fakes.exchange.binance_limits import WEIGHT_MAX, BinanceLimits
from tests.fakes.exchange.binance_refusals import (
    BinanceRefusalError,
    backend_timeout,
    bad_key,
    internal_error,
    maintenance,
    no_such_order,
    overloaded,
    rejected,
    timestamp_late,
    too_many_requests,
)
from tests.fakes.exchange.binance_shapes import millis
from tests.fakes.exchange.binance_signing import check_key, check_signed, read_parameters
from tests.fakes.exchange.binance_streams import BinanceStreams
from tests.fakes.exchange.books import Rules
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, ClientIds
from tests.fakes.exchange.wire import (
    Asked,
    HttpAnswer,
    HttpRequest,
    Kind,
    Session,
    Word,
    json_answer,
)

_WS_API: Final = "/ws-api/v3"
_LISTS: Final = frozenset({Kind.OPEN_ORDERS, Kind.CLOSED_ORDERS, Kind.TRADES})
_WORDS: Final[dict[Word, Callable[[], BinanceRefusalError]]] = {
    Word.BUSY: overloaded,
    Word.TIMEOUT: backend_timeout,
    Word.UNAVAILABLE: overloaded,
    Word.INTERNAL: internal_error,
    Word.RATE_LIMIT: too_many_requests,
    Word.NONCE: timestamp_late,
    Word.MAINTENANCE: maintenance,
    Word.DUPLICATE: lambda: rejected("Duplicate order sent."),
    Word.KEY: bad_key,
    Word.FUNDS: lambda: rejected("Account has insufficient balance for requested action."),
}


class BinanceDialect:
    """Answer as Binance spot out of an engine, whose rules it sets.

    Who asks for more than `weight_max` within a minute is refused, and who goes on is banned.
    """

    name = "binance"

    def __init__(self, engine: Engine, *, weight_max: int = WEIGHT_MAX) -> None:
        engine.rules = Rules(
            make_id=lambda _kind, number: str(number),
            client_ids=ClientIds.OPEN,
            refuses_reached_triggers=True,
        )
        self._engine = engine
        self._limits = BinanceLimits(engine, weight_max)
        self._refused_subscriptions: deque[BinanceRefusalError] = deque()
        self.complaints: list[str] = []

    def read(self, request: HttpRequest) -> Asked:
        """Say what a request is about."""
        name = f"{request.method} {request.path}"
        parameters = read_parameters(request.query) | read_parameters(request.body.decode())
        endpoint = ENDPOINTS.get((request.method, request.path))
        kind = Kind.OTHER if endpoint is None else endpoint.kind
        client_id = parameters.get("origClientOrderId") or parameters.get("newClientOrderId", "")
        return Asked(kind, request, name, dict(parameters), client_id)

    def act(self, asked: Asked) -> HttpAnswer:
        """Check a request, do it, and answer."""
        request = asked.request
        with self._engine.changed:
            endpoint = ENDPOINTS.get((request.method, request.path))
            if endpoint is None:
                self.complaints.append(f"there is no {asked.name}")
                return HttpAnswer(404, b"<html>404 Not Found</html>", "text/html")
            try:
                payload = self._do(endpoint, asked)
            except BinanceRefusalError as error:
                if _is_malformed(error):
                    self.complaints.append(f"{asked.name} {asked.parameters}: {error}")
                return _refusal(error, self._limits.headers(request.path))
            account = self._orderer(endpoint, request)
            return json_answer(payload, 200, **self._limits.headers(request.path, account))

    def say(self, word: Word) -> HttpAnswer:
        """Refuse, or pretend to."""
        return _refusal(_WORDS[word](), {})

    def odd(self, answer: HttpAnswer) -> HttpAnswer:
        """Give an order a price that is no number, anything else an envelope."""
        payload = json.loads(answer.body)
        if isinstance(payload, dict) and "price" in payload:
            return json_answer(payload | {"price": "market"}, 200, **answer.headers)
        return json_answer({"data": payload}, 200, **answer.headers)

    def open_session(self, path: str, send: Callable[[object], None]) -> Session | None:
        """Welcome a connection for market streams, or to the WebSocket API."""
        if path == _WS_API:
            return BinanceAccountStream(
                self._engine,
                self._refused_subscriptions,
                self.complaints,
                send,
                spend=self._spend,
            )
        if "/ws" not in path:
            return None
        return BinanceStreams(self._engine, path, self.complaints, send)

    def use_up(self, weight: int) -> None:
        """Have others at the same address use a part of what may be asked this minute."""
        with self._engine.changed:
            self._limits.use(weight)

    def begin_minute(self) -> None:
        """Let what was asked so far be that of an earlier minute."""
        with self._engine.changed:
            self._limits.begin_minute()

    def refuse_subscriptions(self, times: int) -> None:
        """Refuse to tell of an account for so many times."""
        self._refused_subscriptions.extend(bad_key() for _ in range(times))

    def _do(self, endpoint: Endpoint, asked: Asked) -> object:
        request = asked.request
        total = request.query + request.body.decode()
        if isinstance(endpoint, OpenEndpoint):
            self._weigh(request.path, endpoint, read_parameters(total))
            return endpoint.act(self._engine, read_parameters(total))
        key = check_key(request.headers, self._engine.keys)
        if not (key.rights.trade if endpoint.needs_trade else key.rights.query):
            raise bad_key()
        wanted = check_signed(total, key, millis(self._engine.clock.wall()))
        self._weigh(request.path, endpoint, wanted)
        if endpoint.kind is not Kind.SUBMIT:
            return self._without_young(asked, endpoint.act(self._engine, key, wanted))
        with self._limits.order(key.account):
            return endpoint.act(self._engine, key, wanted)

    def _orderer(self, endpoint: Endpoint, request: HttpRequest) -> Account | None:
        """Return whose order was taken, if one was."""
        key = self._engine.keys.get(request.headers.get("x-mbx-apikey", ""))
        return key.account if key is not None and endpoint.kind is Kind.SUBMIT else None

    def _without_young(self, asked: Asked, payload: object) -> object:
        """Leave out what a slow part of the exchange has not heard of yet."""
        if not asked.stale_s:
            return payload
        newest = millis(self._engine.clock.wall() - asked.stale_s)
        if asked.kind in _LISTS and isinstance(payload, list):
            return [row for row in payload if row["time"] <= newest]
        if asked.kind is Kind.ORDER and isinstance(payload, dict) and payload["time"] > newest:
            raise no_such_order()
        return payload

    def _weigh(self, path: str, endpoint: Endpoint, wanted: dict[str, str]) -> None:
        names_none = "symbol" not in wanted and "symbols" not in wanted
        self._limits.spend(path, (names_none and endpoint.weight_of_all) or endpoint.weight)

    def _spend(self, weight: int) -> None:
        self._limits.spend(_WS_API, weight)


def _refusal(error: BinanceRefusalError, used: dict[str, str]) -> HttpAnswer:
    return json_answer(error.to_json(), error.status, **(used | dict(error.headers)))


def _is_malformed(error: BinanceRefusalError) -> bool:
    return -1199 <= error.code <= -1100 or error.code in {-1022, -2014}


def binance_urls(url: str, ws_url: str) -> dict[str, object]:
    """Return the `urls` of a ccxt configuration: every site of Binance is this exchange."""
    return {
        "api": {
            "public": f"{url}/api/v3",
            "private": f"{url}/api/v3",
            "v1": f"{url}/api/v1",
            "sapi": f"{url}/sapi/v1",
            "sapiV2": f"{url}/sapi/v2",
            "sapiV3": f"{url}/sapi/v3",
            "sapiV4": f"{url}/sapi/v4",
            "fapiPublic": f"{url}/fapi/v1",
            "fapiPrivate": f"{url}/fapi/v1",
            "dapiPublic": f"{url}/dapi/v1",
            "dapiPrivate": f"{url}/dapi/v1",
            # The library tells spot from futures streams by "/stream" in the address.
            "ws": {"spot": f"{ws_url}/stream/ws", "ws-api": {"spot": f"{ws_url}{_WS_API}"}},
        }
    }
