"""Kraken's private reads: balances, orders, trades, positions, ledger, the key itself."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar

from tests.fakes.exchange import kraken_shapes
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_names import Pair, asset_id, plain
from tests.fakes.exchange.kraken_orders import KrakenError, OrderDesk
from tests.fakes.exchange.terms import ZERO, Account, ApiKey, Order, Position

_PAGE: Final = 50
_TXIDS_MAX: Final = 50
T = TypeVar("T")


class PrivateReads:
    """Answer what a key may see."""

    def __init__(self, engine: Engine, pairs: Mapping[str, Pair], desk: OrderDesk) -> None:
        self._engine = engine
        self._pairs = pairs
        self._desk = desk

    def balances(self, account: Account) -> Any:
        balances = self._engine.balances(account)
        return {asset_id(name): plain(each.total, 4) for name, each in balances.items()}

    def balances_with_holds(self, account: Account) -> Any:
        """What positions hold is collateral, which Kraken does not show here."""
        balances = self._engine.balances(account)
        margins: dict[str, Decimal] = {}
        for position in self._engine.positions(account):
            quote = position.market.quote
            margins[quote] = margins.get(quote, ZERO) + position.margin
        return {
            asset_id(name): {
                "balance": plain(each.total, 4),
                "hold_trade": plain(round(each.used - margins.get(name, ZERO), 10), 4),
            }
            for name, each in balances.items()
        }

    def trade_balance(self, account: Account) -> Any:
        with self._engine.changed:
            total, used = ZERO, ZERO
            for name, each in self._engine.balances(account).items():
                price = self._price_of(name)
                total, used = total + each.total * price, used + each.used * price
            positions = self._engine.positions(account)
            margin = sum((each.margin for each in positions), ZERO)
            profit = sum((self._profit(each) for each in positions), ZERO)
            cost = sum((each.value_at(each.entry_price) for each in positions), ZERO)
        equity = total + profit
        shape = {
            "eb": total,
            "tb": total,
            "m": margin,
            "n": profit,
            "c": cost,
            "v": cost + profit,
            "e": equity,
            "mf": equity - margin,
            "uv": ZERO,
        }
        if margin:
            shape["ml"] = equity / margin * 100
        return {name: plain(round(value, 4), 4) for name, value in shape.items()}

    def open_orders(self, account: Account, asked: Mapping[str, Any], stale_s: float) -> Any:
        orders = self._engine.open_orders(account, stale_s=stale_s)
        found = [order for order in orders if self._is_wanted(order, asked)]
        return {"open": {order.id: self._shape(order, asked) for order in reversed(found)}}

    def closed_orders(self, account: Account, asked: Mapping[str, Any], stale_s: float) -> Any:
        start, end = _span(asked)
        latest = self._engine.clock.wall() - stale_s
        found = [
            order
            for order in self._engine.closed_orders(account)
            if self._is_wanted(order, asked)
            and (start < order.opened_at <= end or start < (order.closed_at or 0) <= end)
            and (not stale_s or (order.closed_at or 0) <= latest)
        ]
        page, count = _page(found, asked)
        return {"closed": {each.id: self._shape(each, asked) for each in page}, "count": count}

    def query_orders(self, account: Account, asked: Mapping[str, Any]) -> Any:
        ids = str(asked.get("txid", "")).split(",")
        if not ids[0] or len(ids) > _TXIDS_MAX:
            raise KrakenError("EGeneral:Invalid arguments:txid")
        orders = {order.id: order for order in self._engine.orders(account)}
        if not all(each in orders for each in ids):
            raise KrakenError("EOrder:Unknown order")
        found = [orders[each] for each in ids]
        return {each.id: self._shape(each, asked) for each in found if self._is_wanted(each, asked)}

    def trades(self, account: Account, asked: Mapping[str, Any], stale_s: float) -> Any:
        start, end = _span(asked)
        latest = self._engine.clock.wall() - stale_s
        orders = {order.id: order for order in self._engine.orders(account)}
        found = [
            trade
            for trade in self._engine.trades(account)
            if start < trade.at <= end and (not stale_s or trade.at <= latest)
        ]
        page, count = _page(found, asked)
        shapes = {
            trade.id: kraken_shapes.trade(trade, orders[trade.order_id], self._pair(trade.symbol))
            for trade in page
        }
        return {"trades": shapes, "count": count}

    def query_trades(self, account: Account, asked: Mapping[str, Any]) -> Any:
        ids = str(asked.get("txid", "")).split(",")
        orders = {order.id: order for order in self._engine.orders(account)}
        return {
            trade.id: kraken_shapes.trade(trade, orders[trade.order_id], self._pair(trade.symbol))
            for trade in self._engine.trades(account)
            if trade.id in ids
        }

    def positions(self, account: Account, asked: Mapping[str, Any]) -> Any:
        with self._engine.changed:
            positions = self._engine.positions(account)
            if str(asked.get("consolidation", "")) == "market":
                return [
                    kraken_shapes.position(each, self._pair(each.market.symbol), self._tape(each))
                    for each in positions
                ]
            return {
                each.order_id.replace("O", "T", 1): kraken_shapes.single_position(
                    each, self._pair(each.market.symbol), self._tape(each)
                )
                for each in positions
            }

    def ledgers(self, account: Account, asked: Mapping[str, Any], stale_s: float) -> Any:
        start, end = _span(asked)
        end = min(end, self._engine.clock.wall() - stale_s) if stale_s else end
        entries = kraken_shapes.ledger(self._engine.bookings(account))
        assets = str(asked.get("asset", "all"))
        kind = str(asked.get("type", "all"))
        found = [
            (entry_id, entry)
            for entry_id, entry in entries.items()
            if start < entry["time"] <= end
            and (assets == "all" or entry["asset"] in assets.split(","))
            and kind in ("all", entry["type"])
        ]
        page, count = _page(found, asked)
        return {"ledger": dict(page), "count": count}

    def volume(self, account: Account, asked: Mapping[str, Any]) -> Any:
        pair = self._pairs.get(str(asked.get("pair", "")))
        if pair is None:
            raise KrakenError("EQuery:Unknown asset pair")
        rates = {"fees": account.fees.taker, "fees_maker": account.fees.maker}
        fees = {
            name: {pair.id: {"fee": plain(rate * 100, 4), "tiervolume": "0.0000"}}
            for name, rate in rates.items()
        }
        return {"currency": "ZUSD", "volume": "0.0000", **fees}

    def key_info(self, key: ApiKey) -> Any:
        permissions = []
        if key.rights.query:
            permissions += ["query-funds", "query-open-trades", "query-closed-trades"]
            permissions += ["query-ledger"]
        if key.rights.trade:
            permissions += ["modify-trades", "close-trades"]
        if key.rights.withdraw:
            permissions += ["withdraw-funds"]
        return {
            "apiKeyName": key.account.name,
            "apiKey": key.key,
            "nonce": str(key.last_nonce),
            "nonceWindow": 0,
            "permissions": permissions,
            "iban": f"AA00 {key.account.name}",
        }

    def _shape(self, order: Order, asked: Mapping[str, Any]) -> dict[str, Any]:
        userref = self._desk.userrefs.get(order.id)
        with_trades = str(asked.get("trades", "")).lower() == "true"
        return kraken_shapes.order(order, self._pair(order.symbol), userref, trades=with_trades)

    def _is_wanted(self, order: Order, asked: Mapping[str, Any]) -> bool:
        if "cl_ord_id" in asked and order.client_id != str(asked["cl_ord_id"]):
            return False
        if "userref" in asked:
            return str(self._desk.userrefs.get(order.id)) == str(asked["userref"])
        return True

    def _pair(self, symbol: str) -> Pair:
        return self._pairs[symbol]

    def _tape(self, position: Position) -> Any:
        return self._engine.tapes[position.market.symbol]

    def _profit(self, position: Position) -> Decimal:
        return position.profit_at(self._tape(position).last or position.entry_price)

    def _price_of(self, currency: str) -> Decimal:
        """What one of a currency is worth in the currency that most markets are quoted in."""
        for symbol, market in self._engine.markets.items():
            if market.base == currency:
                return self._engine.tapes[symbol].last or ZERO
        return Decimal(1)


def _span(asked: Mapping[str, Any]) -> tuple[float, float]:
    """Return from after when and until when; ids in place of times are not known here."""
    try:
        return float(asked.get("start") or 0), float(asked.get("end") or "inf")
    except ValueError:
        raise KrakenError("EGeneral:Invalid arguments:start") from None


def _page(found: list[T], asked: Mapping[str, Any]) -> tuple[list[T], int]:
    """Return a page of 50, the newest first, and how many there are in all."""
    offset = int(asked.get("ofs") or 0)
    return found[::-1][offset : offset + _PAGE], len(found)
