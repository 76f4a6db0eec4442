"""Reads of answers that are not as documented: an error of one class, and never a lost row."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.trading_tests.brokers.ccxt_kraken_desk import (
    connected,
)
from tests.trading_tests.brokers.ccxt_mutations import mutations
from tests.trading_tests.brokers.ccxt_other_desks import connected_binance, connected_coinbase
from tests.trading_tests.brokers.ccxt_raw_desk import NOW, ORDER_ID, order
from tests.trading_tests.brokers.ccxt_server import CcxtServer, Reply
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.venue import VenueError, VenueOrderState
from trading.model.order import OrderType, Side

KRAKEN_ORDER = {
    "cl_ord_id": ORDER_ID,
    "status": "open",
    "opentm": 1700000000.25,
    "descr": {
        "pair": "XBTUSD",
        "type": "sell",
        "ordertype": "stop-loss-limit",
        "price": "59000.0",
        "price2": "58000.0",
        "leverage": "none",
    },
    "vol": "0.01000000",
    "vol_exec": "0.00000001",
}
KRAKEN_TRADE = {
    "ordertxid": "OAAAAA-BBBBB-CCCCCC",
    "pair": "XXBTZUSD",
    "time": 1700000000.123456,
    "type": "buy",
    "price": "60000.10000",
    "vol": "0.01234567",
    "fee": "1.92592",
    "maker": False,
}
KRAKEN_LEDGER = {
    "time": 1700000000.5,
    "type": "rollover",
    "asset": "ZUSD",
    "amount": "0.0000",
    "fee": "0.0231",
}
KRAKEN_POSITION = {
    "pair": "XXBTZUSD",
    "type": "sell",
    "cost": "600.00",
    "vol": "0.01000000",
    "vol_closed": "0.00250000",
    "margin": "200.00",
}
BINANCE_ORDER = {
    "symbol": "BTCUSDT",
    "orderId": 7,
    "clientOrderId": ORDER_ID,
    "price": "0.00000000",
    "origQty": "0.01000000",
    "executedQty": "0.00000000",
    "status": "NEW",
    "type": "STOP_LOSS",
    "side": "SELL",
    "stopPrice": "59000.00000000",
    "updateTime": 1700000000123,
}
BINANCE_TRADE = {
    "id": 28457,
    "orderId": 7,
    "price": "60000.10",
    "qty": "0.01234567",
    "commission": "0.00001234",
    "commissionAsset": "BTC",
    "time": 1700000000123,
    "isBuyer": True,
    "isMaker": False,
}
COINBASE_ORDER = {
    "order_id": "c-1",
    "product_id": "BTC-USD",
    "client_order_id": ORDER_ID,
    "side": "SELL",
    "status": "OPEN",
    "created_time": "2023-11-14T22:13:20.123456789Z",
    "filled_size": "0",
    "order_configuration": {
        "trigger_bracket_gtc": {
            "base_size": "0.01",
            "limit_price": "65000",
            "stop_trigger_price": "59000",
        }
    },
}
COINBASE_FILL = {
    "entry_id": "e-1",
    "order_id": "c-1",
    "trade_time": "2023-11-14T22:13:20.123456789Z",
    "trade_type": "FILL",
    "price": "60000.10",
    "size": "0.01234567",
    "commission": "1.48",
    "product_id": "BTC-USD",
    "side": "BUY",
    "liquidity_indicator": "MAKER",
}
COINBASE_ACCOUNT = {
    "currency": "BTC",
    "available_balance": {"value": "1.5", "currency": "BTC"},
    "hold": {"value": "0.5", "currency": "BTC"},
}
Connect = Callable[[], AbstractContextManager[tuple[CcxtServer, CcxtVenue]]]


@dataclass(frozen=True)
class Read:
    """One read of one exchange, with an answer of one row."""

    connect: Connect
    path: str
    answer: Any
    ask: Callable[[CcxtVenue], Any]


def _kraken(path: str, result: Any, ask: Callable[[CcxtVenue], Any], **venue: Any) -> Read:
    answer = {"error": [], "result": result}
    return Read(lambda: connected(**venue), f"/0/private/{path}", answer, ask)


def _open(venue: CcxtVenue) -> Any:
    return venue.open_orders()


def _fills(venue: CcxtVenue) -> Any:
    return venue.fills(0)


def _binance(path: str, answer: Any, ask: Callable[[CcxtVenue], Any]) -> Read:
    return Read(connected_binance, f"/api/v3/{path}", answer, ask)


def _coinbase(path: str, answer: Any, ask: Callable[[CcxtVenue], Any]) -> Read:
    return Read(connected_coinbase, f"/api/v3/brokerage/{path}", answer, ask)


READS = {
    "kraken open orders": _kraken("OpenOrders", {"open": {"OA": KRAKEN_ORDER}}, _open),
    "kraken fills": _kraken("TradesHistory", {"trades": {"TA": KRAKEN_TRADE}, "count": 1}, _fills),
    "kraken holdings": _kraken(
        "BalanceEx", {"XXBT": {"balance": "2", "hold_trade": "0.5"}}, lambda v: v.holdings()
    ),
    "kraken bookings": _kraken(
        "Ledgers", {"ledger": {"LA": KRAKEN_LEDGER}, "count": 1}, lambda v: v.cash_moves(0)
    ),
    "kraken positions": _kraken(
        "OpenPositions",
        {"TA": KRAKEN_POSITION},
        lambda v: v.positions(),
        market_type="margin",
        leverage=3,
    ),
    "binance open orders": _binance("openOrders", [BINANCE_ORDER], _open),
    "binance fills": _binance(
        "myTrades", [BINANCE_TRADE], lambda venue: venue.fills(1_699_999_999.0)
    ),
    "binance holdings": _binance(
        "account",
        {"balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}]},
        lambda venue: venue.holdings(),
    ),
    "coinbase open orders": _coinbase(
        "orders/historical/batch", {"orders": [COINBASE_ORDER], "has_next": False}, _open
    ),
    "coinbase fills": _coinbase("orders/historical/fills", {"fills": [COINBASE_FILL]}, _fills),
    "coinbase holdings": _coinbase(
        "accounts", {"accounts": [COINBASE_ACCOUNT]}, lambda venue: venue.holdings()
    ),
}


@pytest.fixture(params=list(READS))
def read(request: pytest.FixtureRequest) -> Read:
    found: Read = READS[request.param]
    return found


def test_a_read_tells_its_one_row(read: Read) -> None:
    with read.connect() as (server, venue):
        server.answers[read.path] = Reply(read.answer)
        assert len(read.ask(venue)) == 1


def test_whatever_is_wrong_in_an_answer_is_one_kind_of_error_and_loses_no_row(read: Read) -> None:
    with read.connect() as (server, venue):
        lost = []
        for path, odd, answer in mutations(read.answer):
            server.answers[read.path] = Reply(answer)
            try:
                rows = read.ask(venue)
            except VenueError:
                continue
            if not rows and not _may_be_empty(path, odd):
                lost.append((path, odd))
        assert lost == []


def _may_be_empty(path: tuple[str | int, ...], odd: Any) -> bool:
    """Tell whether an answer without rows says just that: an empty list, another market."""
    is_container = odd in ([], {}, "missing") and len(path) < 4
    # Another market, a time before the one asked for, no money, no execution but a correction.
    meant = {"pair", "symbol", "product_id", "time", "trade_time", "balance", "free", "trade_type"}
    return is_container or path[-1] in meant


def test_the_kraken_rows_are_read_to_the_last_digit() -> None:
    with connected() as (server, venue):
        server.answers["/0/private/OpenOrders"] = Reply(READS["kraken open orders"].answer)
        server.answers["/0/private/TradesHistory"] = Reply(READS["kraken fills"].answer)
        server.answers["/0/private/Ledgers"] = Reply(READS["kraken bookings"].answer)
        (shown,) = venue.open_orders()
        assert (shown.type, shown.stop_price, shown.limit_price) == (
            OrderType.STOP_LIMIT,
            Decimal(59000),
            Decimal(58000),
        )
        assert (shown.side, shown.filled, shown.at) == (
            Side.SELL,
            Decimal("1E-8"),
            1_700_000_000.25,
        )
        (fill,) = venue.fills(0)
        assert (fill.price, fill.quantity, fill.fee) == (
            Decimal("60000.10000"),
            Decimal("0.01234567"),
            Decimal("1.92592"),
        )
        (move,) = venue.cash_moves(0)
        assert (move.amount, move.currency) == (Decimal("-0.0231"), "USD")


def test_positions_of_a_pair_are_netted() -> None:
    positions = {
        "TA": KRAKEN_POSITION,
        "TB": {**KRAKEN_POSITION, "cost": "610.00", "vol_closed": "0.00000000"},
        "TC": {**KRAKEN_POSITION, "vol_closed": "0.01000000"},
    }
    with connected(market_type="margin", leverage=3) as (server, venue):
        server.answers["/0/private/OpenPositions"] = Reply({"error": [], "result": positions})
        (position,) = venue.positions()
        assert position.quantity == Decimal("-0.0175")
        assert position.entry_price == (
            (Decimal("0.0075") * 60_000 + Decimal("0.01") * 61_000) / Decimal("0.0175")
        )


def test_an_order_in_a_market_that_nobody_lists_is_passed_over_with_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    descr = {
        **READS["kraken open orders"].answer["result"]["open"]["OA"]["descr"],
        "pair": "NOSUCH",
    }
    rows = {"OA": {**KRAKEN_ORDER, "descr": descr}, "OB": KRAKEN_ORDER}
    with connected() as (server, venue):
        server.answers["/0/private/OpenOrders"] = Reply({"error": [], "result": {"open": rows}})
        for _ in range(2):
            assert [each.venue_id for each in venue.open_orders()] == ["OB"]
    assert [r.getMessage() for r in caplog.records if "NOSUCH" in r.getMessage()] == [
        "market not listed name=NOSUCH: what is there is not looked at"
    ]


def _pages(total: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(total):
        yield f"O{number:05d}", {**KRAKEN_ORDER, "cl_ord_id": f"other{number}", "status": "closed"}


def test_an_order_on_a_later_page_of_the_closed_ones_is_found() -> None:
    rows = dict(_pages(120))
    rows["O00110"] = {**rows["O00110"], "cl_ord_id": ORDER_ID, "vol_exec": "0.01000000"}

    def page(seen: Any) -> Reply:
        offset = int(seen.form["ofs"])
        part = dict(list(rows.items())[offset : offset + 50])
        return Reply({"error": [], "result": {"closed": part, "count": len(rows)}})

    with connected() as (server, venue):
        server.answers["/0/private/OpenOrders"] = Reply({"error": [], "result": {"open": {}}})
        server.answers["/0/private/ClosedOrders"] = page
        found = venue.find(order())
        assert found is not None
        assert (found.venue_id, found.state) == ("O00110", VenueOrderState.FILLED)
        assert venue.find(order(id="tzzzzzzzzzzzzzzzzz")) is None


def test_an_order_whose_id_at_kraken_is_known_is_found_by_one_request_of_the_cheapest() -> None:
    closed = {**KRAKEN_ORDER, "cl_ord_id": ORDER_ID, "status": "closed"}
    with connected() as (server, venue):
        server.answers["/0/private/QueryOrders"] = Reply({"error": [], "result": {"OAB": closed}})
        found = venue.find(order(venue_id="OAB"))
        assert found is not None
        assert (found.venue_id, found.state) == ("OAB", VenueOrderState.FILLED)
        assert [seen.path for seen in server.seen] == ["/0/private/QueryOrders"]


def test_an_id_that_kraken_does_not_know_is_looked_for_everywhere_else() -> None:
    with connected() as (server, venue):
        unknown = Reply({"error": ["EOrder:Unknown order"]})
        server.answers["/0/private/QueryOrders"] = unknown
        opened = {"OAB": {**KRAKEN_ORDER, "cl_ord_id": ORDER_ID}}
        server.answers["/0/private/OpenOrders"] = Reply({"error": [], "result": {"open": opened}})
        assert venue.find(order(venue_id="OXX")) is not None
        server.answers["/0/private/OpenOrders"] = Reply({"error": [], "result": {"open": {}}})
        nothing = Reply({"error": [], "result": {"closed": {}, "count": 0}})
        server.answers["/0/private/ClosedOrders"] = nothing
        assert venue.find(order(venue_id="OXX")) is None


def test_half_of_the_places_is_not_enough_to_say_that_an_order_is_not_there() -> None:
    with connected() as (server, venue):
        server.answers["/0/private/OpenOrders"] = Reply({"error": [], "result": {"open": {}}})
        server.answers["/0/private/ClosedOrders"] = Reply({"error": ["EService:Busy"]})
        with pytest.raises(VenueError):
            venue.find(order())


def _binance_trades(total: int, seen: Any) -> Reply:
    """Answer as Binance does: by id, or by a time that spans a day at most."""
    rows: list[dict[str, Any]] = [
        {**BINANCE_TRADE, "id": number, "time": int((NOW - 90_000 + number * 60) * 1000)}
        for number in range(1, total + 1)
    ]
    if "fromId" in seen.query:
        rows = [row for row in rows if int(row["id"]) >= int(seen.query["fromId"])]
    begin = int(seen.query.get("startTime", 0))
    end = int(seen.query.get("endTime", begin + 86_400_000 if begin else 2**62))
    assert end - begin <= 86_400_000 or not begin
    return Reply([row for row in rows if begin <= int(row["time"]) <= end][:1000])


@pytest.mark.parametrize(
    ("since", "requests"), [(NOW - 100_000, 3), (NOW - 1_000, 1), (NOW - 60 * 86_400, 2), (0, 2)]
)
def test_binance_fills_are_all_read_from_any_time_in_few_requests(
    since: float, requests: int
) -> None:
    with connected_binance() as (server, venue):
        server.answers["/api/v3/myTrades"] = lambda seen: _binance_trades(1_499, seen)
        fills = venue.fills(since)
        expected = [n for n in range(1, 1_500) if NOW - 90_000 + n * 60 >= since]
        assert [int(fill.fill_id.split("-")[1]) for fill in fills] == expected
        assert len(server.seen) <= requests
