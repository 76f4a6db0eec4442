"""The WebSocket API of Binance spot as far as an account is listened to: subscriptions and events.

    {"id": 1, "method": "userDataStream.subscribe.signature", "params": {"apiKey": …, …}}

What is signed are the parameters by the order of their names. `refusals` are said instead of the
next subscriptions, by script.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Final

from tests.fakes.exchange.binance_refusals import (
    BinanceRefusalError,
    bad_key,
    missing,
    unread,
)
from tests.fakes.exchange.binance_shapes import (
    Json,
    amount,
    is_working,
    millis,
    order_fields,
    status,
)
from tests.fakes.exchange.binance_signing import check_key, check_signed
from tests.fakes.exchange.books import News, OrderChanged
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import ZERO, Account

_NEEDED: Final = ("apiKey", "timestamp", "signature")
_KNOWN: Final = frozenset({*_NEEDED, "recvWindow"})
_SUBSCRIBE: Final = "userDataStream.subscribe.signature"
_WEIGHTS: Final = {"ping": 1, "session.subscriptions": 2, _SUBSCRIBE: 2}
_SUBSCRIPTION: Final = 0


class BinanceAccountStream:
    """One connection to the WebSocket API, which is told of one account at most."""

    def __init__(
        self,
        engine: Engine,
        refusals: deque[BinanceRefusalError],
        complaints: list[str],
        send: Callable[[object], None],
        *,
        spend: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._refusals = refusals
        self._complaints = complaints
        self._send = send
        self._spend = spend
        self._account: Account | None = None

    def receive(self, text: str) -> None:
        """Take a request and answer it."""
        asked = json.loads(text)
        number, method = asked.get("id"), asked.get("method")
        try:
            with self._engine.changed:
                result = self._do(str(method), asked.get("params") or {})
        except BinanceRefusalError as error:
            # Words of a script are no fault of the caller, nor is a key that is not known.
            if -1199 <= error.code <= -1100 or error.code == -2014:
                self._complaints.append(f"WebSocket API: {text}: {error}")
            failure = {"id": number, "status": error.status, "error": error.to_json()}
            self._send(failure | self._limits())
            return
        self._send({"id": number, "status": 200, "result": result} | self._limits())

    def take(self, news: News) -> None:
        """Tell of what became of an order of the account, and of its money."""
        if not isinstance(news, OrderChanged) or news.order.account is not self._account:
            return
        self._tell(self._report(news))
        self._tell(self._money(news))

    def beat(self) -> None:
        """Say nothing: the real one sends a ping frame every 20 seconds, and no message."""

    def _do(self, method: str, parameters: Json) -> object:
        if method not in _WEIGHTS:
            self._complaints.append(f"WebSocket API: unknown method {method}")
            raise BinanceRefusalError(400, -1, f"Method '{method}' is invalid")
        self._spend(_WEIGHTS[method])
        if method == "ping":
            return {}
        if method == _SUBSCRIBE:
            self._subscribe(parameters)
            return {"subscriptionId": _SUBSCRIPTION}
        return [] if self._account is None else [{"subscriptionId": _SUBSCRIPTION}]

    def _subscribe(self, parameters: Json) -> None:
        for name in _NEEDED:
            if name not in parameters:
                raise missing(name)
        if unknown := parameters.keys() - _KNOWN:
            raise unread(len(parameters) - len(unknown), len(parameters))
        if not isinstance(parameters["timestamp"], int):
            raise missing("timestamp")
        if self._refusals:
            raise self._refusals.popleft()
        key = check_key({"x-mbx-apikey": str(parameters["apiKey"])}, self._engine.keys)
        if not key.rights.query:
            raise bad_key()
        signed = [
            f"{name}={parameters[name]}" for name in sorted(parameters.keys() - {"signature"})
        ]
        total = "&".join([*signed, f"signature={parameters['signature']}"])
        check_signed(total, key, millis(self._engine.clock.wall()))
        self._account = key.account

    def _tell(self, event: Json) -> None:
        self._send({"subscriptionId": _SUBSCRIPTION, "event": event})

    def _report(self, news: OrderChanged) -> Json:
        order, trade = news.order, news.trade
        fields = order_fields(order, self._engine.markets[order.symbol])
        at = millis(order.updated_at or order.opened_at)
        state = status(order)
        kind = "TRADE" if trade else "NEW" if order.is_open else state
        return {
            "e": "executionReport",
            "E": at,
            "s": fields["symbol"],
            "c": order.client_id,
            "S": fields["side"],
            "o": fields["type"],
            "f": fields["timeInForce"],
            "q": fields["origQty"],
            "p": fields["price"],
            "P": amount(order.wish.trigger),
            "F": amount(ZERO),
            "g": -1,
            "C": order.client_id if kind == "CANCELED" else "",
            "x": kind,
            "X": state,
            "r": "NONE",
            "i": order.number,
            "l": amount(trade.quantity if trade else ZERO),
            "z": fields["executedQty"],
            "L": amount(trade.price if trade else ZERO),
            "n": amount(trade.fee) if trade else "0",
            "N": trade.fee_currency if trade else None,
            "T": at,
            "t": trade.number if trade else -1,
            "I": order.number,
            "w": order.is_open and is_working(order),
            "m": bool(trade and trade.is_maker),
            "M": False,
            "O": millis(order.opened_at),
            "Z": fields["cummulativeQuoteQty"],
            "Y": amount(trade.cost if trade else ZERO),
            "Q": fields["origQuoteOrderQty"],
            "V": fields["selfTradePreventionMode"],
        }

    def _money(self, news: OrderChanged) -> Json:
        assert self._account is not None
        market = self._engine.markets[news.order.symbol]
        at = millis(news.order.updated_at or news.order.opened_at)
        balances = self._engine.balances(self._account)
        rows = [
            {"a": name, "f": amount(balances[name].free), "l": amount(balances[name].used)}
            for name in (market.base, market.quote)
            if name in balances
        ]
        return {"e": "outboundAccountPosition", "E": at, "u": at, "B": rows}

    def _limits(self) -> Json:
        return {
            "rateLimits": [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": 6000,
                    "count": 1,
                }
            ]
        }
