"""What Binance spot answers to questions about an account: orders, trades, money, rights."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from tests.fakes.exchange.binance_orders import check_known
from tests.fakes.exchange.binance_refusals import (
    BinanceRefusalError,
    invalid_combination,
    invalid_symbol,
    missing,
    moves_window_too_long,
    no_such_order,
    window_too_long,
)
from tests.fakes.exchange.binance_shapes import (
    Json,
    amount,
    market_id,
    millis,
    own_trade,
    queried_order,
)
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import (
    Account,
    ApiKey,
    Booking,
    BookingKind,
    Market,
    Order,
    Trade,
)

_ROWS: Final = 500
_ROWS_MAX: Final = 1000
_DAY_MS: Final = 86_400_000
_MOVES_DAYS_MAX: Final = 90
Asked = Mapping[str, str]
Row = TypeVar("Row")


def find_market(engine: Engine, name: str) -> Market:
    """Return a market by its Binance name."""
    for market in engine.markets.values():
        if market_id(market) == name:
            return market
    raise invalid_symbol()


def asked_market(engine: Engine, asked: Asked) -> Market:
    """Return the market that a request must name."""
    if not asked.get("symbol"):
        raise missing("symbol")
    return find_market(engine, asked["symbol"])


def whole_number(asked: Asked, name: str) -> int | None:
    """Read a whole number; None where none was sent."""
    sent = asked.get(name)
    if sent is None:
        return None
    if not sent.isdigit():
        raise missing(name)
    return int(sent)


def row_limit(asked: Asked, default: int = _ROWS, largest: int = _ROWS_MAX) -> int:
    """Read how many rows are wanted; more than the most is the most."""
    return min(whole_number(asked, "limit") or default, largest)


def account_info(engine: Engine, key: ApiKey, asked: Asked) -> Json:
    """Write the account: its fees, rights and balances."""
    check_known(asked, {"omitZeroBalances"})
    fees = key.account.fees
    balances = engine.balances(key.account)
    omits = asked.get("omitZeroBalances") == "true"
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": amount(fees.maker),
            "taker": amount(fees.taker),
            "buyer": amount(None),
            "seller": amount(None),
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": millis(engine.clock.wall()),
        "accountType": "SPOT",
        "balances": [
            {"asset": name, "free": amount(balance.free), "locked": amount(balance.used)}
            for name, balance in sorted(balances.items())
            if balance.total or not omits
        ],
        "permissions": ["SPOT"],
        "uid": account_uid(key.account),
    }


def account_uid(account: Account) -> int:
    """Return the number of an account, which is the same for each of its keys."""
    return 350_000_000 + int.from_bytes(account.name.encode()[:3], "big")


def open_orders(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write the open orders of a market, or of all."""
    check_known(asked, {"symbol"})
    wanted = asked_market(engine, asked).symbol if "symbol" in asked else None
    return [
        queried_order(order, engine.markets[order.symbol])
        for order in engine.open_orders(key.account)
        if wanted is None or order.symbol == wanted
    ]


def all_orders(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write orders of a market by id or time, oldest first; without either the newest."""
    check_known(asked, {"symbol", "orderId", "startTime", "endTime", "limit"})
    market = asked_market(engine, asked)
    first, begin, end = _window(asked, "orderId")
    rows = [each for each in engine.orders(key.account) if each.symbol == market.symbol]
    if first is not None:
        rows = [each for each in rows if each.number >= first]
    rows = [each for each in rows if begin <= millis(each.opened_at) <= end]
    is_newest = first is None and not begin
    return [
        queried_order(order, market) for order in _page(rows, row_limit(asked), newest=is_newest)
    ]


def one_order(engine: Engine, key: ApiKey, asked: Asked) -> Json:
    """Write one order."""
    check_known(asked, {"symbol", "orderId", "origClientOrderId"})
    market = asked_market(engine, asked)
    order = find_order(engine, key.account, market, asked)
    if order is None:
        raise no_such_order()
    return queried_order(order, market)


def find_order(engine: Engine, account: Account, market: Market, asked: Asked) -> Order | None:
    """Return the newest order with the id that a request names."""
    number, client_id = whole_number(asked, "orderId"), asked.get("origClientOrderId", "")
    if number is None and not client_id:
        raise BinanceRefusalError(
            400,
            -1102,
            "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        )
    order = (
        engine.find(account, client_id=client_id)
        if number is None
        else engine.find(account, order_id=str(number))
    )
    return order if order is not None and order.symbol == market.symbol else None


def own_trades(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write the account's executions in a market by id or time, oldest first."""
    check_known(asked, {"symbol", "orderId", "startTime", "endTime", "fromId", "limit"})
    market = asked_market(engine, asked)
    first, begin, end = _window(asked, "fromId")
    of_order = whole_number(asked, "orderId")
    rows = [each for each in engine.trades(key.account) if each.symbol == market.symbol]
    rows = [each for each in rows if begin <= millis(each.at) <= end]
    if first is not None:
        rows = [each for each in rows if each.number >= first]
    if of_order is not None:
        rows = [each for each in rows if each.order_id == str(of_order)]
    is_newest = first is None and not begin
    page: list[Trade] = _page(rows, row_limit(asked), newest=is_newest)
    return [own_trade(trade, market) for trade in page]


def _window(asked: Asked, first_name: str) -> tuple[int | None, int, int]:
    """Read the first id and the times, which may span a day at most."""
    first = whole_number(asked, first_name)
    begin, end = whole_number(asked, "startTime"), whole_number(asked, "endTime")
    if first_name == "fromId" and first is not None and (begin is not None or end is not None):
        raise invalid_combination()
    if begin is not None and end is not None and end - begin > _DAY_MS:
        raise window_too_long()
    return first, begin or 0, 2**63 if end is None else end


def _page(rows: list[Row], limit: int, *, newest: bool) -> list[Row]:
    return rows[-limit:] if newest else rows[:limit]


def api_restrictions(engine: Engine, key: ApiKey, asked: Asked) -> Json:
    """Write what the key may do."""
    check_known(asked, ())
    return {
        "ipRestrict": False,
        "createTime": millis(engine.clock.wall()) - 30 * _DAY_MS,
        "enableReading": key.rights.query,
        "enableSpotAndMarginTrading": key.rights.trade,
        "enableWithdrawals": key.rights.withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableMargin": False,
        "enableFutures": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
    }


def trade_fees(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write the account's fees by market."""
    check_known(asked, {"symbol"})
    fees = key.account.fees
    return [
        {
            "symbol": market_id(market),
            "makerCommission": format(fees.maker, "f"),
            "takerCommission": format(fees.taker, "f"),
        }
        for market in engine.markets.values()
        if asked.get("symbol") in {None, market_id(market)}
    ]


def deposits(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write what came in, newest first."""
    return [
        {
            "id": booking.id,
            "amount": amount(booking.amount),
            "coin": booking.currency,
            "network": booking.currency,
            "status": 1,
            "address": f"fake-{booking.currency.lower()}-address",
            "addressTag": "",
            "txId": f"tx-{booking.id}",
            "insertTime": millis(booking.at),
            "completeTime": millis(booking.at),
            "transferType": 0,
            "confirmTimes": "12/12",
            "unlockConfirm": 12,
            "walletType": 0,
        }
        for booking in _moves(engine, key, asked, BookingKind.DEPOSIT)
    ]


def withdrawals(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write what went out, newest first."""
    return [
        {
            "id": booking.id,
            "amount": amount(-booking.amount),
            "transactionFee": "0",
            "coin": booking.currency,
            "status": 6,
            "address": f"other-{booking.currency.lower()}-address",
            "txId": f"tx-{booking.id}",
            "applyTime": _words(booking.at),
            "network": booking.currency,
            "transferType": 0,
            "info": "",
            "confirmNo": 12,
            "walletType": 0,
            "completeTime": _words(booking.at),
        }
        for booking in _moves(engine, key, asked, BookingKind.WITHDRAWAL)
    ]


def _moves(engine: Engine, key: ApiKey, asked: Asked, kind: BookingKind) -> list[Booking]:
    check_known(asked, {"coin", "startTime", "endTime", "limit", "offset", "status"})
    now = millis(engine.clock.wall())
    end = whole_number(asked, "endTime") or now
    begin = whole_number(asked, "startTime") or end - _MOVES_DAYS_MAX * _DAY_MS
    if end - begin > _MOVES_DAYS_MAX * _DAY_MS:
        raise moves_window_too_long()
    rows = [
        booking
        for booking in reversed(engine.bookings(key.account))
        if booking.kind is kind
        and begin <= millis(booking.at) <= end
        and asked.get("coin") in {None, booking.currency}
    ]
    skipped = whole_number(asked, "offset") or 0
    return rows[skipped : skipped + row_limit(asked, _ROWS_MAX)]


def _words(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def coins(engine: Engine, key: ApiKey, asked: Asked) -> list[Json]:
    """Write the currencies."""
    check_known(asked, ())
    names = {name for each in engine.markets.values() for name in (each.base, each.quote)}
    balances = engine.balances(key.account)
    return [
        {
            "coin": name,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "name": name,
            "free": amount(balances[name].free if name in balances else None),
            "locked": amount(balances[name].used if name in balances else None),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": name in {"USD", "EUR"},
            "trading": True,
            "networkList": [],
        }
        for name in sorted(names | set(balances))
    ]
