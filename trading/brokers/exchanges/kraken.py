"""Kraken's own words for spot and margin, through its endpoints as ccxt signs them.

`cl_ord_id` is ours (18 characters of text are one of its three formats) and unique among open
orders only, so nothing is sent twice. `deadline` has the matching engine refuse a late order.
Fees are asked for in the quote currency, the only one in which Kraken shows them.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from trading.brokers.exchanges.dialect import LOOK_BACK_S, is_reducing, unsupported
from trading.brokers.exchanges.kraken_account import KrakenAccount
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    ZERO,
    bad_answer,
    booked_since,
    iso_text,
    mapping_at,
    mapping_of,
    number_at,
    number_or,
    plain,
    price_or_none,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import Request, endpoint
from trading.brokers.venue import (
    Abilities,
    CancelAnswer,
    FailureKind,
    Refused,
    SubmitAnswer,
    Taken,
    Unclear,
    VenueError,
    VenueFill,
    VenueOrder,
    VenueOrderState,
)
from trading.model.order import Order, OrderType

# Kraken takes 2 s to 60 s. Clocks may differ by 2 s before the engine takes no new risk.
DEADLINE_S: Final = 10.0
CLOCK_SKEW_S: Final = 2.0
# QueryOrders takes no more.
FINDS_AT_ONCE: Final = 50

_TYPES: Final = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop-loss": OrderType.STOP,
    "stop-loss-limit": OrderType.STOP_LIMIT,
    # Triggered like a stop, from the other side: the nearest of our words.
    "take-profit": OrderType.STOP,
    "take-profit-limit": OrderType.STOP_LIMIT,
    "trailing-stop": OrderType.STOP,
    "trailing-stop-limit": OrderType.STOP_LIMIT,
    "iceberg": OrderType.LIMIT,
    "settle-position": OrderType.MARKET,
}
_STATES: Final = {
    "pending": VenueOrderState.OPEN,
    "open": VenueOrderState.OPEN,
    "closed": VenueOrderState.FILLED,
    "canceled": VenueOrderState.CANCELLED,
    "expired": VenueOrderState.EXPIRED,
}


class KrakenDialect(KrakenAccount):
    """Speak to Kraken spot and margin."""

    def abilities(self) -> Abilities:
        """Say what Kraken can do: stops rest there; a bracket does not, as one order."""
        return Abilities(
            stops=True,
            brackets=False,
            positions=self._place.is_margin,
            cash_moves=True,
            deadline_s=DEADLINE_S + CLOCK_SKEW_S,
            finds_at_once=FINDS_AT_ONCE,
        )

    def prepare(self) -> None:
        """Look whether the leverage is one that the pairs have; it goes with each order."""
        if not self._place.is_margin:
            return
        for market in self._markets.by_symbol.values():
            info = mapping_at(market.raw, "info")
            for key in ("leverage_buy", "leverage_sell"):
                allowed = [str(each) for each in info.get(key) or ()]
                if self._leverage() not in allowed:
                    text = f"{market.symbol}: leverage {self._leverage()}, allowed"
                    raise VenueError(f"{text} {', '.join(allowed)}", FailureKind.REFUSED)

    def order_request(self, order: Order, market: Market) -> Request:
        """Write an order for AddOrder."""
        parameters = {
            "pair": market.id,
            "type": order.side.value,
            "volume": plain(order.quantity),
            "cl_ord_id": order.id,
            "oflags": "fciq",
            "deadline": iso_text(self._place.clock.wall() + DEADLINE_S),
            **_form(order),
        }
        if self._place.is_margin:
            parameters["leverage"] = self._leverage()
            if is_reducing(order):
                parameters["reduce_only"] = "true"
        return endpoint("privatePostAddOrder", parameters)

    def order_answer(self, answer: Any) -> SubmitAnswer:
        """Read the transaction id."""
        result = mapping_at(mapping_of(answer, "answer"), "result")
        ids = result.get("txid")
        if isinstance(ids, list) and ids and isinstance(ids[0], str) and ids[0]:
            return Taken(ids[0])
        return Unclear("the answer names no order")

    def refusal(self, _answer: Any, _error: Exception, /) -> Refused | Unclear | None:
        """Leave it to ccxt's class: Kraken's words are in its tables."""
        return None

    def cancel_request(self, order: Order, _market: Market, /) -> Request:
        """Write a cancel by Kraken's id, or by ours while there is none."""
        key = {"txid": order.venue_id} if order.venue_id else {"cl_ord_id": order.id}
        return endpoint("privatePostCancelOrder", key)

    def cancel_answer(self, answer: Any, _order: Order, _market: Market, /) -> CancelAnswer:
        """Read how many were cancelled."""
        result = mapping_at(mapping_of(answer, "answer"), "result")
        if number_or(result, "count") > 0 or result.get("pending") is True:
            return CancelAnswer.ASKED
        return CancelAnswer.NOT_OPEN

    def find(self, order: Order, market: Market) -> VenueOrder | None:
        """Ask by Kraken's id, which is cheapest; else the open ones, and then the closed ones.

        An order goes from those to these only.
        """
        if order.venue_id and (found := self._by_venue_id(order, market)) is not None:
            return found
        by_id = {"cl_ord_id": order.id}
        for rows in (self._open_rows(by_id), self._closed_rows(order, by_id)):
            for venue_id, row in rows:
                if row.get("cl_ord_id") == order.id or venue_id == order.venue_id:
                    return self._order(venue_id, row, market)
        return None

    def find_all(self, orders: Sequence[tuple[Order, Market]], /) -> list[VenueOrder]:
        """Ask for several by Kraken's ids; one that it does not know fails them all."""
        rows = self._query([order.venue_id for order, _ in orders])
        return [
            self._order(order.venue_id, mapping_of(rows[order.venue_id], "order"), market)
            for order, market in orders
            if order.venue_id in rows
        ]

    def open_orders(self) -> list[VenueOrder]:
        """Read OpenOrders, which has no pages."""
        found = []
        for venue_id, row in self._open_rows({}):
            pair = text_at(mapping_at(row, "descr"), "pair")
            if market := self._markets.find_or_warn(pair):
                found.append(self._order(venue_id, row, market))
        return found

    def fills(self, since: float) -> list[VenueFill]:
        """Read TradesHistory: newest first, so a fill between two pages is seen twice, not lost."""
        found = {}
        for fill_id, row in self._pages(
            "privatePostTradesHistory", {"start": str(int(since) - 1)}, "trades"
        ):
            if market := self._markets.find(text_at(row, "pair")):
                found[fill_id] = _fill(fill_id, row, market)
        return booked_since(since, found.values())

    def _leverage(self) -> str:
        # Without any it would be an order for coins; the least that borrows is 2. How much is at
        # risk is a matter of the size, which the gate holds to the leverage that was set.
        return str(max(self._place.leverage, 2))

    def _open_rows(self, filters: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        answer = self._result("privatePostOpenOrders", filters)
        for venue_id, row in mapping_at(answer, "open").items():
            yield venue_id, mapping_of(row, "open order")

    def _closed_rows(
        self, order: Order, filters: Mapping[str, str]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        start = str(int(order.created_at - LOOK_BACK_S))
        return self._pages("privatePostClosedOrders", {**filters, "start": start}, "closed")

    def _by_venue_id(self, order: Order, market: Market) -> VenueOrder | None:
        try:
            found = self.find_all([(order, market)])
        except VenueError as error:
            if error.kind is FailureKind.REFUSED and "Unknown order" in str(error):
                return None
            raise
        return found[0] if found else None

    def _query(self, venue_ids: Sequence[str]) -> Mapping[str, Any]:
        return self._result("privatePostQueryOrders", {"txid": ",".join(venue_ids)})

    def _order(self, venue_id: str, row: Mapping[str, Any], market: Market) -> VenueOrder:
        descr = mapping_at(row, "descr")
        kind, status = text_at(descr, "ordertype"), text_at(row, "status")
        if kind not in _TYPES or status not in _STATES:
            raise bad_answer("order of an unknown kind or state", (kind, status))
        first, second = _price(descr, "price"), _price(descr, "price2")
        is_limit = _TYPES[kind] is OrderType.LIMIT
        ended_at = number_or(row, "closetm")
        return VenueOrder(
            venue_id=venue_id,
            client_id=text_or(row, "cl_ord_id"),
            symbol=market.symbol,
            side=side_at(descr, "type"),
            type=_TYPES[kind],
            quantity=number_at(row, "vol"),
            filled=number_at(row, "vol_exec"),
            state=_STATES[status],
            at=float(ended_at) if ended_at else seconds_at(row, "opentm"),
            limit_price=first if is_limit else second,
            stop_price=None if is_limit or _TYPES[kind] is OrderType.MARKET else first,
            is_reduce_only=row.get("reduce_only") in {True, "true"},
            note=text_or(row, "reason"),
        )


def _form(order: Order) -> dict[str, str]:
    """Return the kind of an order and its prices in Kraken's words."""
    match order.type, order.limit_price, order.stop_price:
        case OrderType.MARKET, _, _:
            return {"ordertype": "market"}
        case OrderType.LIMIT, Decimal() as limit, _:
            return {"ordertype": "limit", "price": plain(limit)}
        case OrderType.STOP, _, Decimal() as stop:
            return {"ordertype": "stop-loss", "price": plain(stop)}
        case OrderType.STOP_LIMIT, Decimal() as limit, Decimal() as stop:
            return {"ordertype": "stop-loss-limit", "price": plain(stop), "price2": plain(limit)}
    raise unsupported(order)


def _price(descr: Mapping[str, Any], key: str) -> Decimal | None:
    """Return a price of the description; trailing stops have distances there instead."""
    text = text_or(descr, key)
    if text.startswith(("+", "-", "#")) or text.endswith("%"):
        return None
    return price_or_none(descr, key)


def _fill(fill_id: str, row: Mapping[str, Any], market: Market) -> VenueFill:
    price, quantity = number_at(row, "price"), number_at(row, "vol")
    if quantity <= ZERO or price <= ZERO:
        raise bad_answer("an execution without size or price", (quantity, price))
    return VenueFill(
        fill_id=fill_id,
        venue_id=text_at(row, "ordertxid"),
        client_id=text_or(row, "cl_ord_id"),
        symbol=market.symbol,
        side=side_at(row, "type"),
        quantity=quantity,
        price=price,
        fee=number_or(row, "fee"),
        fee_currency=market.instrument.quote,
        at=seconds_at(row, "time"),
        is_maker=row.get("maker") is True,
        # "liquidation market": of a margin position that Kraken closed.
        is_forced=text_or(row, "ordertype").startswith("liquidation"),
    )
