"""Kraken spot and margin: REST with signatures, nonces and the call counter; WebSocket v2.

    with FakeExchange(engine, KrakenDialect(engine)) as exchange: ...

`dialect.counter` limits private calls when it is given; `dialect.public.system_status` may be set
to `maintenance`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from daemonkit.clock import Clock
from tests.fakes.exchange.books import Rules
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_names import Pair, make_id
from tests.fakes.exchange.kraken_orders import (
    ADD_ORDER,
    CANCEL_ORDER,
    KrakenError,
    OrderDesk,
    complaints_of,
    error_of,
)
from tests.fakes.exchange.kraken_private import PrivateReads
from tests.fakes.exchange.kraken_public import PublicMethods
from tests.fakes.exchange.kraken_socket import KrakenSession
from tests.fakes.exchange.terms import Account, ApiKey, ClientIds, MarketKind, RefusedError
from tests.fakes.exchange.wire import (
    Asked,
    HttpAnswer,
    HttpRequest,
    Kind,
    Session,
    Word,
    json_answer,
)

_KINDS: Final = {
    "Time": Kind.TIME,
    "SystemStatus": Kind.TIME,
    "Assets": Kind.MARKETS,
    "AssetPairs": Kind.MARKETS,
    "Ticker": Kind.PUBLIC,
    "OHLC": Kind.PUBLIC,
    "Trades": Kind.PUBLIC,
    "Depth": Kind.PUBLIC,
    "Balance": Kind.BALANCES,
    "BalanceEx": Kind.BALANCES,
    "TradeBalance": Kind.BALANCES,
    "OpenOrders": Kind.OPEN_ORDERS,
    "ClosedOrders": Kind.CLOSED_ORDERS,
    "QueryOrders": Kind.ORDER,
    "TradesHistory": Kind.TRADES,
    "QueryTrades": Kind.TRADES,
    "OpenPositions": Kind.POSITIONS,
    "Ledgers": Kind.LEDGER,
    "AddOrder": Kind.SUBMIT,
    "CancelOrder": Kind.CANCEL,
    "CancelAll": Kind.CANCEL,
    "GetWebSocketsToken": Kind.KEY,
    "GetApiKeyInfo": Kind.KEY,
}
_WORDS: Final = {
    Word.BUSY: "EService:Busy",
    Word.TIMEOUT: "EService:Timeout",
    Word.UNAVAILABLE: "EService:Unavailable",
    Word.INTERNAL: "EGeneral:Internal error",
    Word.RATE_LIMIT: "EAPI:Rate limit exceeded",
    Word.NONCE: "EAPI:Invalid nonce",
    Word.MAINTENANCE: "EService:Market in cancel_only mode",
    Word.DUPLICATE: "EOrder:Duplicate cl_ord_id",
    Word.KEY: "EAPI:Invalid key",
    Word.FUNDS: "EOrder:Insufficient funds",
}
_TRADING: Final = frozenset({Kind.SUBMIT, Kind.CANCEL})


@dataclass(eq=False)
class CallCounter:
    """What a key may call: each call counts, and the count decays."""

    clock: Clock
    limit: float = 15.0
    decay_per_s: float = 0.33
    count: float = 0.0
    at: float = 0.0

    def take(self, cost: float) -> bool:
        now = self.clock.monotonic()
        self.count = max(0.0, self.count - (now - self.at) * self.decay_per_s)
        self.at = now
        if self.count + cost > self.limit:
            return False
        self.count += cost
        return True


class KrakenDialect:
    """Say all of it as Kraken does."""

    name = "kraken"

    def __init__(self, engine: Engine) -> None:
        engine.rules = Rules(make_id=make_id, client_ids=ClientIds.OPEN)
        self._engine = engine
        self.counter: CallCounter | None = None
        self.complaints: list[str] = []
        pairs = [Pair(each) for each in engine.markets.values() if each.kind is not MarketKind.SWAP]
        self.pairs = {name: pair for pair in pairs for name in pair.names}
        self._tokens: dict[str, Account] = {}
        self._desk = OrderDesk(engine, self.pairs)
        self.public = PublicMethods(engine, self.pairs)
        self._reads = PrivateReads(engine, self.pairs, self._desk)

    def read(self, request: HttpRequest) -> Asked:
        name = request.path.rpartition("/")[2]
        kind = _KINDS.get(name, Kind.OTHER)
        if "/public/" in request.path:
            asked = dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
        else:
            asked = _parameters(request)
        return Asked(kind, request, name, asked, str(asked.get("cl_ord_id", "")))

    def act(self, asked: Asked) -> HttpAnswer:
        try:
            result = self._call(asked)
        except KrakenError as error:
            return json_answer({"error": [str(error)]})
        except RefusedError as refused:
            return json_answer({"error": [str(error_of(refused))]})
        return json_answer({"error": [], "result": result})

    def say(self, word: Word) -> HttpAnswer:
        return json_answer({"error": [_WORDS[word]]})

    def odd(self, answer: HttpAnswer) -> HttpAnswer:
        """Give `descr` a text without the words that ccxt looks for."""
        body = json.loads(answer.body)
        result = body.get("result")
        if isinstance(result, dict) and "descr" in result:
            result["descr"] = {"order": "accepted"}
            return json_answer(body)
        return json_answer({"error": [], "result": [result]})

    def open_session(self, path: str, send: Callable[[object], None]) -> Session | None:
        if path.rstrip("/") != "/v2":
            return None
        return KrakenSession(self._engine, self._tokens, self.complaints, send)

    def _call(self, asked: Asked) -> Any:
        if asked.request.path == f"/0/public/{asked.name}":
            return self.public.call(asked.name, asked.parameters)
        if asked.request.path != f"/0/private/{asked.name}" or asked.request.method != "POST":
            raise KrakenError("EGeneral:Unknown method")
        key = self._check_key(asked)
        self._count(asked)
        if asked.kind in _TRADING:
            return self._trade(key, asked)
        if not key.rights.query and asked.name != "GetApiKeyInfo":
            raise KrakenError("EGeneral:Permission denied")
        return self._answer(key, asked)

    def _check_key(self, asked: Asked) -> ApiKey:
        """Refuse what is not signed by a key, or not in the order of its nonces."""
        request = asked.request
        key = self._engine.keys.get(request.headers.get("api-key", ""))
        if key is None:
            raise KrakenError("EAPI:Invalid key")
        nonce = str(asked.parameters.get("nonce", ""))
        if not nonce.isdigit():
            raise KrakenError("EAPI:Invalid nonce")
        inner = hashlib.sha256(nonce.encode() + request.body).digest()
        try:
            secret = base64.b64decode(key.secret, validate=True)
        except binascii.Error:
            raise AssertionError("a secret of Kraken is written in base64") from None
        signed = hmac.new(secret, request.path.encode() + inner, hashlib.sha512).digest()
        given = request.headers.get("api-sign", "")
        if not hmac.compare_digest(base64.b64encode(signed).decode(), given):
            raise KrakenError("EAPI:Invalid signature")
        if int(nonce) <= key.last_nonce and not asked.is_delayed:
            raise KrakenError("EAPI:Invalid nonce")
        key.last_nonce = max(key.last_nonce, int(nonce))
        return key

    def _count(self, asked: Asked) -> None:
        if self.counter is None or asked.name in ("AddOrder", "CancelOrder"):
            return
        cost = 2.0 if asked.name in ("Ledgers", "TradesHistory", "ClosedOrders") else 1.0
        if not self.counter.take(cost):
            raise KrakenError("EAPI:Rate limit exceeded")

    def _trade(self, key: ApiKey, asked: Asked) -> Any:
        if not key.rights.trade:
            raise KrakenError("EGeneral:Permission denied")
        if asked.name == "CancelAll":
            return {"count": len(self._engine.cancel_all(key.account))}
        allowed = ADD_ORDER if asked.name == "AddOrder" else CANCEL_ORDER
        found = complaints_of(asked.parameters, allowed)
        self.complaints.extend(f"{asked.name}: {text}" for text in found)
        if asked.name == "AddOrder":
            return self._desk.add(key.account, asked.parameters)
        return self._desk.cancel(key.account, asked.parameters)

    def _answer(self, key: ApiKey, asked: Asked) -> Any:
        reads, account, parameters = self._reads, key.account, asked.parameters
        answers: dict[str, Callable[[], Any]] = {
            "Balance": lambda: reads.balances(account),
            "BalanceEx": lambda: reads.balances_with_holds(account),
            "TradeBalance": lambda: reads.trade_balance(account),
            "OpenOrders": lambda: reads.open_orders(account, parameters, asked.stale_s),
            "ClosedOrders": lambda: reads.closed_orders(account, parameters, asked.stale_s),
            "QueryOrders": lambda: reads.query_orders(account, parameters),
            "TradesHistory": lambda: reads.trades(account, parameters, asked.stale_s),
            "QueryTrades": lambda: reads.query_trades(account, parameters),
            "OpenPositions": lambda: reads.positions(account, parameters),
            "Ledgers": lambda: reads.ledgers(account, parameters, asked.stale_s),
            "TradeVolume": lambda: reads.volume(account, parameters),
            "GetApiKeyInfo": lambda: reads.key_info(key),
            "GetWebSocketsToken": lambda: self._token(account),
        }
        if asked.name not in answers:
            raise KrakenError("EGeneral:Unknown method")
        return answers[asked.name]()

    def _token(self, account: Account) -> Any:
        token = f"token-{len(self._tokens) + 1}-of-{account.name}"
        self._tokens[token] = account
        return {"token": token, "expires": 900}


def _parameters(request: HttpRequest) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        body = json.loads(request.body or b"{}")
        return body if isinstance(body, dict) else {}
    return dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
