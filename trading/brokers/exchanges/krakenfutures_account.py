"""What Kraken Futures tells of an account beside its orders: fills, money, positions, bookings.

A fill tells no fee: that stands in the account log, a moment later. Histories may be asked a
hundred tokens in ten minutes, of which a page of the log takes three: it is read for new fills.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from trading.brokers.exchanges.dialect import PAGES_MAX, Place
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    ZERO,
    bad_answer,
    booked_since,
    figure_or_none,
    iso_at,
    iso_text,
    mapping_at,
    mapping_of,
    number_at,
    number_of,
    number_or,
    positive_at,
    rows_of,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import endpoint
from trading.brokers.venue import (
    CashKind,
    CashMove,
    FailureKind,
    Holding,
    KeyRights,
    VenueError,
    VenueFill,
    VenuePosition,
)

_ROWS: Final = 100
_EVENTS: Final = 500
# How long a fill waits for its booking before its fee is taken from the schedule instead: a fill
# must not be lost over its fee.
BOOKED_LATE_S: Final = 10.0
_LOG_BACK_S: Final = 5.0
# How long the log rests after it was asked too often.
_LOG_REST_S: Final = 60.0
_OF_FILLS: Final = ("futures ", "position ")
# What closes a position without an order of its owner, in the order of the venue's resorts.
_FORCED: Final = frozenset(
    {"liquidation", "partialLiquidation", "assignor", "unwindBankrupt", "unwindCounterparty"}
)
# In which currency the whole margin account is counted.
_FLEX: Final = "USD"
_CASH_KINDS: Final = {
    "funding rate change": CashKind.FUNDING,
    "interest payment": CashKind.INTEREST,
}


class KrakenFuturesAccount:
    """Read one Kraken Futures account."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._wire, self._markets = place.wire, place.markets
        # The fees of the fills that were last read; None: it was told without one.
        self._known: dict[str, tuple[Decimal, str] | None] = {}
        self._log_not_before = place.clock.monotonic()

    def prepare(self) -> None:
        """Set the leverage of isolated margin where it is another; cross margin has none."""
        if self._place.margin_mode != "isolated":
            return
        answer = mapping_of(self._wire.read("privateGetLeveragepreferences"), "answer")
        rows = rows_of(answer.get("leveragePreferences"), "leveragePreferences")
        now = {text_at(row, "symbol").upper(): number_or(row, "maxLeverage") for row in rows}
        for market in self._markets.by_symbol.values():
            if now.get(market.id.upper()) != self._place.leverage:
                wanted = {"symbol": market.id.upper(), "maxLeverage": str(self._place.leverage)}
                self._wire.ask(endpoint("privatePutLeveragepreferences", wanted))

    def fills(self, since: float) -> list[VenueFill]:
        """Read the fills with their fees; one that is not booked yet comes with a later look."""
        rows = [row for row in self.fill_rows(since) if iso_at(row, "fillTime") >= since]
        booked = self._known = self._booked(rows)
        found = []
        for row in rows:
            market = self._markets.find(text_at(row, "symbol"))
            if market is None:
                continue
            fee = booked.get(text_at(row, "fill_id"))
            is_young = iso_at(row, "fillTime") > self._place.clock.wall() - BOOKED_LATE_S
            if fee is not None or not is_young or self._rests_log:
                booked[text_at(row, "fill_id")] = fee
                found.append(_fill(row, market, fee))
        return booked_since(since, found)

    @property
    def _rests_log(self) -> bool:
        return self._place.clock.monotonic() < self._log_not_before

    def _booked(self, rows: list[Mapping[str, Any]]) -> dict[str, tuple[Decimal, str] | None]:
        """Return the fees of fills as far as they are known; the log is asked for new ones."""
        ids = [text_at(row, "fill_id") for row in rows]
        known = {each: self._known[each] for each in ids if each in self._known}
        new = [iso_at(row, "fillTime") for row in rows if row["fill_id"] not in known]
        if not new or self._rests_log:
            return known
        try:
            return {**self._fees(min(new) - _LOG_BACK_S), **known}
        except VenueError as error:
            if error.kind is not FailureKind.BUSY:
                raise
            # No fill is late over its fee, as a stop may wait: that of the schedule has to do.
            self._log_not_before = self._place.clock.monotonic() + _LOG_REST_S
            return known

    def fill_rows(self, since: float) -> list[Mapping[str, Any]]:
        """Return the fills since a time; a page has the newest before a time."""
        found: dict[str, Mapping[str, Any]] = {}
        before: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            answer = mapping_of(self._wire.read("privateGetFills", before), "answer")
            page = rows_of(answer.get("fills"), "fills")
            new = [row for row in page if text_at(row, "fill_id") not in found]
            found.update((text_at(row, "fill_id"), row) for row in new)
            earliest = min((iso_at(row, "fillTime") for row in page), default=since)
            if not new or len(page) < _ROWS or earliest < since:
                return list(found.values())
            # A millisecond later: fills of the same moment may stand on two pages.
            before = {"lastFillTime": iso_text(earliest + 0.001)}
        raise bad_answer("fills have no end", len(found))

    def holdings(self) -> dict[str, Holding]:
        """Read what the margin account holds as collateral."""
        answer = mapping_of(self._wire.read("privateGetAccounts"), "answer")
        flex = mapping_at(mapping_at(answer, "accounts"), "flex")
        found = {}
        for asset, raw in mapping_at(flex, "currencies").items():
            row = mapping_of(raw, "currency")
            total = number_at(row, "quantity")
            if total:
                found[self._currency(asset)] = Holding(total, number_or(row, "available", total))
        if _FLEX in found:
            # Of all collateral together.
            equity = figure_or_none(flex, "marginEquity")
            free = figure_or_none(flex, "availableMargin")
            found[_FLEX] = replace(found[_FLEX], equity=equity, margin_free=free)
        return found

    def positions(self) -> list[VenuePosition]:
        """Read the positions; where one is liquidated is not told."""
        answer = mapping_of(self._wire.read("privateGetOpenpositions"), "answer")
        rows = rows_of(answer.get("openPositions"), "openPositions")
        found = ((row, self._markets.find_or_warn(text_at(row, "symbol"))) for row in rows)
        read = [_position(row, market) for row, market in found if market is not None]
        return [position for position in read if position.quantity]

    def cash_moves(self, since: float, /) -> list[CashMove]:
        """Read the account log but for what fills say; a trade may realise funding as well."""
        rows = self.history_rows("historyGetAccountLog", since, "logs")
        return booked_since(since, filter(None, map(self._move, rows)))

    def rights(self) -> KeyRights:
        """Read whose account it is; what the key may do is not told."""
        answer = mapping_of(self._wire.read("historyGetAccountLog", {"count": 1}), "answer")
        return KeyRights(account_id=text_or(answer, "accountUid"))

    def server_time(self) -> float:
        """Read the time that every answer bears."""
        answer = mapping_of(self._wire.read("privateGetOpenpositions"), "answer")
        return iso_at(answer, "serverTime")

    def history_rows(self, method: str, since: float, key: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a history since a time, oldest first, all pages."""
        begin, seen = max(int(since * 1000), 0), set[str]()
        for _ in range(PAGES_MAX):
            asked = {"since": begin, "sort": "asc", "count": _EVENTS}
            answer = mapping_of(self._wire.read(method, asked), "answer")
            page = rows_of(answer.get(key), key)
            new = [row for row in page if _row_id(row) not in seen]
            yield from new
            seen.update(_row_id(row) for row in new)
            if not new or len(page) < _EVENTS:
                return
            begin = max(int(_row_at(row) * 1000) for row in page)
        raise bad_answer(f"{key} have no end", method)

    def _fees(self, since: float) -> dict[str, tuple[Decimal, str]]:
        """Return the fees by execution; a trade has a row for the position and one for money."""
        found: dict[str, tuple[Decimal, str]] = {}
        for row in self.history_rows("historyGetAccountLog", since, "logs"):
            execution = text_or(row, "execution")
            if not execution:
                continue
            fee = number_or(row, "fee")
            before, currency = found.get(execution, (ZERO, ""))
            if fee:
                currency = self._currency(text_at(row, "asset"))
            found[execution] = (before + fee, currency)
        return found

    def _move(self, row: Mapping[str, Any]) -> CashMove | None:
        info = text_at(row, "info").lower()
        funding = number_or(row, "realized_funding")
        kind = CashKind.FUNDING if funding else _CASH_KINDS.get(info)
        amount = funding
        if not funding:
            if info.startswith(_OF_FILLS):
                return None
            if not (text_or(row, "new_balance") or text_or(row, "old_balance")):
                # It moved something else than money.
                return None
            amount = number_at(row, "new_balance") - number_at(row, "old_balance")
        if kind is None:
            kind = CashKind.OTHER
            if "transfer" in info:
                kind = CashKind.DEPOSIT if amount > 0 else CashKind.WITHDRAWAL
        if not amount:
            return None
        currency = self._currency(text_at(row, "asset"))
        return CashMove(_row_id(row), currency, amount, kind, _row_at(row))

    def _currency(self, asset: str) -> str:
        return self._wire.currency(asset.upper())


def _row_id(row: Mapping[str, Any]) -> str:
    return text_or(row, "booking_uid") or text_or(row, "uid") or text_at(row, "id")


def _row_at(row: Mapping[str, Any]) -> float:
    return iso_at(row, "date") if text_or(row, "date") else seconds_at(row, "timestamp", 1000)


def _fill(row: Mapping[str, Any], market: Market, booked: tuple[Decimal, str] | None) -> VenueFill:
    price, size = positive_at(row, "price"), market.to_base(positive_at(row, "size"))
    kind = text_or(row, "fillType")
    is_maker = kind == "maker"
    if booked is None:
        rate = number_of(market.raw.get("maker" if is_maker else "taker"), "fee rate")
        booked = (price * size * rate, market.settle)
    return VenueFill(
        fill_id=text_at(row, "fill_id"),
        venue_id=text_at(row, "order_id"),
        client_id=text_or(row, "cliOrdId"),
        symbol=market.symbol,
        side=side_at(row, "side"),
        quantity=size,
        price=price,
        fee=booked[0],
        fee_currency=booked[1],
        at=iso_at(row, "fillTime"),
        is_maker=is_maker,
        is_forced=kind in _FORCED,
    )


def _position(row: Mapping[str, Any], market: Market) -> VenuePosition:
    side = text_at(row, "side")
    if side not in {"long", "short"}:
        raise bad_answer("a position on neither side", side)
    quantity = market.to_base(number_at(row, "size"))
    return VenuePosition(
        symbol=market.symbol,
        quantity=-quantity if side == "short" else quantity,
        entry_price=number_or(row, "price"),
        liquidation_price=figure_or_none(row, "liquidationPrice") or None,
        leverage=figure_or_none(row, "maxFixedLeverage") or None,
    )
