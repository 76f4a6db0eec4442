"""What ccxt's unified reads tell of an account, and an order as ccxt writes one."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from trading.brokers.exchanges.dialect import PAGES_MAX, Place
from trading.brokers.exchanges.errors import is_no_change
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    ZERO,
    bad_answer,
    booked_since,
    figure_or_none,
    mapping_at,
    mapping_of,
    number_at,
    number_or,
    positive_at,
    price_or_none,
    rows_of,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import Request
from trading.brokers.venue import (
    CashMove,
    Holding,
    KeyRights,
    VenueError,
    VenueFill,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
)
from trading.model.order import OrderType

_STATES: Final = {
    "open": VenueOrderState.OPEN,
    "closed": VenueOrderState.FILLED,
    "canceled": VenueOrderState.CANCELLED,
    "canceling": VenueOrderState.OPEN,
    "expired": VenueOrderState.EXPIRED,
    "rejected": VenueOrderState.REJECTED,
}


class GenericAccount:
    """Read one account through ccxt's unified methods."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._wire, self._markets = place.wire, place.markets

    def prepare(self) -> None:
        """Set margin mode and leverage of contracts, where they are not set already."""
        if not self._place.is_swap:
            return
        for market in self._markets.by_symbol.values():
            symbol = market.raw["symbol"]
            if self._has("setMarginMode"):
                self._set(Request("set_margin_mode", (self._place.margin_mode, symbol)))
            if self._has("setLeverage"):
                self._set(Request("set_leverage", (self._place.leverage, symbol)))

    def open_orders(self) -> list[VenueOrder]:
        """Read the open orders market by market."""
        return [
            read_order(row, market)
            for market in self._markets.by_symbol.values()
            for row in self._open_rows(market)
        ]

    def fills(self, since: float) -> list[VenueFill]:
        """Read the trades market by market, page after page by time."""
        found: dict[str, VenueFill] = {}
        for market in self._markets.by_symbol.values():
            self._gather(market, since, found)
        return booked_since(since, found.values())

    def holdings(self) -> dict[str, Holding]:
        """Read the balances."""
        answer = mapping_of(self._wire.ask(Request("fetch_balance")), "balance")
        totals = mapping_at(answer, "total")
        free = mapping_at(answer, "free")
        found = {}
        for code in totals:
            if totals[code] is None and number_or(free, code):
                # Not what orders hold of it: coins would seem to be gone.
                raise bad_answer(f"only free {code} is told", free[code])
            if total := number_or(totals, code):
                found[code] = Holding(total, number_or(free, code, total))
        return found

    def positions(self) -> list[VenuePosition]:
        """Read the positions of contracts."""
        if not self._place.is_swap:
            return []
        symbols = [market.raw["symbol"] for market in self._markets.by_symbol.values()]
        rows = rows_of(self._wire.ask(Request("fetch_positions", (symbols,))), "positions")
        found = ((row, self._markets.find(text_at(row, "symbol"))) for row in rows)
        read = [_position(row, market) for row, market in found if market is not None]
        return [position for position in read if position.quantity]

    def cash_moves(self, _since: float, /) -> list[CashMove]:
        """Return nothing: exchanges differ too much in how they book."""
        return []

    def rights(self) -> KeyRights:
        """Return nothing: ccxt has no word for it."""
        return KeyRights()

    def server_time(self) -> float:
        """Read the time, or take ours where the exchange does not tell."""
        if not self._has("fetchTime"):
            return self._place.clock.wall()
        return seconds_at({"time": self._wire.ask(Request("fetch_time"))}, "time", 1000)

    def _gather(self, market: Market, since: float, found: dict[str, VenueFill]) -> None:
        """Gather a market's fills onwards, and back from the earliest: pages begin anywhere."""
        page = self._page(market, since, {})
        if not page:
            return
        earliest = min(fill.at for fill in page)
        for _ in range(PAGES_MAX):
            new = [fill for fill in page if fill.fill_id not in found]
            found.update((fill.fill_id, fill) for fill in new)
            if not new:
                break
            page = self._page(market, max(fill.at for fill in page), {})
        else:
            raise bad_answer("trades have no end", market.id)
        for _ in range(PAGES_MAX):
            page = self._page(market, since, {"until": int(earliest * 1000) + 1})
            new = [fill for fill in page if fill.fill_id not in found]
            found.update((fill.fill_id, fill) for fill in new)
            if not new or earliest <= since:
                return
            earliest = min(fill.at for fill in new)
        raise bad_answer("trades have no beginning", market.id)

    def _page(self, market: Market, since: float, extra: Mapping[str, Any]) -> list[VenueFill]:
        request = Request("fetch_my_trades", (market.raw["symbol"], int(since * 1000), None, extra))
        return [read_fill(row, market) for row in rows_of(self._wire.ask(request), "trades")]

    def _open_rows(self, market: Market) -> list[Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for extra in self._lists("fetchOpenOrders"):
            request = Request("fetch_open_orders", (market.raw["symbol"], None, None, extra))
            rows = rows_of(self._wire.ask(request), "open orders")
            found.update((text_at(row, "id"), row) for row in rows)
        return list(found.values())

    def _lists(self, name: str) -> list[dict[str, bool]]:
        """Return how often a list has to be asked for: stops may be listed apart."""
        return [{}, {"trigger": True}] if self._features(name).get("trigger") else [{}]

    def _features(self, name: str) -> Mapping[str, Any]:
        """Return what ccxt says of a method for the account's type of market."""
        features = self._wire.exchange.features or {}
        part = features.get("swap" if self._place.is_swap else "spot") or {}
        found = (part.get("linear") or part).get(name)
        return found if isinstance(found, dict) else {}

    def _has(self, name: str) -> bool:
        # "emulated" is made of other reads, which is as good for reading.
        return bool(self._wire.exchange.has.get(name))

    def _set(self, request: Request) -> None:
        try:
            self._wire.ask(request)
        except VenueError as error:
            if error.__cause__ is None or not is_no_change(error.__cause__):
                raise


def read_order(row: Mapping[str, Any], market: Market) -> VenueOrder:
    """Return an order as ccxt writes it."""
    status = text_at(row, "status")
    if status not in _STATES:
        raise bad_answer("order of an unknown state", status)
    limit = price_or_none(row, "price")
    stop = price_or_none(row, "stopLossPrice") or price_or_none(row, "triggerPrice")
    kind = text_or(row, "type")
    kinds = {
        (True, True): OrderType.STOP_LIMIT,
        (True, False): OrderType.STOP,
        (False, True): OrderType.LIMIT,
        (False, False): OrderType.MARKET,
    }
    is_limit = kind != "market" and limit is not None
    quantity, filled = number_at(row, "amount"), number_or(row, "filled")
    state = _STATES[status]
    if state is VenueOrderState.FILLED and filled < quantity:
        state = VenueOrderState.CANCELLED
    return VenueOrder(
        venue_id=text_at(row, "id"),
        client_id=text_or(row, "clientOrderId"),
        symbol=market.symbol,
        side=side_at(row, "side"),
        type=kinds[stop is not None, is_limit],
        quantity=market.to_base(quantity),
        filled=market.to_base(filled),
        state=state,
        at=_at(row),
        limit_price=limit if is_limit else None,
        stop_price=stop,
        is_reduce_only=row.get("reduceOnly") is True,
    )


def read_fill(row: Mapping[str, Any], market: Market) -> VenueFill:
    """Return a trade as ccxt writes it; ids may count within a market only."""
    fee, currency = _fee(row, market)
    return VenueFill(
        fill_id=f"{market.id}-{text_at(row, 'id')}",
        venue_id=text_at(row, "order"),
        client_id="",
        symbol=market.symbol,
        side=side_at(row, "side"),
        quantity=market.to_base(positive_at(row, "amount")),
        price=positive_at(row, "price"),
        fee=fee,
        fee_currency=currency,
        at=seconds_at(row, "timestamp", 1000),
        is_maker=row.get("takerOrMaker") == "maker",
    )


def _fee(row: Mapping[str, Any], market: Market) -> tuple[Decimal, str]:
    fees = row.get("fees") or ([row["fee"]] if row.get("fee") else [])
    read = [(number_or(fee, "cost"), text_or(fee, "currency")) for fee in rows_of(fees, "fees")]
    paid = [each for each in read if each[0]]
    if not paid:
        return ZERO, market.settle or market.instrument.quote
    currencies = {currency for _, currency in paid}
    if len(currencies) > 1 or "" in currencies:
        raise bad_answer("a fee in more than one currency, or in none", fees)
    return sum((cost for cost, _ in paid), ZERO), currencies.pop()


def _position(row: Mapping[str, Any], market: Market) -> VenuePosition:
    side = text_or(row, "side")
    # Where nothing is held, some name neither a side nor a size.
    contracts = number_at(row, "contracts") if side else number_or(row, "contracts")
    quantity = market.to_base(abs(contracts))
    if quantity and side not in {"long", "short"}:
        raise bad_answer("a position on neither side", side)
    return VenuePosition(
        symbol=market.symbol,
        quantity=-quantity if side == "short" else quantity,
        entry_price=number_or(row, "entryPrice"),
        liquidation_price=figure_or_none(row, "liquidationPrice") or None,
        leverage=figure_or_none(row, "leverage") or None,
    )


def _at(row: Mapping[str, Any]) -> float:
    for key in ("lastUpdateTimestamp", "lastTradeTimestamp", "timestamp"):
        if row.get(key):
            return seconds_at(row, key, 1000)
    raise bad_answer("order without a time", row.get("id"))
