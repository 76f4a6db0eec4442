"""Figures that an exchange leaves out: nothing else fails for them, and what is needed is named."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest

from tests.trading_tests.brokers.told_exchange import SYMBOL, ToldExchange, told_place
from trading.brokers.exchanges.binance_account import BinanceAccount
from trading.brokers.exchanges.coinbase_account import CoinbaseAccount
from trading.brokers.exchanges.generic_account import GenericAccount
from trading.brokers.exchanges.kraken_account import KrakenAccount
from trading.brokers.exchanges.krakenfutures_account import KrakenFuturesAccount
from trading.brokers.venue import CashMove, Holding, VenueError, VenueFill, VenuePosition

AT: Final = "2023-11-14T22:00:00.000Z"
FLEX: Final = {
    "currencies": {"USD": {"quantity": "1000", "available": "800"}},
    "marginEquity": "1010",
    "availableMargin": "900",
}
FUTURES_POSITION: Final = {
    "symbol": "PF_XBTUSD",
    "side": "short",
    "size": "0.02",
    "price": "60000",
    "liquidationPrice": "80000",
    "maxFixedLeverage": "3",
}
FUTURES_FILL: Final = {
    "fill_id": "f1",
    "order_id": "o1",
    "cliOrdId": "c1",
    "symbol": "PF_XBTUSD",
    "side": "buy",
    "size": "0.02",
    "price": "60000",
    "fillTime": AT,
    "fillType": "taker",
}
FUTURES_BOOKING: Final = {
    "id": "1",
    "booking_uid": "b1",
    "info": "futures trade",
    "date": AT,
    "asset": "usd",
    "execution": "f1",
    "fee": "0.6",
    "realized_funding": None,
    "new_balance": "1000",
    "old_balance": "1000.6",
}
TRANSFER: Final = {
    **FUTURES_BOOKING,
    "info": "cross-exchange transfer",
    "execution": None,
    "fee": None,
    "old_balance": "900",
}
BINANCE_TRADE: Final = {
    "id": 1,
    "orderId": 7,
    "price": "60000",
    "qty": "0.01",
    "commission": "0.00001",
    "commissionAsset": "BTC",
    "time": 1_699_999_000_000,
    "isBuyer": True,
}
COINBASE_FILL: Final = {
    "entry_id": "e1",
    "order_id": "c1",
    "trade_time": AT,
    "price": "60000",
    "size": "0.01",
    "commission": "1.5",
    "product_id": SYMBOL,
    "side": "BUY",
    "liquidity_indicator": "MAKER",
}
CCXT_POSITION: Final = {
    "symbol": SYMBOL,
    "side": "long",
    "contracts": "2",
    "entryPrice": "60000",
    "liquidationPrice": "40000",
    "leverage": "3",
}
CCXT_TRADE: Final = {
    "id": "1",
    "order": "o1",
    "side": "buy",
    "amount": "0.01",
    "price": "60000",
    "timestamp": 1_699_999_000_000,
    "takerOrMaker": "taker",
    "fee": {"cost": "0.6", "currency": "USD"},
}
BALANCE: Final = {"free": {"USD": "800", "BTC": None}, "total": {"USD": "1000", "BTC": None}}


def _futures(told: Mapping[str, Any], **place: Any) -> KrakenFuturesAccount:
    return KrakenFuturesAccount(told_place(ToldExchange(told), "swap", **place))


def _futures_holdings(flex: Any) -> Any:
    return _futures({"privateGetAccounts": {"accounts": {"flex": flex}}}).holdings()


def _futures_positions(row: Any) -> Any:
    return _futures({"privateGetOpenpositions": {"openPositions": [row]}}).positions()


def _futures_fills(row: Any, booking: Any = FUTURES_BOOKING) -> Any:
    answers = {"privateGetFills": {"fills": [row]}, "historyGetAccountLog": {"logs": [booking]}}
    return _futures(answers).fills(0)


def _futures_moves(row: Any) -> Any:
    return _futures({"historyGetAccountLog": {"logs": [row]}}).cash_moves(0)


def _kraken(told: Mapping[str, Any], market_type: str) -> KrakenAccount:
    answers = {name: {"error": [], "result": result} for name, result in told.items()}
    return KrakenAccount(told_place(ToldExchange(answers), market_type))


def _kraken_holdings(row: Any) -> Any:
    return _kraken({"privatePostBalanceEx": {"ZUSD": row}}, "spot").holdings()


def _kraken_margin(row: Any) -> Any:
    balances = {"ZUSD": {"balance": "1000", "hold_trade": "0"}}
    told = {"privatePostBalanceEx": balances, "privatePostTradeBalance": row}
    return _kraken(told, "margin").holdings()


def _kraken_positions(row: Any) -> Any:
    return _kraken({"privatePostOpenPositions": {"T1": row}}, "margin").positions()


def _kraken_moves(row: Any) -> Any:
    return _kraken({"privatePostLedgers": {"ledger": {"L1": row}, "count": 1}}, "spot").cash_moves(
        0
    )


def _binance(told: Mapping[str, Any]) -> BinanceAccount:
    return BinanceAccount(told_place(ToldExchange(told)))


def _coinbase(told: Mapping[str, Any]) -> CoinbaseAccount:
    return CoinbaseAccount(told_place(ToldExchange(told)))


def _generic(told: Mapping[str, Any], market_type: str = "swap") -> GenericAccount:
    return GenericAccount(told_place(ToldExchange(told), market_type))


@dataclass(frozen=True)
class Reading:
    """One reading with an answer of one row: which of its figures may be missing."""

    row: Mapping[str, Any]
    read: Callable[[Any], Any]
    optional: frozenset[str]


def _reading(row: Mapping[str, Any], read: Callable[[Any], Any], *optional: str) -> Reading:
    return Reading(row, read, frozenset(optional))


READINGS: Final = {
    "krakenfutures margin": _reading(FLEX, _futures_holdings, "marginEquity", "availableMargin"),
    "krakenfutures collateral": _reading(
        FLEX["currencies"]["USD"],  # type: ignore[index]
        lambda row: _futures_holdings({**FLEX, "currencies": {"USD": row}}),
        "available",
    ),
    "krakenfutures position": _reading(
        FUTURES_POSITION, _futures_positions, "price", "liquidationPrice", "maxFixedLeverage"
    ),
    "krakenfutures fill": _reading(FUTURES_FILL, _futures_fills, "cliOrdId", "fillType"),
    "krakenfutures transfer": _reading(
        TRANSFER, _futures_moves, "booking_uid", "id", "execution", "fee", "realized_funding"
    ),
    "kraken holding": _reading(
        {"balance": "2", "hold_trade": "0.5"}, _kraken_holdings, "hold_trade"
    ),
    "kraken margin": _reading({"e": "1010", "mf": "900"}, _kraken_margin, "e", "mf"),
    "kraken position": _reading(
        {
            "pair": "XXBTZUSD",
            "type": "sell",
            "cost": "600",
            "vol": "0.01",
            "vol_closed": "0.002",
            "margin": "200",
        },
        _kraken_positions,
        "vol_closed",
        "margin",
    ),
    "kraken booking": _reading(
        {"time": 1_699_999_000, "type": "deposit", "asset": "ZUSD", "amount": "5", "fee": "0.1"},
        _kraken_moves,
    ),
    "binance holding": _reading(
        {"asset": "BTC", "free": "1.5", "locked": "0.5"},
        lambda row: _binance({"privateGetAccount": {"balances": [row]}}).holdings(),
    ),
    "binance fill": _reading(
        BINANCE_TRADE,
        lambda row: _binance({"privateGetMyTrades": [row]}).fills(1_699_990_000.0),
        "commission",
    ),
    "coinbase holding": _reading(
        {
            "currency": "BTC",
            "available_balance": {"value": "1.5"},
            "hold": {"value": "0.5"},
        },
        lambda row: _coinbase({"v3PrivateGetBrokerageAccounts": {"accounts": [row]}}).holdings(),
        "hold",
    ),
    "coinbase fill": _reading(
        COINBASE_FILL,
        lambda row: _coinbase(
            {"v3PrivateGetBrokerageOrdersHistoricalFills": {"fills": [row]}}
        ).fills(0),
        "commission",
        "liquidity_indicator",
    ),
    "another's position": _reading(
        CCXT_POSITION,
        lambda row: _generic({"fetch_positions": [row]}).positions(),
        "entryPrice",
        "liquidationPrice",
        "leverage",
    ),
}
NOTHING: Final = ("missing", None, "")
# Without its own name of the time a row may still have the other one.
NAMES: Final = {"date": "timestamp"}


def _without(row: Mapping[str, Any], key: str, instead: str | None) -> dict[str, Any]:
    changed = deepcopy(dict(row))
    if instead == "missing":
        del changed[key]
    else:
        changed[key] = instead
    return changed


@pytest.mark.parametrize("name", list(READINGS))
def test_what_is_there_is_read_without_the_figures_that_are_only_shown(name: str) -> None:
    reading = READINGS[name]
    assert len(reading.read(reading.row)) == 1
    for key in reading.optional:
        for instead in NOTHING:
            assert len(reading.read(_without(reading.row, key, instead))) == 1, (key, instead)


@pytest.mark.parametrize("name", list(READINGS))
def test_what_is_needed_and_missing_is_an_error_that_names_it(name: str) -> None:
    reading = READINGS[name]
    for key in reading.row.keys() - reading.optional:
        for instead in NOTHING:
            with pytest.raises(VenueError) as failed:
                reading.read(_without(reading.row, key, instead))
            assert NAMES.get(key, key) in str(failed.value), instead


@pytest.mark.parametrize("odd", [*NOTHING, "NaN", "x", "Infinity", [], {}])
@pytest.mark.parametrize(
    ("name", "key"), [("krakenfutures margin", "marginEquity"), ("kraken margin", "e")]
)
def test_one_figure_of_a_margin_account_is_told_without_the_other(
    name: str, key: str, odd: Any
) -> None:
    reading = READINGS[name]
    held: Holding = reading.read(_without(reading.row, key, odd))["USD"]
    assert (held.total, held.equity, held.margin_free) == (Decimal(1000), None, Decimal(900))


@pytest.mark.parametrize("odd", ["NaN", "x", "Infinity", [], {}])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("krakenfutures position", "liquidationPrice"),
        ("krakenfutures position", "maxFixedLeverage"),
        ("another's position", "liquidationPrice"),
        ("another's position", "leverage"),
    ],
)
def test_a_position_is_told_whatever_stands_where_its_liquidation_should(
    name: str, key: str, odd: Any
) -> None:
    reading = READINGS[name]
    (position,) = reading.read({**reading.row, key: odd})
    assert isinstance(position, VenuePosition)
    assert position.quantity
    assert None in (position.liquidation_price, position.leverage)


def test_a_fee_that_is_not_told_is_none_and_its_fill_is_told() -> None:
    trade = {**BINANCE_TRADE, "commission": None, "commissionAsset": None}
    (fill,) = READINGS["binance fill"].read(trade)
    assert (fill.fee, fill.fee_currency) == (0, "USD")
    free = {**FUTURES_BOOKING, "fee": None, "asset": None}
    (fill,) = _futures_fills(FUTURES_FILL, free)
    assert isinstance(fill, VenueFill)
    assert fill.fee == 0


def test_a_booking_of_no_money_is_none() -> None:
    assert _futures_moves({**TRANSFER, "new_balance": None, "old_balance": None}) == []
    (move,) = _futures_moves(TRANSFER)
    assert isinstance(move, CashMove)
    assert move.amount == 100


def test_the_leverage_of_another_market_may_be_unset() -> None:
    rows = [
        {"symbol": "PF_ETHUSD", "maxLeverage": None},
        {"symbol": "PF_XBTUSD", "maxLeverage": None},
    ]
    answers = {
        "privateGetLeveragepreferences": {"leveragePreferences": rows},
        "privatePutLeveragepreferences": {"result": "success"},
    }
    exchange = ToldExchange(answers)
    KrakenFuturesAccount(told_place(exchange, "swap", leverage=3)).prepare()
    assert exchange.asked[-1][1] == ({"symbol": "PF_XBTUSD", "maxLeverage": "3"},)


@pytest.mark.parametrize("side", [None, "", "none"])
@pytest.mark.parametrize("contracts", [None, "", "0"])
def test_a_market_without_a_position_may_be_listed_without_a_side(
    side: str | None, contracts: str | None
) -> None:
    row = {**CCXT_POSITION, "side": side, "contracts": contracts}
    if side == "none" and contracts != "0":
        with pytest.raises(VenueError, match="contracts"):
            _generic({"fetch_positions": [row]}).positions()
    else:
        assert _generic({"fetch_positions": [row]}).positions() == []


def test_a_position_without_a_side_is_an_error() -> None:
    with pytest.raises(VenueError, match="neither side"):
        _generic({"fetch_positions": [{**CCXT_POSITION, "side": None}]}).positions()


def test_coins_of_which_only_the_free_ones_are_told_are_no_holding_of_nothing() -> None:
    held = _generic({"fetch_balance": BALANCE}, "spot").holdings()
    assert held == {"USD": Holding(Decimal(1000), Decimal(800))}
    told = {"free": {"BTC": "1"}, "total": {"BTC": None}}
    with pytest.raises(VenueError, match="only free BTC"):
        _generic({"fetch_balance": told}, "spot").holdings()
