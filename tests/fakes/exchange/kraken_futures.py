"""Kraken Futures, real and demo: REST with signatures, history, charts; WebSocket v1.

    with FakeExchange(engine, KrakenFuturesDialect(engine)) as exchange: ...

It serves the engine's swaps, all with one margin account in their quote currency.
"""

import base64
import hashlib
import hmac
import json
import urllib.parse
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from tests.fakes.exchange import kraken_futures_shapes as shapes
from tests.fakes.exchange.books import Rules
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_futures_orders import (
    CANCEL_ORDER,
    SEND_ORDER,
    FuturesDesk,
    FuturesError,
)
from tests.fakes.exchange.kraken_futures_private import FeedScript
from tests.fakes.exchange.kraken_futures_reads import FuturesMarkets, FuturesReads
from tests.fakes.exchange.kraken_futures_socket import FuturesSession
from tests.fakes.exchange.kraken_orders import complaints_of
from tests.fakes.exchange.terms import ApiKey, ClientIds, MarketKind
from tests.fakes.exchange.wire import (
    Asked,
    HttpAnswer,
    HttpRequest,
    Kind,
    Session,
    Word,
    json_answer,
)

_TRADING: Final = "/derivatives/api/v3/"
_CHARTS: Final = "/api/charts/v1/"
_HISTORY: Final = "/api/history/"
_KINDS: Final = {
    "instruments": Kind.MARKETS,
    "tickers": Kind.PUBLIC,
    "orderbook": Kind.PUBLIC,
    "accounts": Kind.BALANCES,
    "openorders": Kind.OPEN_ORDERS,
    "orders/status": Kind.ORDER,
    "fills": Kind.TRADES,
    "openpositions": Kind.POSITIONS,
    "sendorder": Kind.SUBMIT,
    "cancelorder": Kind.CANCEL,
    "cancelallorders": Kind.CANCEL,
    "orders": Kind.CLOSED_ORDERS,
    "triggers": Kind.CLOSED_ORDERS,
    "account-log": Kind.LEDGER,
}
_WORDS: Final = {
    Word.BUSY: "Unavailable",
    Word.TIMEOUT: "Server Error",
    Word.UNAVAILABLE: "unavailable",
    Word.INTERNAL: "unknownError",
    Word.RATE_LIMIT: "apiLimitExceeded",
    Word.NONCE: "nonceBelowThreshold",
    Word.MAINTENANCE: "marketUnavailable",
    Word.KEY: "authenticationError",
}
_STATUS_WORDS: Final = {
    Word.DUPLICATE: "clientOrderIdAlreadyExist",
    Word.FUNDS: "insufficientAvailableFunds",
}


class KrakenFuturesDialect:
    """Say all of it as Kraken Futures does."""

    name = "krakenfutures"

    def __init__(self, engine: Engine) -> None:
        engine.rules = Rules(make_id=shapes.make_id, client_ids=ClientIds.ALL)
        self._engine = engine
        self.complaints: list[str] = []
        self.feeds = FeedScript()
        swaps = [each for each in engine.markets.values() if each.kind is MarketKind.SWAP]
        self._markets = {shapes.market_id(each): each for each in swaps}
        self._desk = FuturesDesk(engine, self._markets)
        self._public = FuturesMarkets(engine, self._markets)
        self._reads = FuturesReads(engine)

    def read(self, request: HttpRequest) -> Asked:
        name, kind = _name_of(request.path), Kind.PUBLIC
        kind = _KINDS.get(name.partition("/")[0], kind) if name not in _KINDS else _KINDS[name]
        text = "&".join(filter(None, (request.query, request.body.decode())))
        asked = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        return Asked(kind, request, name, asked, str(asked.get("cliOrdId", "")))

    def act(self, asked: Asked) -> HttpAnswer:
        try:
            result = self._call(asked)
        except FuturesError as error:
            return self._error(str(error))
        head = {"result": "success", "serverTime": shapes.iso(self._engine.clock.wall())}
        return json_answer({**head, **result})

    def say(self, word: Word) -> HttpAnswer:
        if word in _STATUS_WORDS:
            now = shapes.iso(self._engine.clock.wall())
            status = {"status": _STATUS_WORDS[word], "receivedTime": now, "orderEvents": []}
            return json_answer({"result": "success", "serverTime": now, "sendStatus": status})
        return self._error(_WORDS[word])

    def odd(self, answer: HttpAnswer) -> HttpAnswer:
        """Leave out what ccxt looks for."""
        body = json.loads(answer.body)
        return json_answer({"result": "success", "serverTime": body.get("serverTime")})

    def open_session(self, path: str, send: Callable[[object], None]) -> Session | None:
        if path != "/ws/v1":
            return None
        return FuturesSession(self._engine, self._markets, self.complaints, send, self.feeds)

    def _error(self, text: str) -> HttpAnswer:
        now = shapes.iso(self._engine.clock.wall())
        return json_answer({"result": "error", "error": text, "serverTime": now})

    def _call(self, asked: Asked) -> dict[str, Any]:
        if asked.request.path.startswith(_CHARTS):
            _price, symbol, interval = asked.name.split("/")
            return self._public.candles(symbol, interval, asked.parameters)
        first, _, rest = asked.name.partition("/")
        if asked.request.path.startswith(_HISTORY) and first == "market":
            return self._public.executions(rest.partition("/")[0], asked.parameters)
        if first == "instruments":
            return self._public.instruments()
        if first == "tickers":
            return self._public.ticker(rest) if rest else self._public.tickers()
        if first == "orderbook":
            return self._public.book(asked.parameters)
        key = self._check_key(asked)
        if asked.kind in (Kind.SUBMIT, Kind.CANCEL):
            return self._trade(key, asked)
        if not key.rights.query:
            raise FuturesError("authenticationError")
        return self._answer(key, asked)

    def _check_key(self, asked: Asked) -> ApiKey:
        request = asked.request
        key = self._engine.keys.get(request.headers.get("apikey", ""))
        if key is None:
            raise FuturesError("authenticationError")
        data = (request.query + request.body.decode()).encode()
        nonce = request.headers.get("nonce", "")
        path = request.path.removeprefix("/derivatives")
        inner = hashlib.sha256(data + nonce.encode() + path.encode()).digest()
        signed = hmac.new(base64.b64decode(key.secret), inner, hashlib.sha512).digest()
        given = request.headers.get("authent", "")
        if not hmac.compare_digest(base64.b64encode(signed).decode(), given):
            raise FuturesError("authenticationError")
        return key

    def _trade(self, key: ApiKey, asked: Asked) -> dict[str, Any]:
        if not key.rights.trade:
            raise FuturesError("authenticationError")
        if asked.request.method != "POST":
            raise FuturesError("notFound")
        if asked.name == "cancelallorders":
            return {"cancelStatus": self._desk.cancel_all(key.account, asked.parameters)}
        allowed = SEND_ORDER if asked.name == "sendorder" else CANCEL_ORDER
        found = complaints_of(asked.parameters, allowed)
        self.complaints.extend(f"{asked.name}: {text}" for text in found)
        if asked.name == "sendorder":
            return {"sendStatus": self._desk.send(key.account, asked.parameters)}
        return {"cancelStatus": self._desk.cancel(key.account, asked.parameters)}

    def _answer(self, key: ApiKey, asked: Asked) -> dict[str, Any]:
        reads, account, parameters = self._reads, key.account, asked.parameters
        stale_s = asked.stale_s
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "accounts": lambda: reads.accounts(account),
            "openorders": lambda: reads.open_orders(account, stale_s),
            "orders/status": lambda: reads.statuses(account, *_ids(asked.request)),
            "fills": lambda: reads.fills(account, parameters, stale_s),
            "openpositions": lambda: reads.positions(account),
            "account-log": lambda: reads.log(account, parameters, stale_s),
            "leveragepreferences": lambda: self._leverages(key, asked),
            "orders": lambda: reads.order_events(
                account, parameters, triggers=False, stale_s=stale_s
            ),
            "triggers": lambda: reads.order_events(
                account, parameters, triggers=True, stale_s=stale_s
            ),
        }
        if asked.name not in answers:
            raise FuturesError("notFound")
        return answers[asked.name]()

    def _leverages(self, key: ApiKey, asked: Asked) -> dict[str, Any]:
        if asked.request.method != "PUT":
            return self._reads.leverages(key.account)
        market = self._desk.market(asked.parameters)
        leverage = Decimal(str(asked.parameters.get("maxLeverage", "0")))
        if not 1 <= leverage <= market.leverage_max:
            raise FuturesError("invalidArgument: maxLeverage")
        with self._engine.changed:
            key.account.leverage[market.symbol] = leverage
        return {}


def _name_of(path: str) -> str:
    """Return what is asked for: the end of the address, without host, part and version."""
    for prefix in (_TRADING, _CHARTS):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    if path.startswith(_HISTORY):
        return path.removeprefix(_HISTORY).partition("/")[2]
    return path.lstrip("/")


def _ids(request: HttpRequest) -> tuple[list[str], list[str]]:
    text = "&".join(filter(None, (request.query, request.body.decode())))
    pairs = urllib.parse.parse_qsl(text)
    ids = [value for name, value in pairs if name.startswith("orderIds")]
    return ids, [value for name, value in pairs if name.startswith("cliOrdIds")]
