"""Kraken Futures' own words for linear perpetuals, through its endpoints as ccxt signs them.

`cliOrdId` is ours. `processBefore` has a late order refused. A yes and a no both come as success,
told apart by a status. What has ended is put together from the history of events and the fills.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trading.brokers.exchanges.dialect import LOOK_BACK_S, is_reducing, unsupported
from trading.brokers.exchanges.krakenfutures_account import KrakenFuturesAccount
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    ZERO,
    bad_answer,
    iso_at,
    iso_text,
    mapping_at,
    mapping_of,
    number_at,
    number_or,
    plain,
    price_or_none,
    rows_of,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import Request, endpoint
from trading.brokers.venue import (
    Abilities,
    CancelAnswer,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueOrder,
    VenueOrderState,
)
from trading.model.order import Order, OrderType

DEADLINE_S: Final = 10.0
CLOCK_SKEW_S: Final = 2.0

# With these statuses the order definitely did not come into being. Any other is unclear, and
# clientOrderIdAlreadyExist says that it exists.
_REFUSED: Final = frozenset(
    {
        *("invalidOrderType", "invalidSide", "invalidSize", "invalidPrice", "selfFill"),
        *("insufficientAvailableFunds", "tooManySmallOrders", "maxPositionViolation"),
        *("marketSuspended", "marketInactive", "clientOrderIdTooLong", "outsidePriceCollar"),
        *("postWouldExecute", "iocWouldNotExecute", "wouldNotReducePosition"),
        *("wouldCauseLiquidation", "wouldProcessAfterSpecifiedTime"),
    }
)
_PASSING: Final = frozenset({"marketSuspended", "wouldProcessAfterSpecifiedTime"})
_NOT_OPEN: Final = frozenset({"filled", "notFound"})
_TRIGGERS: Final = frozenset({"stop", "stp", "take_profit", "stp_lmt"})
_CANCELLED: Final = frozenset({"OrderCancelled", "OrderTriggerCancelled"})
_REJECTED: Final = frozenset({"OrderRejected", "OrderNotFound", "OrderTriggerActivationFailed"})


@dataclass(frozen=True, slots=True)
class _History:
    """Hold what the events of one order say at last."""

    name: str
    order: Mapping[str, Any]
    at: float


class KrakenFuturesDialect(KrakenFuturesAccount):
    """Speak to Kraken Futures."""

    def abilities(self) -> Abilities:
        """Say what Kraken Futures can do; a pair of exits is two orders there, so no bracket."""
        return Abilities(
            stops=True,
            brackets=False,
            positions=True,
            cash_moves=True,
            deadline_s=DEADLINE_S + CLOCK_SKEW_S,
        )

    def order_request(self, order: Order, market: Market, /) -> Request:
        """Write an order for sendorder; whatever is no entry may only reduce."""
        return endpoint(
            "privatePostSendorder",
            {
                "symbol": market.id,
                "side": order.side.value,
                "size": plain(market.to_venue(order.quantity)),
                "cliOrdId": order.id,
                "processBefore": iso_text(self._place.clock.wall() + DEADLINE_S),
                **_form(order),
                **({"reduceOnly": "true"} if is_reducing(order) else {}),
            },
        )

    def order_answer(self, answer: Any, /) -> SubmitAnswer:
        """Read the status."""
        told = mapping_at(mapping_of(answer, "answer"), "sendStatus")
        status, order_id = text_or(told, "status"), text_or(told, "order_id")
        if status in _REFUSED:
            return Refused(f"order refused: {status}", is_passing=status in _PASSING)
        if status == "placed" and order_id:
            return Taken(order_id)
        return Unclear(f"the answer says {status or 'nothing'}")

    def refusal(self, _answer: Any, _error: Exception, /) -> Refused | Unclear | None:
        """Leave it to ccxt's class: what comes as an error is in its tables."""
        return None

    def cancel_request(self, order: Order, _market: Market, /) -> Request:
        """Write a cancel by Kraken's id, or by ours while there is none."""
        key = {"order_id": order.venue_id} if order.venue_id else {"cliOrdId": order.id}
        return endpoint("privatePostCancelorder", key)

    def cancel_answer(self, answer: Any, _order: Order, _market: Market, /) -> CancelAnswer:
        """Read the status."""
        told = mapping_at(mapping_of(answer, "answer"), "cancelStatus")
        status = text_or(told, "status")
        if status == "cancelled":
            return CancelAnswer.ASKED
        return CancelAnswer.NOT_OPEN if status in _NOT_OPEN else CancelAnswer.UNCLEAR

    def open_orders(self) -> list[VenueOrder]:
        """Read openorders, where triggers that wait are as well."""
        listed = self._markets.find_or_warn
        return [
            _open_order(row, market)
            for row in self._open_rows()
            if (market := listed(text_at(row, "symbol")))
        ]

    def find(self, order: Order, market: Market, /) -> VenueOrder | None:
        """Look among the open orders, then in the history and among the fills."""
        for row in self._open_rows():
            if _is_named(order, row, "cliOrdId", "order_id"):
                return _open_order(row, market)
        since = order.created_at - LOOK_BACK_S
        last = self._last_event(order, since)
        own = [
            row for row in self.fill_rows(since) if _is_named(order, row, "cliOrdId", "order_id")
        ]
        if last is None and not own:
            return None
        return _ended(order, market, last, own)

    def _open_rows(self) -> list[Mapping[str, Any]]:
        answer = mapping_of(self._wire.read("privateGetOpenorders"), "answer")
        return rows_of(answer.get("openOrders"), "openOrders")

    def _last_event(self, order: Order, since: float) -> _History | None:
        found: _History | None = None
        for method in ("historyGetTriggers", "historyGetOrders"):
            for row in self.history_rows(method, since, "elements"):
                event = _event(row)
                if _is_named(order, event.order, "clientId", "uid") and (
                    found is None or event.at >= found.at
                ):
                    found = event
        return found


def _form(order: Order) -> dict[str, str]:
    """Return the kind of an order and its prices in Kraken's words."""
    match order.type, order.limit_price, order.stop_price:
        case OrderType.MARKET, _, _:
            return {"orderType": "mkt"}
        case OrderType.LIMIT, Decimal() as limit, _:
            return {"orderType": "lmt", "limitPrice": plain(limit)}
        case OrderType.STOP, _, Decimal() as stop:
            return {"orderType": "stp", "stopPrice": plain(stop), "triggerSignal": "last"}
        case OrderType.STOP_LIMIT, Decimal() as limit, Decimal() as stop:
            return {
                "orderType": "stp",
                "stopPrice": plain(stop),
                "limitPrice": plain(limit),
                "triggerSignal": "last",
            }
    raise unsupported(order)


def _is_named(order: Order, row: Mapping[str, Any], ours: str, theirs: str) -> bool:
    return text_or(row, ours) == order.id or (
        bool(order.venue_id) and text_or(row, theirs) == order.venue_id
    )


def _open_order(row: Mapping[str, Any], market: Market) -> VenueOrder:
    filled = number_or(row, "filledSize")
    is_trigger = text_at(row, "orderType") in _TRIGGERS
    limit = price_or_none(row, "limitPrice")
    kinds = {True: OrderType.STOP if limit is None else OrderType.STOP_LIMIT}
    return VenueOrder(
        venue_id=text_at(row, "order_id"),
        client_id=text_or(row, "cliOrdId"),
        symbol=market.symbol,
        side=side_at(row, "side"),
        type=kinds.get(is_trigger, OrderType.LIMIT),
        quantity=market.to_base(number_at(row, "unfilledSize") + filled),
        filled=market.to_base(filled),
        state=VenueOrderState.OPEN,
        at=iso_at(row, "lastUpdateTime"),
        limit_price=limit,
        stop_price=price_or_none(row, "stopPrice"),
        is_reduce_only=row.get("reduceOnly") is True,
    )


def _event(row: Mapping[str, Any]) -> _History:
    """Return an event of the history: its name, and the order as it is after it."""
    name, body = next(iter(mapping_at(row, "event").items()), ("", None))
    body = mapping_of(body, "event")
    order: Any = next(
        (body[key] for key in ("newOrder", "order", "orderTrigger") if key in body), {}
    )
    return _History(name, mapping_of(order, "order"), seconds_at(row, "timestamp", 1000))


def _ended(
    order: Order, market: Market, last: _History | None, fills: list[Mapping[str, Any]]
) -> VenueOrder:
    """Put an order together that is not open any more, or is about to be shown as open."""
    by_fills = sum((number_at(row, "size") for row in fills), ZERO)
    shape: Mapping[str, Any] = last.order if last else {}
    by_events = number_or(shape, "filled")
    filled = market.to_base(max(by_fills, by_events))
    # The history's quantity is what is left; the asked one stands where there is no history yet.
    quantity = order.quantity
    if last is not None:
        quantity = market.to_base(number_at(shape, "quantity") + by_events)
    state = VenueOrderState.FILLED if filled >= quantity else VenueOrderState.OPEN
    name = last.name if last else ""
    if state is VenueOrderState.OPEN and name in _CANCELLED:
        state = VenueOrderState.CANCELLED
    if state is VenueOrderState.OPEN and name in _REJECTED:
        state = VenueOrderState.REJECTED
    venue_id = text_or(shape, "uid") or order.venue_id
    if not venue_id and fills:
        venue_id = text_at(fills[0], "order_id")
    times = [iso_at(row, "fillTime") for row in fills] + ([last.at] if last else [])
    if not venue_id:
        raise bad_answer("an order without an id", order.id)
    return VenueOrder(
        venue_id=venue_id,
        client_id=order.id,
        symbol=market.symbol,
        side=order.side,
        type=order.type,
        quantity=quantity,
        filled=filled,
        state=state,
        at=max(times),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        is_reduce_only=shape.get("reduceOnly") is True,
    )
