"""Random trading at Binance and Coinbase: what they tell adds up to what the engine has booked."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from tests.fakes.exchange.terms import Fees, MarketKind
from tests.fakes.exchange.venues import (
    RunningExchange,
    coinbase_secret,
    start_binance,
    start_coinbase,
    usual_engine,
    usual_markets,
)
from tests.fakes_tests.exchange.library_calls import connected

D = Decimal
CASH = D(100_000)
COINS = D("0.002")  # enough for some fees
TRADES_MIN = 15
Sums = dict[str, Decimal]


def trade_at_random(
    venue: RunningExchange, library: Any, symbol: str, rolls: random.Random, id_key: str
) -> None:
    price, open_ids = 64_000, list[str]()
    for number in range(60):
        quantity = round(rolls.uniform(0.001, 0.05), 5)
        side = rolls.choice(["buy", "sell"])
        limit = price + rolls.randint(-300, 300)
        sign = 1 if side == "buy" else -1
        wishes: list[tuple[Any, ...]] = [
            ("limit", side, quantity, limit, {}),
            ("limit", side, quantity, limit + 400 * sign, {"stopLossPrice": limit + 350 * sign}),
        ]
        kind, *rest, parameters = rolls.choice(wishes)
        try:
            made = library.create_order(symbol, kind, *rest, {id_key: f"tb-{number}", **parameters})
            open_ids.append(made["id"])
        except ccxt.BaseError:
            continue  # no coins, too many stops, a trigger that is reached: all are legal
        finally:
            price += rolls.randint(-400, 400)
            volume = rolls.choice([None, D("0.02")])
            venue.engine.price(symbol, D(price), volume)
        if rolls.random() < 0.2:
            _cancel(library, symbol, open_ids.pop(rolls.randrange(len(open_ids))))


def _cancel(library: Any, symbol: str, order_id: str) -> None:
    with suppress(ccxt.OrderNotFound, ccxt.BadRequest):  # it is filled already
        library.cancel_order(order_id, symbol)


def binance_told(library: Any) -> tuple[Sums, Sums]:
    """Return what follows from the trades, and the balances, to the last digit."""
    sums, first = defaultdict(Decimal, {"USDT": CASH, "ETH": COINS}), 0
    while rows := library.privateGetMyTrades({"symbol": "BTCUSDT", "fromId": first, "limit": 7}):
        for row in rows:
            sign = 1 if row["isBuyer"] else -1
            sums["BTC"] += sign * D(row["qty"])
            sums["USDT"] -= sign * D(row["quoteQty"])
            sums[row["commissionAsset"]] -= D(row["commission"])
        first = int(rows[-1]["id"]) + 1
    balances = library.privateGetAccount()["balances"]
    return dict(sums), {row["asset"]: D(row["free"]) + D(row["locked"]) for row in balances}


def coinbase_told(library: Any) -> tuple[Sums, Sums]:
    """Return what follows from the fills, and the balances, to the last digit."""
    sums: Sums = defaultdict(Decimal, {"USD": CASH})
    for row in _fills(library):
        sign = 1 if row["side"] == "BUY" else -1
        sums["BTC"] += sign * D(row["size"])
        sums["USD"] -= sign * D(row["size"]) * D(row["price"]) + D(row["commission"])
    accounts = library.v3PrivateGetBrokerageAccounts()["accounts"]
    told = {
        row["currency"]: D(row["available_balance"]["value"]) + D(row["hold"]["value"])
        for row in accounts
    }
    return dict(sums), told


def _fills(library: Any) -> Iterator[Mapping[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = library.v3PrivateGetBrokerageOrdersHistoricalFills({"limit": 7, **cursor})
        yield from page["fills"]
        if not page["cursor"]:
            return
        cursor = {"cursor": page["cursor"]}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("paid_in", ["received", "ETH"])
def test_what_binance_tells_adds_up(seed: int, paid_in: str) -> None:
    engine, account = usual_engine(usual_markets("USDT", MarketKind.SPOT))
    account.fees = Fees(D("0.001"), D("0.00075"), paid_in, worth=D(3000))
    with (
        start_binance(engine) as venue,
        connected(venue) as library,
    ):
        engine.deposit(account, "ETH", COINS)
        engine.tapes["BTC/USDT"].half_spread = D("0.5")
        trade_at_random(venue, library, "BTC/USDT", random.Random(seed), "clientOrderId")
        from_trades, balances = binance_told(library)
    assert balances == from_trades == engine.ledger.totals("main")
    assert len(engine.trades(account)) >= TRADES_MIN


@pytest.mark.parametrize("seed", [1, 2])
def test_what_coinbase_tells_adds_up(seed: int) -> None:
    engine, account = usual_engine(usual_markets("USD", MarketKind.SPOT), secret=coinbase_secret())
    account.fees = Fees(D("0.004"), D("0.006"))
    with (
        start_coinbase(engine) as venue,
        connected(venue) as library,
    ):
        engine.tapes["BTC/USD"].half_spread = D("0.5")
        trade_at_random(venue, library, "BTC/USD", random.Random(seed), "client_order_id")
        from_trades, balances = coinbase_told(library)
    assert balances == from_trades == engine.ledger.totals("main")
    assert len(engine.trades(account)) >= TRADES_MIN
