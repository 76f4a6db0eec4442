"""What Kraken tells of an account beside its orders: money, positions, bookings, the key, time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from trading.brokers.exchanges.dialect import PAGES_MAX, Place
from trading.brokers.exchanges.reading import (
    ZERO,
    bad_answer,
    booked_since,
    figure_or_none,
    mapping_at,
    mapping_of,
    number_at,
    number_or,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.venue import (
    CashKind,
    CashMove,
    FailureKind,
    Holding,
    KeyRights,
    VenueError,
    VenuePosition,
)

_ENDLESS: Final = Decimal("Infinity")
# These bookings are what fills say already.
_OF_FILLS: Final = frozenset({"trade", "margin"})
_CASH_KINDS: Final = {
    "rollover": CashKind.INTEREST,
    "deposit": CashKind.DEPOSIT,
    "withdrawal": CashKind.WITHDRAWAL,
}


class KrakenAccount:
    """Read one Kraken account."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._wire, self._markets = place.wire, place.markets
        # What reads of long lists had brought when they broke off, by endpoint.
        self._broken_off: dict[str, dict[str, Mapping[str, Any]]] = {}

    def holdings(self) -> dict[str, Holding]:
        """Read BalanceEx: what is there, and what open orders hold of it."""
        found: dict[str, Holding] = {}
        for asset, raw in self._result("privatePostBalanceEx", {}).items():
            row = mapping_of(raw, "balance")
            total, held = number_at(row, "balance"), number_or(row, "hold_trade")
            if total:
                # ".F" is money that earns by itself and pays for orders all the same.
                code = self._wire.currency(asset.removesuffix(".F"))
                before = found.get(code, Holding(ZERO, ZERO))
                found[code] = Holding(before.total + total, before.free + total - held)
        return self._with_margin(found) if self._place.is_margin else found

    def _with_margin(self, found: dict[str, Holding]) -> dict[str, Holding]:
        """Add what TradeBalance tells of the account; where it fails, that is left out."""
        market = next(iter(self._markets.by_symbol.values()), None)
        if market is None or (currency := market.instrument.quote) not in found:
            return found
        asset = text_or(market.raw, "quoteId") or currency
        try:
            told = self._result("privatePostTradeBalance", {"asset": asset})
        except VenueError as error:
            if error.kind in (FailureKind.GAVE_WAY, FailureKind.BUSY):
                raise
            return found
        equity, free = figure_or_none(told, "e"), figure_or_none(told, "mf")
        found[currency] = replace(found[currency], equity=equity, margin_free=free)
        return found

    def positions(self) -> list[VenuePosition]:
        """Read OpenPositions, which are many per pair, and net them."""
        if not self._place.is_margin:
            return []
        signed: dict[str, list[tuple[Decimal, Decimal, Decimal]]] = {}
        for row in self._result("privatePostOpenPositions", {}).values():
            position = mapping_of(row, "position")
            market = self._markets.find_or_warn(text_at(position, "pair"))
            if market is not None:
                signed.setdefault(market.symbol, []).append(_signed(position))
        netted = (_net(symbol, parts) for symbol, parts in signed.items())
        return [position for position in netted if position.quantity]

    def cash_moves(self, since: float) -> list[CashMove]:
        """Read Ledgers but for what fills say: rollovers, deposits, withdrawals, transfers."""
        found = {}
        for entry_id, row in self._pages(
            "privatePostLedgers", {"start": str(int(since) - 1)}, "ledger"
        ):
            kind = text_at(row, "type")
            amount = number_at(row, "amount") - number_at(row, "fee")
            if kind in _OF_FILLS or not amount:
                continue
            found[entry_id] = CashMove(
                id=entry_id,
                currency=self._wire.currency(text_at(row, "asset")),
                amount=amount,
                kind=_CASH_KINDS.get(kind, CashKind.OTHER),
                at=seconds_at(row, "time"),
            )
        return booked_since(since, found.values())

    def rights(self) -> KeyRights:
        """Read GetApiKeyInfo, where the venue has it."""
        try:
            info = self._result("privatePostGetApiKeyInfo", {})
        except VenueError as error:
            # A venue that does not know the question leaves it open.
            if error.kind in {FailureKind.BAD_ANSWER, FailureKind.REFUSED}:
                return KeyRights()
            raise
        permissions = info.get("permissions")
        if not isinstance(permissions, list):
            return KeyRights()
        words = {str(each).lower() for each in permissions}
        return KeyRights(
            can_withdraw=any("withdraw" in word for word in words),
            can_trade=any("modify" in word or "trade" in word for word in words),
            account_id=text_or(info, "iban"),
        )

    def server_time(self) -> float:
        """Read Time."""
        return seconds_at(self._result("publicGetTime", {}), "unixtime")

    def _result(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = mapping_of(self._wire.read(method, parameters), "answer")
        result = answer.get("result")
        # An empty object is written as an empty list here and there.
        return {} if result == [] else mapping_of(result, "result")

    def _pages(
        self, method: str, filters: Mapping[str, str], key: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the rows of all pages, the newest first; the offset counts from the newest.

        A long list takes more requests than a key may make at once: what a read that broke off
        has brought is kept, and the next one goes on behind it.
        """
        is_kept = set(filters) == {"start"}
        kept = self._broken_off.pop(method, {}) if is_kept else {}
        found: dict[str, Mapping[str, Any]] = {}
        is_joined = not kept
        try:
            for _ in range(PAGES_MAX):
                new, count = self._page(method, {**filters, "ofs": str(len(found))}, key, found)
                if not (is_joined or kept.keys().isdisjoint(new)):
                    # Nothing is between what is new and what was read before.
                    new |= {each: row for each, row in kept.items() if each not in found}
                    is_joined = True
                found |= new
                yield from new.items()
                # Rows that came in meanwhile push older ones to later pages: those come twice.
                if not new or len(found) >= count:
                    return
        except VenueError:
            if is_kept:
                self._broken_off[method] = found if is_joined else kept
            raise
        raise bad_answer(f"{key} has no end", len(found))

    def _page(
        self, method: str, asked: Mapping[str, str], key: str, known: Mapping[str, Any]
    ) -> tuple[dict[str, Mapping[str, Any]], Decimal]:
        """Return the rows of a page that are not known yet, and how many there are in all."""
        result = self._result(method, asked)
        rows = result.get(key)
        page = {} if rows == [] else mapping_at(result, key)
        new = {each: mapping_of(row, key) for each, row in page.items() if each not in known}
        return new, number_or(result, "count", _ENDLESS)


def _signed(row: Mapping[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    """Return a position's open size with its sign, its price and its margin."""
    volume = number_at(row, "vol")
    if volume <= 0:
        raise bad_answer("a position without size", volume)
    left = (volume - number_or(row, "vol_closed")) * side_at(row, "type").sign
    return left, number_at(row, "cost") / volume, number_or(row, "margin")


def _net(symbol: str, parts: list[tuple[Decimal, Decimal, Decimal]]) -> VenuePosition:
    total = sum((quantity for quantity, _, _ in parts), ZERO)
    same = [(abs(q), price) for q, price, _ in parts if q * total > 0]
    weight = sum((quantity for quantity, _ in same), ZERO)
    cost = sum((quantity * price for quantity, price in same), ZERO)
    margin = sum((margin for _, _, margin in parts), ZERO)
    return VenuePosition(
        symbol=symbol,
        quantity=total,
        entry_price=cost / weight if weight else ZERO,
        leverage=cost / margin if margin else None,
    )
