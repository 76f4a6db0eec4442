"""What Binance spot tells of an account beside its orders: fills, money, the key, time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from trading.brokers.exchanges.dialect import PAGES_MAX, Place
from trading.brokers.exchanges.markets import Market
from trading.brokers.exchanges.reading import (
    bad_answer,
    booked_since,
    flag_or_none,
    mapping_of,
    number_at,
    number_or,
    positive_at,
    rows_of,
    seconds_at,
    text_at,
    text_or,
)
from trading.brokers.exchanges.wire import Wire
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
from trading.model.order import Side

_ROWS: Final = 1000
# A span of time that is asked for may not be longer.
_SPAN_S: Final = 86_000.0
# Beyond so long ago it takes fewer requests to read all by id.
_DAYS_S: Final = 30 * 86_400.0
_MOVES_SPAN_S: Final = 89 * 86_400.0
_DEPOSITED: Final = frozenset({"1", "6"})
_WITHDRAWN: Final = "6"


class BinanceAccount:
    """Read one Binance spot account."""

    def __init__(self, place: Place) -> None:
        self._wire, self._markets, self._clock = place.wire, place.markets, place.clock

    def fills(self, since: float) -> list[VenueFill]:
        """Read myTrades of each market from a time on."""
        worths = _Worths(self._wire)
        found = [
            _fill(row, market, worths)
            for market in self._markets.by_symbol.values()
            for row in self._trades(market, since)
        ]
        return booked_since(since, {fill.fill_id: fill for fill in found}.values())

    def holdings(self) -> dict[str, Holding]:
        """Read the balances."""
        account = mapping_of(self._wire.read("privateGetAccount"), "account")
        found = {}
        for row in rows_of(account.get("balances"), "balances"):
            free = number_at(row, "free")
            total = free + number_at(row, "locked")
            if total:
                found[self._wire.currency(text_at(row, "asset"))] = Holding(total, free)
        return found

    def positions(self) -> list[VenuePosition]:
        """Return nothing: spot has holdings."""
        return []

    def cash_moves(self, since: float) -> list[CashMove]:
        """Read what came in and went out over the chain; moves between wallets are not told."""
        begin = max(since, self._clock.wall() - _MOVES_SPAN_S)
        span = {"startTime": int(begin * 1000)}
        moves = [
            *map(self._deposit, self._rows("sapiGetCapitalDepositHisrec", span)),
            *map(self._withdrawal, self._rows("sapiGetCapitalWithdrawHistory", span)),
        ]
        return booked_since(since, filter(None, moves))

    def rights(self) -> KeyRights:
        """Read what the key may do; a test system does not tell."""
        account = mapping_of(self._wire.read("privateGetAccount"), "account")
        uid = text_or(account, "uid")
        try:
            told = mapping_of(self._wire.read("sapiGetAccountApiRestrictions"), "rights")
        except VenueError as error:
            if error.kind in {FailureKind.BAD_ANSWER, FailureKind.REFUSED}:
                return KeyRights(account_id=uid)
            raise
        return KeyRights(
            can_withdraw=flag_or_none(told, "enableWithdrawals"),
            can_trade=flag_or_none(told, "enableSpotAndMarginTrading"),
            account_id=uid,
        )

    def server_time(self) -> float:
        """Read the time."""
        return seconds_at(mapping_of(self._wire.read("publicGetTime"), "time"), "serverTime", 1000)

    def _trades(self, market: Market, since: float) -> Iterator[Mapping[str, Any]]:
        """Yield the trades of a market, day by day until a page is full and then by id."""
        begin, now = since, self._clock.wall()
        if begin + _DAYS_S < now:
            yield from self._trades_from(market, 0)
            return
        while True:
            span: dict[str, Any] = {"startTime": int(begin * 1000)}
            if begin + _SPAN_S < now:
                span["endTime"] = int((begin + _SPAN_S) * 1000)
            page = self._page(market, span)
            yield from page
            if len(page) >= _ROWS:
                yield from self._trades_from(market, _last_id(page) + 1)
                return
            if "endTime" not in span:
                return
            begin += _SPAN_S

    def _trades_from(self, market: Market, first: int) -> Iterator[Mapping[str, Any]]:
        for _ in range(PAGES_MAX):
            page = self._page(market, {"fromId": first})
            yield from page
            if len(page) < _ROWS:
                return
            first = _last_id(page) + 1
        raise bad_answer("trades have no end", market.id)

    def _page(self, market: Market, span: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        parameters = {"symbol": market.id, "limit": _ROWS, **span}
        return rows_of(self._wire.read("privateGetMyTrades", parameters), "trades")

    def _rows(self, method: str, span: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for page_number in range(PAGES_MAX):
            window = {**span, "limit": _ROWS, "offset": page_number * _ROWS}
            page = rows_of(self._wire.read(method, window), method)
            yield from page
            if len(page) < _ROWS:
                return
        raise bad_answer("bookings have no end", method)

    def _deposit(self, row: Mapping[str, Any]) -> CashMove | None:
        if text_at(row, "status") not in _DEPOSITED:
            return None
        return CashMove(
            id=f"deposit-{text_or(row, 'id') or text_at(row, 'txId')}",
            currency=self._wire.currency(text_at(row, "coin")),
            amount=number_at(row, "amount"),
            kind=CashKind.DEPOSIT,
            at=seconds_at(row, "insertTime", 1000),
        )

    def _withdrawal(self, row: Mapping[str, Any]) -> CashMove | None:
        if text_at(row, "status") != _WITHDRAWN:
            return None
        text = text_at(row, "applyTime")
        try:
            at = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise bad_answer("applyTime is no time", text) from None
        return CashMove(
            id=f"withdrawal-{text_at(row, 'id')}",
            currency=self._wire.currency(text_at(row, "coin")),
            amount=-number_at(row, "amount") - number_or(row, "transactionFee"),
            kind=CashKind.WITHDRAWAL,
            at=at,
        )


class _Worths:
    """Ask once for each currency of a fee what it is worth."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._prices: dict[tuple[str, str], Decimal | None] = {}

    def worth(self, fee: Decimal, asset: str, market: Market) -> tuple[str, Decimal | None]:
        """Return the currency of a fee, and its worth in the quote currency if it is a third."""
        currency = self._wire.currency(asset)
        quote = market.instrument.quote
        if currency in {market.instrument.base, quote} or not fee:
            return currency, None
        key = (currency, quote)
        if key not in self._prices:
            self._prices[key] = self._price(currency, quote)
        price = self._prices[key]
        return currency, None if price is None else fee * price

    def _price(self, base: str, quote: str) -> Decimal | None:
        listed = self._wire.exchange.markets.get(f"{base}/{quote}")
        if listed is None:
            return None
        try:
            row = self._wire.read("publicGetTickerPrice", {"symbol": listed["id"]})
            return positive_at(mapping_of(row, "price"), "price")
        except VenueError as error:
            if error.kind is FailureKind.GAVE_WAY:
                raise
            # What a fee is worth is good to know and no reason to lose a fill.
            return None


def _fill(row: Mapping[str, Any], market: Market, worths: _Worths) -> VenueFill:
    fee = number_or(row, "commission")
    # What was free of charge was paid in nothing.
    asset = text_at(row, "commissionAsset") if fee else market.instrument.quote
    currency, worth = worths.worth(fee, asset, market)
    is_buyer = row.get("isBuyer")
    if not isinstance(is_buyer, bool):
        raise bad_answer("isBuyer is neither true nor false", is_buyer)
    return VenueFill(
        fill_id=f"{market.id}-{text_at(row, 'id')}",
        venue_id=f"{market.id}-{text_at(row, 'orderId')}",
        client_id="",
        symbol=market.symbol,
        side=Side.BUY if is_buyer else Side.SELL,
        quantity=positive_at(row, "qty"),
        price=positive_at(row, "price"),
        fee=fee,
        fee_currency=currency,
        at=seconds_at(row, "time", 1000),
        is_maker=row.get("isMaker") is True,
        fee_worth=worth,
    )


def _last_id(page: list[Mapping[str, Any]]) -> int:
    ids = [text_at(row, "id") for row in page]
    if not all(each.isdigit() for each in ids):
        raise bad_answer("ids are no numbers", ids[-1])
    return max(map(int, ids))
