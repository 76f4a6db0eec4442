"""Coinbase Advanced Trade over the fake exchange: its HTTP API and its WebSocket.

A token is checked as the API checks it. A request that the real API would refuse as malformed is
refused and noted in `complaints`.
"""

import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tests.fakes.exchange.books import Rules
from tests.fakes.exchange.coinbase_money import MoneyReads
from tests.fakes.exchange.coinbase_orders import (
    NewOrder,
    NewOrderError,
    check_stop,
    in_coinbase_words,
    read_new_order,
)
from tests.fakes.exchange.coinbase_public import PublicReads
from tests.fakes.exchange.coinbase_query import MalformedError, Query, UnknownError
from tests.fakes.exchange.coinbase_reads import Reads
from tests.fakes.exchange.coinbase_shapes import Json, make_id, product_id
from tests.fakes.exchange.coinbase_streams import CoinbaseStreams
from tests.fakes.exchange.coinbase_token import BadTokenError, check_token
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, ApiKey, ClientIds, Order, RefusedError
from tests.fakes.exchange.wire import (
    Asked,
    HttpAnswer,
    HttpRequest,
    Kind,
    Session,
    Word,
    json_answer,
)

_V3: Final = "/api/v3/brokerage"
_CANCELS_MAX: Final = 100
_BRACKET_CUSHION: Final = Decimal("0.05")
_KINDS: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("POST", r"/api/v3/brokerage/orders", Kind.SUBMIT),
    ("POST", r"/api/v3/brokerage/orders/batch_cancel", Kind.CANCEL),
    ("GET", r"/api/v3/brokerage/orders/historical/batch", Kind.CLOSED_ORDERS),
    ("GET", r"/api/v3/brokerage/orders/historical/fills", Kind.TRADES),
    ("GET", r"/api/v3/brokerage/orders/historical/[^/]+", Kind.ORDER),
    ("GET", r"/api/v3/brokerage/accounts", Kind.BALANCES),
    ("GET", r"/v2/accounts", Kind.BALANCES),
    ("GET", r"/v2/accounts/[^/]+/(?:transactions|deposits|withdrawals)", Kind.LEDGER),
    ("GET", r"/api/v3/brokerage/key_permissions", Kind.KEY),
    ("GET", r"/api/v3/brokerage/transaction_summary", Kind.MARKETS),
    ("GET", r"/api/v3/brokerage/(?:market/)?products", Kind.MARKETS),
    ("GET", r"/v2/(?:currencies|currencies/crypto|exchange-rates)", Kind.MARKETS),
    ("GET", r"/api/v3/brokerage/time", Kind.TIME),
    ("GET", r"/v2/time", Kind.TIME),
    ("GET", r"/api/v3/brokerage/(?:best_bid_ask|(?:market/)?product.*)", Kind.PUBLIC),
)
_WORDS: Final[Mapping[Word, tuple[int, str, str]]] = {
    Word.BUSY: (503, "UNAVAILABLE", "service is busy"),
    Word.TIMEOUT: (504, "DEADLINE_EXCEEDED", "context deadline exceeded"),
    Word.UNAVAILABLE: (503, "UNAVAILABLE", "upstream connect error or disconnect"),
    Word.INTERNAL: (500, "INTERNAL", "Something went wrong"),
    Word.MAINTENANCE: (503, "UNAVAILABLE", "the exchange is under maintenance"),
}


class Duplicates(StrEnum):
    """What a client order id that is taken already is answered: the documents say the first."""

    ANSWER_FIRST = "answer first"
    REFUSE = "refuse"


class DeniedError(Exception):
    """Say that a key may not do what it asks for."""


class CoinbaseDialect:
    """Answer as Coinbase out of an engine, whose rules it sets.

    With `cancel_delay_s` a cancel is queued for so long, and the order may be filled meanwhile.
    """

    name = "coinbase"

    def __init__(
        self,
        engine: Engine,
        *,
        duplicates: Duplicates = Duplicates.ANSWER_FIRST,
        cancel_delay_s: float = 0.0,
    ) -> None:
        engine.rules = Rules(
            make_id=make_id, client_ids=ClientIds.NONE, bracket_cushion=_BRACKET_CUSHION
        )
        self._engine = engine
        self._duplicates = duplicates
        self._configurations: dict[str, Json] = {}
        self._cancel_delay_s = cancel_delay_s
        self._cancels: dict[str, tuple[Account, float]] = {}  # whose and when due, by order id
        self._reads = Reads(engine, self._configurations, self._cancels)
        self._money = MoneyReads(engine)
        self._refusals = 0  # of subscriptions, still to come
        self._public = PublicReads(engine)
        self.complaints: list[str] = []

    def read(self, request: HttpRequest) -> Asked:
        """Say what a request is about."""
        kind = Kind.OTHER
        for method, path, each in _KINDS:
            if request.method == method and re.fullmatch(path, request.path):
                kind = each
                break
        parameters: dict[str, object] = dict(_query(request))
        body = _body(request)
        parameters |= body
        if kind is Kind.CLOSED_ORDERS and parameters.get("order_status") == ["OPEN"]:
            kind = Kind.OPEN_ORDERS
        client_id = body.get("client_order_id")
        name = f"{request.method} {request.path}"
        return Asked(kind, request, name, parameters, str(client_id or ""))

    def act(self, asked: Asked) -> HttpAnswer:
        """Check a request, do it, and answer."""
        with self._engine.changed:
            self._carry_out_cancels()
            try:
                return json_answer(self._do(asked))
            except BadTokenError as error:
                if asked.request.headers.get("authorization") is None:
                    self.complaints.append(f"{asked.name}: {error}")
                return HttpAnswer(401, b"Unauthorized\n", "text/plain")
            except MalformedError as error:
                self.complaints.append(f"{asked.name} {asked.parameters}: {error}")
                return _refusal(400, "INVALID_ARGUMENT", str(error))
            except UnknownError as error:
                return _refusal(404, "NOT_FOUND", str(error))
            except DeniedError:
                return _refusal(403, "PERMISSION_DENIED", "Missing required scopes")

    def say(self, word: Word) -> HttpAnswer:
        """Refuse, or pretend to."""
        if word in _WORDS:
            return _refusal(*_WORDS[word])
        if word is Word.RATE_LIMIT:
            text = {"id": "rate_limit_exceeded", "message": "Too many requests"}
            return json_answer({"errors": [text]}, 429)
        if word in {Word.KEY, Word.NONCE}:
            return HttpAnswer(401, b"Unauthorized\n", "text/plain")
        error = _DUPLICATE if word is Word.DUPLICATE else _FUNDS
        return json_answer(error.to_json(None))

    def odd(self, answer: HttpAnswer) -> HttpAnswer:
        """Give a success an envelope that the library does not look into."""
        return json_answer({"success": True, "result": json.loads(answer.body)})

    def open_session(self, path: str, send: Callable[[object], None]) -> Session | None:
        """Welcome a connection."""
        if path != "/":
            return None
        return CoinbaseStreams(self._engine, self.complaints, send, refuses=self._refuses)

    def refuse_subscriptions(self, times: int) -> None:
        """Refuse to tell of an account for so many times."""
        self._refusals += times

    def _refuses(self) -> bool:
        is_refused = self._refusals > 0
        self._refusals -= is_refused
        return is_refused

    def _do(self, asked: Asked) -> object:
        request = asked.request
        found = self._do_openly(request.method, request.path, _query(request))
        if found is not None:
            return found
        key = self._check_key(request)
        if asked.kind in {Kind.SUBMIT, Kind.CANCEL}:
            return self._trade(asked, key)
        if not key.rights.query and asked.kind is not Kind.KEY:
            raise DeniedError
        return self._do_for(key, asked)

    def _do_openly(self, method: str, path: str, query: Query) -> object:
        public = self._public
        simple: dict[str, Callable[[], object]] = {
            f"{_V3}/time": public.time,
            "/v2/time": public.old_time,
            "/v2/currencies": public.fiat,
            "/v2/currencies/crypto": public.coins,
            "/v2/exchange-rates": public.exchange_rates,
            f"{_V3}/market/products": lambda: public.products(query),
            f"{_V3}/market/product_book": lambda: public.book(query),
        }
        if method != "GET":
            return None
        if path in simple:
            return simple[path]()
        return self._of_product(path, f"{_V3}/market/products/", query)

    def _of_product(self, path: str, prefix: str, query: Query) -> object:
        if not path.startswith(prefix):
            return None
        name, _slash, what = path.removeprefix(prefix).partition("/")
        if what == "candles":
            return self._public.candles(name, query)
        if what == "ticker":
            return self._public.trades(name, query)
        return self._public.one_product(name) if not what else None

    def _check_key(self, request: HttpRequest) -> ApiKey:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            raise BadTokenError("there is no token")
        asked = f"{request.method} {request.headers.get('host', '')}{request.path}"
        return check_token(token, self._engine.keys, self._engine.clock.wall(), asked)

    def _do_for(self, key: ApiKey, asked: Asked) -> object:
        path, query = asked.request.path, _query(asked.request)
        reads, money, stale_s = self._reads, self._money, asked.stale_s
        simple: dict[str, Callable[[], object]] = {
            f"{_V3}/orders/historical/batch": lambda: reads.orders(key, query, stale_s),
            f"{_V3}/orders/historical/fills": lambda: reads.fills(key, query, stale_s),
            f"{_V3}/accounts": lambda: money.wallets(key, query),
            f"{_V3}/key_permissions": lambda: money.key_permissions(key),
            f"{_V3}/transaction_summary": lambda: money.transaction_summary(key),
            f"{_V3}/best_bid_ask": lambda: self._public.best_prices(query),
            f"{_V3}/product_book": lambda: self._public.book(query),
            f"{_V3}/products": lambda: self._public.products(query),
            "/v2/accounts": lambda: money.old_wallets(key, query),
        }
        if path in simple:
            return simple[path]()
        if asked.kind is Kind.ORDER:
            return reads.one_order(key, path.rpartition("/")[2], stale_s)
        wallet = re.fullmatch(r"/v2/accounts/([^/]+)/transactions", path)
        if wallet is not None:
            return money.transactions(key, wallet[1], query)
        found = self._of_product(path, f"{_V3}/products/", query)
        if found is None:
            self.complaints.append(f"there is no {asked.name}")
            raise UnknownError("Not found")
        return found

    def _trade(self, asked: Asked, key: ApiKey) -> object:
        if not key.rights.trade:
            raise DeniedError
        body = _body(asked.request)
        if asked.kind is Kind.CANCEL:
            return self._cancel(key, body)
        market = self._public.market(body.get("product_id"))
        configuration = body.get("order_configuration")
        try:
            first = self._engine.find(key.account, client_id=str(body.get("client_order_id", "")))
            new = read_new_order(body, market, key.account)
            if first is not None:
                if self._duplicates is Duplicates.REFUSE:
                    raise _DUPLICATE
                return self._taken(first)
            check_stop(new.wish, self._engine.tapes[market.symbol].last)
            return self._submit(key, new)
        except NewOrderError as error:
            return error.to_json(configuration)

    def _submit(self, key: ApiKey, new: NewOrder) -> Json:
        try:
            order = self._engine.submit(key.account, new.wish)
        except RefusedError as error:
            raise in_coinbase_words(error.refusal) from None
        self._configurations[order.id] = new.configuration
        return self._taken(order)

    def _taken(self, order: Order) -> Json:
        market = self._engine.markets[order.symbol]
        return {
            "success": True,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": order.id,
            "success_response": {
                "order_id": order.id,
                "product_id": product_id(market),
                "side": order.side.value.upper(),
                "client_order_id": order.client_id,
                "attached_order_id": "",
            },
            "order_configuration": self._configurations.get(order.id),
        }

    def _cancel(self, key: ApiKey, body: Mapping[str, object]) -> Json:
        ids = body.get("order_ids")
        if (
            not isinstance(ids, list)
            or not 0 < len(ids) <= _CANCELS_MAX
            or set(body) != {"order_ids"}
        ):
            raise MalformedError("order_ids is required: 1 to 100 of them")
        return {"results": [self._cancel_one(key, str(order_id)) for order_id in ids]}

    def _cancel_one(self, key: ApiKey, order_id: str) -> Json:
        order = self._engine.find(key.account, order_id=order_id)
        reason, is_done = "UNKNOWN_CANCEL_FAILURE_REASON", True
        if order is None or not order.is_open:
            reason, is_done = "UNKNOWN_CANCEL_ORDER", False
        elif order_id in self._cancels:
            reason, is_done = "DUPLICATE_CANCEL_REQUEST", False
        else:
            due = self._engine.clock.wall() + self._cancel_delay_s
            self._cancels[order_id] = (key.account, due)
            self._carry_out_cancels()
        return {"success": is_done, "failure_reason": reason, "order_id": order_id}

    def _carry_out_cancels(self) -> None:
        now = self._engine.clock.wall()
        for order_id, (account, due) in list(self._cancels.items()):
            if due <= now:
                del self._cancels[order_id]
                with suppress(RefusedError):  # it was filled meanwhile
                    self._engine.cancel(account, order_id=order_id)


_DUPLICATE: Final = NewOrderError(
    "UNKNOWN_FAILURE_REASON", "client_order_id is taken", "UNKNOWN_PREVIEW_FAILURE_REASON"
)
_FUNDS: Final = NewOrderError(
    "INSUFFICIENT_FUND", "Insufficient balance in source account", "PREVIEW_INSUFFICIENT_FUND"
)


def _refusal(status: int, error: str, text: str) -> HttpAnswer:
    return json_answer({"error": error, "error_details": text, "message": text}, status)


def _query(request: HttpRequest) -> dict[str, list[str]]:
    return urllib.parse.parse_qs(request.query, keep_blank_values=True)


def _body(request: HttpRequest) -> dict[str, object]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
