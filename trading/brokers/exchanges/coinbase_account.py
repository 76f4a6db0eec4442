"""What Coinbase tells of an account beside its orders: fills, money, the key, time."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from trading.brokers.exchanges.dialect import PAGES_MAX, Place
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    bad_answer,
    booked_since,
    flag_or_none,
    iso_at,
    iso_text,
    mapping_at,
    mapping_of,
    number_at,
    number_or,
    positive_at,
    rows_of,
    seconds_at,
    side_at,
    text_at,
    text_or,
)
from trading.brokers.venue import (
    CashMove,
    FailureKind,
    Holding,
    KeyRights,
    VenueError,
    VenueFill,
    VenuePosition,
)

_ROWS: Final = 250
# A fill is filed a little after it happened, and it is the filing that is asked by.
_FILED_LATE_S: Final = 10.0


class CoinbaseAccount:
    """Read one Coinbase portfolio."""

    def __init__(self, place: Place) -> None:
        self._wire, self._markets = place.wire, place.markets

    def fills(self, since: float) -> list[VenueFill]:
        """Read the fills; corrections are not executions, and reconciliation shows these."""
        begin = iso_text(max(since - _FILED_LATE_S, 0))
        found = {}
        for row in self._cursor(
            "v3PrivateGetBrokerageOrdersHistoricalFills",
            {"start_sequence_timestamp": begin, "limit": _ROWS},
            "fills",
        ):
            market = self._markets.find(text_at(row, "product_id"))
            if market is not None and text_or(row, "trade_type", "FILL") == "FILL":
                fill = _fill(row, market)
                found[fill.fill_id] = fill
        return booked_since(since, found.values())

    def holdings(self) -> dict[str, Holding]:
        """Read the accounts, of which there is one per currency."""
        found: dict[str, Holding] = {}
        for row in self._cursor("v3PrivateGetBrokerageAccounts", {"limit": _ROWS}, "accounts"):
            free = number_at(mapping_at(row, "available_balance"), "value")
            held = row.get("hold")
            total = free + (number_or(mapping_of(held, "hold"), "value") if held else 0)
            if total:
                code = self._wire.currency(text_at(row, "currency"))
                found[code] = Holding(total, free)
        return found

    def positions(self) -> list[VenuePosition]:
        """Return nothing: spot has holdings."""
        return []

    def cash_moves(self, _since: float, /) -> list[CashMove]:
        """Return nothing: deposits and withdrawals are told by another interface."""
        return []

    def rights(self) -> KeyRights:
        """Read what the key may do."""
        try:
            told = mapping_of(self._wire.read("v3PrivateGetBrokerageKeyPermissions"), "rights")
        except VenueError as error:
            if error.kind in {FailureKind.BAD_ANSWER, FailureKind.REFUSED}:
                return KeyRights()
            raise
        return KeyRights(
            can_withdraw=flag_or_none(told, "can_transfer"),
            can_trade=flag_or_none(told, "can_trade"),
            account_id=text_or(told, "portfolio_uuid"),
        )

    def server_time(self) -> float:
        """Read the time."""
        told = mapping_of(self._wire.read("v3PublicGetBrokerageTime"), "time")
        return seconds_at(told, "epochMillis", 1000)

    def _cursor(
        self, method: str, filters: Mapping[str, Any], key: str
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of all pages."""
        cursor: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            answer = mapping_of(self._wire.read(method, {**filters, **cursor}), key)
            page = rows_of(answer.get(key), key)
            yield from page
            after = text_or(answer, "cursor")
            # Orders say so when there is no more; fills leave the cursor out, or repeat it.
            if not page or not after or after == cursor.get("cursor"):
                return
            if answer.get("has_next") is False:
                return
            cursor = {"cursor": after}
        raise bad_answer(f"{key} have no end", method)


def _fill(row: Mapping[str, Any], market: Market) -> VenueFill:
    price, size = positive_at(row, "price"), positive_at(row, "size")
    return VenueFill(
        fill_id=text_at(row, "entry_id"),
        venue_id=text_at(row, "order_id"),
        client_id="",
        symbol=market.symbol,
        side=side_at(row, "side"),
        quantity=size / price if row.get("size_in_quote") is True else size,
        price=price,
        fee=number_or(row, "commission"),
        fee_currency=market.instrument.quote,
        at=iso_at(row, "trade_time"),
        is_maker=text_or(row, "liquidity_indicator") == "MAKER",
    )
