"""What Kraken Futures tells: markets and candles to everybody, an account to its key."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tests.fakes.exchange import kraken_futures_shapes as shapes
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.kraken_futures_orders import FuturesError
from tests.fakes.exchange.kraken_names import asset_name, plain
from tests.fakes.exchange.terms import ZERO, Account, Market, Order, OrderState

_FILLS_MAX: Final = 100
_EVENTS_MAX: Final = 1000
_CANDLES_MAX: Final = 2000
# For how long the status of an order that has ended is told.
_STATUS_S: Final = 5.0
_INTERVALS: Final = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "4h": 14400,
    "12h": 43200,
    "1d": 86400,
    "1w": 604800,
}


class FuturesMarkets:
    """Answer what needs no key."""

    def __init__(self, engine: Engine, markets: Mapping[str, Market]) -> None:
        self._engine = engine
        self._markets = markets

    def instruments(self) -> dict[str, Any]:
        closed = self._engine.closed_markets
        return {
            "instruments": [
                shapes.instrument(market, is_open=market.symbol not in closed)
                for market in self._markets.values()
            ]
        }

    def tickers(self) -> dict[str, Any]:
        with self._engine.changed:
            return {
                "tickers": [
                    shapes.ticker(market, self._engine.tapes[market.symbol])
                    for market in self._markets.values()
                ]
            }

    def ticker(self, name: str) -> dict[str, Any]:
        market = self._market(name)
        with self._engine.changed:
            return {"ticker": shapes.ticker(market, self._engine.tapes[market.symbol])}

    def book(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        market = self._market(str(asked.get("symbol", "")))
        with self._engine.changed:
            tape = self._engine.tapes[market.symbol]
            bids, asks = [[float(tape.bid), 1000.0]], [[float(tape.ask), 1000.0]]
        return {"orderBook": {"bids": bids, "asks": asks}}

    def candles(self, name: str, interval: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        market = self._market(name)
        if interval not in _INTERVALS:
            raise FuturesError("invalidArgument: resolution")
        since, until = float(asked.get("from", 0)), float(asked.get("to", "inf"))
        with self._engine.changed:
            found = self._engine.tapes[market.symbol].candles(_INTERVALS[interval], since)
        wanted = [each for each in found if each.start <= until]
        page = wanted[:_CANDLES_MAX] if since else wanted[-_CANDLES_MAX:]
        return {
            "candles": [shapes.candle(each) for each in page],
            "more_candles": len(wanted) > len(page),
        }

    def executions(self, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        market = self._market(name)
        with self._engine.changed:
            ticks = list(self._engine.tapes[market.symbol].ticks)
        elements = [shapes.public_trade(market, tick) for tick in ticks]
        return {"elements": _cut(elements, asked)}

    def _market(self, name: str) -> Market:
        market = self._markets.get(name.upper())
        if market is None:
            raise FuturesError("contractNotFound")
        return market


class FuturesReads:
    """Answer what a key may see."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def accounts(self, account: Account) -> dict[str, Any]:
        with self._engine.changed:
            balances = self._engine.balances(account)
            free = {name: self._engine.free(account, name) for name in balances}
            positions = self._engine.positions(account)
            profit = sum((self._profit(each) for each in positions), ZERO)
            margin = sum((each.margin for each in positions), ZERO)
        total = sum((each.total for each in balances.values()), ZERO)
        used = sum((each.used for each in balances.values()), ZERO)
        currencies = {
            asset_name(name): {
                "quantity": plain(each.total),
                "value": plain(each.total),
                "collateral": plain(each.total),
                "available": plain(round(max(ZERO, free[name]), 10)),
            }
            for name, each in balances.items()
        }
        flex = {
            "currencies": currencies,
            "initialMargin": plain(round(margin, 10)),
            "initialMarginWithOrders": plain(round(used, 10)),
            "balanceValue": plain(total),
            "portfolioValue": plain(round(total + profit, 10)),
            "collateralValue": plain(total),
            "pnl": plain(round(profit, 10)),
            "unrealizedFunding": "0",
            "availableMargin": plain(round(total + profit - used, 10)),
            "marginEquity": plain(round(total + profit, 10)),
            "type": "multiCollateralMarginAccount",
        }
        return {"accounts": {"flex": flex, "cash": {"balances": {}, "type": "cashAccount"}}}

    def open_orders(self, account: Account, stale_s: float) -> dict[str, Any]:
        orders = self._engine.open_orders(account, stale_s=stale_s)
        return {"openOrders": [shapes.open_order(each, self._market(each)) for each in orders]}

    def statuses(self, account: Account, ids: list[str], client_ids: list[str]) -> dict[str, Any]:
        """Tell of open orders and of those that ended within the last seconds."""
        now = self._engine.clock.wall()
        found = [
            order
            for order in self._engine.orders(account)
            if (order.id in ids or order.client_id in client_ids or not (ids or client_ids))
            and (order.closed_at is None or order.closed_at > now - _STATUS_S)
        ]
        return {"orders": [shapes.order_status(each, self._market(each)) for each in found]}

    def fills(self, account: Account, asked: Mapping[str, Any], stale_s: float) -> dict[str, Any]:
        """Return the newest 100, or the 100 before `lastFillTime`."""
        latest = self._engine.clock.wall() - stale_s
        until = float("inf")
        if "lastFillTime" in asked:
            until = datetime.fromisoformat(str(asked["lastFillTime"])).timestamp()
        found = [
            trade
            for trade in self._engine.trades(account)
            if trade.at < until and (not stale_s or trade.at <= latest)
        ]
        markets = self._engine.markets
        page = found[::-1][:_FILLS_MAX]
        liquidations = {
            order.id for order in self._engine.orders(account) if order.reason == "liquidation"
        }
        return {
            "fills": [
                shapes.fill(
                    each, markets[each.symbol], is_liquidation=each.order_id in liquidations
                )
                for each in page
            ]
        }

    def positions(self, account: Account) -> dict[str, Any]:
        with self._engine.changed:
            return {
                "openPositions": [
                    shapes.position(each, self._engine.tapes[each.market.symbol])
                    for each in self._engine.positions(account)
                ]
            }

    def order_events(
        self, account: Account, asked: Mapping[str, Any], *, triggers: bool, stale_s: float
    ) -> dict[str, Any]:
        latest = self._engine.clock.wall() - stale_s
        events = [
            event
            for order in self._engine.orders(account)
            for event in (self._trigger_events(order) if triggers else self._order_events(order))
            if not stale_s or event[0] <= latest
        ]
        elements = [
            {
                "uid": shapes.make_id("H", number),
                "timestamp": str(int(at * 1000)),
                "event": event,
            }
            for number, (at, event) in enumerate(sorted(events, key=lambda pair: pair[0]), 1)
        ]
        return {"accountUid": shapes.make_id("A", 1), "elements": _cut(elements, asked)}

    def log(self, account: Account, asked: Mapping[str, Any], stale_s: float) -> dict[str, Any]:
        since, before = float(asked.get("since", 0)), float(asked.get("before", "inf"))
        if stale_s:
            before = min(before, (self._engine.clock.wall() - stale_s) * 1000)
        entries = [
            entry
            for entry in shapes.log(
                self._engine.bookings(account), self._engine.trades(account), self._engine.markets
            )
            if since <= datetime.fromisoformat(entry["date"]).timestamp() * 1000 < before
            and entry["info"] == asked.get("info", entry["info"])
        ]
        if asked.get("sort", "desc") != "asc":
            entries.reverse()
        count = int(asked.get("count", 500))
        return {"accountUid": shapes.make_id("A", 1), "logs": entries[:count]}

    def leverages(self, account: Account) -> dict[str, Any]:
        markets = self._engine.markets
        return {
            "leveragePreferences": [
                {"symbol": shapes.market_id(markets[symbol]), "maxLeverage": float(leverage)}
                for symbol, leverage in account.leverage.items()
            ]
        }

    def _order_events(self, order: Order) -> list[tuple[float, dict[str, Any]]]:
        if shapes.is_waiting(order):
            return []
        market, at_once = self._market(order), order.trades[: order.taken_at_once]
        filled = sum((trade.quantity for trade in at_once), ZERO)
        placed = {
            "order": shapes.history_order(order, market, filled),
            "reason": "new_user_order",
            "reducedQuantity": "",
        }
        events: list[tuple[float, dict[str, Any]]]
        events = [(order.opened_at, {"OrderPlaced": placed})]
        for trade in order.trades[len(at_once) :]:
            filled += trade.quantity
            update: dict[str, Any] = {
                "newOrder": shapes.history_order(order, market, filled),
                "reason": "full_fill" if filled == order.quantity else "partial_fill",
            }
            events.append((trade.at, {"OrderUpdated": update}))
        if order.state in (OrderState.CANCELLED, OrderState.EXPIRED):
            ended: dict[str, Any] = {
                "order": shapes.history_order(order, market, order.filled),
                "reason": "cancelled_by_user",
            }
            events.append((order.closed_at or order.updated_at, {"OrderCancelled": ended}))
        return events

    def _trigger_events(self, order: Order) -> list[tuple[float, dict[str, Any]]]:
        if order.wish.kind not in shapes.TRIGGERS:
            return []
        market = self._market(order)
        shape = {"order": shapes.history_order(order, market, order.filled)}
        events = [(order.opened_at, {"OrderTriggerPlaced": shape})]
        if order.is_triggered:
            events.append((order.updated_at, {"OrderTriggerActivated": shape}))
        elif not order.is_open:
            events.append((order.updated_at, {"OrderTriggerCancelled": shape}))
        return events

    def _market(self, order: Order) -> Market:
        return self._engine.markets[order.symbol]

    def _profit(self, position: Any) -> Any:
        return position.profit_at(self._engine.tapes[position.market.symbol].last)


def _cut(elements: list[dict[str, Any]], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a page of events: the newest first, unless they are asked for from a time on."""
    since, before = float(asked.get("since", 0)), float(asked.get("before", "inf"))
    found = [each for each in elements if since <= float(each["timestamp"]) < before]
    if asked.get("sort", "desc") != "asc":
        found.reverse()
    return found[: min(int(asked.get("count", _EVENTS_MAX)), _EVENTS_MAX)]
