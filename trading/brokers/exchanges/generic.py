"""Any other exchange, through ccxt's own words, as far as ccxt says that it can what is needed.

Numbers pass ccxt as binary fractions here and are exact to 15 digits. What an exchange lacks is
said at connecting. An exchange that turns out not to keep our order ids takes no more entries.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from daemonkit.errors import ConfigurationError
from trading.brokers.exchanges.dialect import LOOK_BACK_S, Place, is_reducing, unsupported
from trading.brokers.exchanges.errors import is_not_found
from trading.brokers.exchanges.generic_account import GenericAccount, read_order
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import bad_answer, mapping_of, rows_of, seconds_at, text_or
from trading.brokers.exchanges.wire import Request
from trading.brokers.venue import (
    Abilities,
    CancelAnswer,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueError,
    VenueOrder,
)
from trading.model.order import Order, OrderType, Side

NEEDED: Final = ("createOrder", "cancelOrder", "fetchOpenOrders", "fetchMyTrades", "fetchBalance")
# One of these shows what has ended: the first that there is, which may be in two parts.
ENDED: Final = (
    {"fetchOrders": "fetch_orders"},
    {"fetchCanceledAndClosedOrders": "fetch_canceled_and_closed_orders"},
    {"fetchClosedOrders": "fetch_closed_orders", "fetchCanceledOrders": "fetch_canceled_orders"},
    {"fetchClosedOrders": "fetch_closed_orders"},
)
# As many rows as this may be a page that was cut off.
_PAGE_ROWS: Final = 50


class GenericDialect(GenericAccount):
    """Speak ccxt's unified words."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._forms = self._features("createOrder")
        self._keeps_ids = True

    def abilities(self) -> Abilities:
        """Say what ccxt says of the exchange."""
        return Abilities(
            stops=bool(self._forms.get("stopLossPrice")),
            brackets=False,
            positions=self._place.is_swap,
            cash_moves=False,
        )

    def order_request(self, order: Order, market: Market, /) -> Request:
        """Write an order; an entry needs an exchange that keeps our ids."""
        if not self._keeps_ids and not is_reducing(order):
            raise unsupported(order)
        kind, price, extra = self._form(order)
        parameters: dict[str, Any] = {"clientOrderId": order.id, **extra}
        if self._place.is_swap and is_reducing(order):
            parameters["reduceOnly"] = True
        amount = float(market.to_venue(order.quantity))
        symbol = market.raw["symbol"]
        return Request("create_order", (symbol, kind, order.side.value, amount, price, parameters))

    def order_answer(self, answer: Any, /) -> SubmitAnswer:
        """Read the id of the order."""
        order_id = text_or(mapping_of(answer, "answer"), "id")
        return Taken(order_id) if order_id else Unclear("the answer names no order")

    def refusal(self, _answer: Any, _error: Exception, /) -> Refused | Unclear | None:
        """Leave it to ccxt's class."""
        return None

    def cancel_request(self, order: Order, market: Market, /) -> Request | None:
        """Write a cancel by the exchange's id: look the order up first for that."""
        if not order.venue_id:
            return None
        # Stops are listed and cancelled apart from other orders on some exchanges.
        apart = {"trigger": True} if _is_stop(order) and self._lists("fetchOpenOrders")[1:] else {}
        return Request("cancel_order", (order.venue_id, market.raw["symbol"], apart))

    def cancel_answer(self, _answer: Any, _order: Order, _market: Market, /) -> CancelAnswer:
        """Take any answer that is no error for a yes."""
        return CancelAnswer.ASKED

    def find(self, order: Order, market: Market, /) -> VenueOrder | None:
        """Look by the exchange's id, then among the open and the ended ones."""
        found = self._by_venue_id(order, market)
        if found is not None:
            self._keeps_ids = self._keeps_ids and found.client_id == order.id
            return found
        for row in self._everywhere(order, market):
            ids = (text_or(row, "clientOrderId"), text_or(row, "id"))
            if order.id == ids[0] or (order.venue_id and order.venue_id == ids[1]):
                return read_order(row, market)
        return None

    def _form(self, order: Order) -> tuple[str, float | None, dict[str, Any]]:
        limit = None if order.limit_price is None else float(order.limit_price)
        stop = None if order.stop_price is None else str(order.stop_price)
        if order.type is OrderType.MARKET:
            return self._market_form(order)
        if order.type is OrderType.LIMIT:
            return "limit", limit, {}
        # ccxt's stop loss closes a position; how an entry is triggered differs too much.
        is_stop = order.type in {OrderType.STOP, OrderType.STOP_LIMIT} and is_reducing(order)
        if not is_stop or not self._forms.get("stopLossPrice"):
            raise unsupported(order)
        form = "market" if order.type is OrderType.STOP else "limit"
        return form, limit, {"stopLossPrice": stop}

    def _market_form(self, order: Order) -> tuple[str, float | None, dict[str, Any]]:
        """Return a market order; where a buy is by cost, a limit that is taken or cancelled.

        It may cost what risk has reserved for it, and buys exactly its size.
        """
        if order.side is Side.SELL or not self._forms.get("marketBuyRequiresPrice"):
            return "market", None, {}
        if not order.reserve_price or not (self._forms.get("timeInForce") or {}).get("IOC"):
            raise unsupported(order)
        return "limit", float(order.reserve_price), {"timeInForce": "IOC"}

    def _by_venue_id(self, order: Order, market: Market) -> VenueOrder | None:
        if not order.venue_id or not self._has("fetchOrder"):
            return None
        apart = {"trigger": True} if _is_stop(order) and self._lists("fetchOrder")[1:] else {}
        request = Request("fetch_order", (order.venue_id, market.raw["symbol"], apart))
        try:
            row = self._wire.ask(request)
        except VenueError as error:
            if error.__cause__ is not None and is_not_found(error.__cause__):
                return None
            raise
        return read_order(mapping_of(row, "order"), market)

    def _everywhere(self, order: Order, market: Market) -> Iterator[Mapping[str, Any]]:
        yield from self._open_rows(market)
        since = int((order.created_at - LOOK_BACK_S) * 1000)
        for name, method in ended_reads(self._wire.exchange).items():
            for extra in self._lists(name):
                request = Request(method, (market.raw["symbol"], since, None, extra))
                rows = rows_of(self._wire.ask(request), "ended orders")
                yield from rows
                _check_reach(rows, order)


def _is_stop(order: Order) -> bool:
    return order.type in {OrderType.STOP, OrderType.STOP_LIMIT}


def _check_reach(rows: list[Mapping[str, Any]], order: Order) -> None:
    """Refuse to conclude anything from a page that was cut off before the order's time."""
    if len(rows) < _PAGE_ROWS:
        return
    times = [seconds_at(row, "timestamp", 1000) for row in rows]
    if not min(times) <= order.created_at <= max(times):
        raise bad_answer("the page of ended orders does not reach", order.id)


def ended_reads(exchange: Any) -> Mapping[str, str]:
    """Return the reads that together show what has ended, by ccxt's names of them."""
    return next((reads for reads in ENDED if all(exchange.has.get(name) for name in reads)), {})


def check_generic(exchange: Any, market_type: str, where: str) -> None:
    """Refuse an exchange that lacks what a bot cannot do without, and say what."""
    missing = [name for name in NEEDED if not exchange.has.get(name)]
    if not ended_reads(exchange):
        missing.append("fetchOrders or fetchClosedOrders")
    if market_type == "swap" and not exchange.has.get("fetchPositions"):
        missing.append("fetchPositions")
    if not _takes_client_ids(exchange):
        missing.append("client order ids")
    if market_type == "margin":
        missing.append("a way to trade on margin, which only Kraken has here")
    if missing:
        raise ConfigurationError(
            where, "exchange", exchange.id, hint=f"missing: {', '.join(missing)}"
        )


def _takes_client_ids(exchange: Any) -> bool:
    """Tell whether the code that writes orders knows a client order id: ccxt lists it nowhere."""
    for kind in type(exchange).__mro__:
        if kind.__name__ in {"Exchange", "BaseExchange"}:
            return False
        for name, method in vars(kind).items():
            code = getattr(method, "__code__", None)
            writes = name.startswith("create_") or name == "order_request"
            if code is not None and writes and "order" in name and _names_client_id(code):
                return True
    return False


def _names_client_id(code: Any) -> bool:
    return any(
        each == "clientOrderId" or (isinstance(each, tuple) and "clientOrderId" in each)
        for each in code.co_consts
    )
