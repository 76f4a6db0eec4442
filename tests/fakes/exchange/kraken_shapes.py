"""The JSON shapes of Kraken spot: orders, trades, ledger entries, positions, pairs."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from tests.fakes.exchange.kraken_names import Pair, asset_id, asset_name, decimals_of, plain
from tests.fakes.exchange.tape import Tape
from tests.fakes.exchange.terms import (
    ZERO,
    Account,
    Booking,
    BookingKind,
    MarketKind,
    Order,
    OrderKind,
    OrderState,
    Position,
    TimeInForce,
    Trade,
    Wish,
)

ORDER_TYPES: Final = {
    OrderKind.MARKET: "market",
    OrderKind.LIMIT: "limit",
    OrderKind.STOP: "stop-loss",
    OrderKind.STOP_LIMIT: "stop-loss-limit",
    OrderKind.TAKE_PROFIT: "take-profit",
    OrderKind.TAKE_PROFIT_LIMIT: "take-profit-limit",
}
_STATES: Final = {
    OrderState.OPEN: "open",
    OrderState.FILLED: "closed",
    OrderState.CANCELLED: "canceled",
    OrderState.EXPIRED: "expired",
}
_REASONS: Final = {
    "user requested": "User requested",
    "insufficient funds": "Insufficient funds",
    "no position to reduce": "Reduce only",
}
_LEDGER_TYPES: Final = {
    BookingKind.TRADE: "trade",
    BookingKind.FEE: "trade",
    BookingKind.PROFIT: "margin",
    BookingKind.FUNDING: "adjustment",
    BookingKind.ROLLOVER: "rollover",
    BookingKind.DEPOSIT: "deposit",
    BookingKind.WITHDRAWAL: "withdrawal",
}


def prices_of(wish: Wish) -> tuple[Decimal, Decimal]:
    """Return `price` and `price2` as Kraken means them: trigger and limit where there are both."""
    if wish.trigger is not None:
        return wish.trigger, wish.price or ZERO
    return wish.price or ZERO, ZERO


def description(wish: Wish, quantity: Decimal, pair: Pair) -> dict[str, str]:
    """Say what an order is, as all answers with orders do."""
    price, price2 = prices_of(wish)
    kind = ORDER_TYPES[wish.kind]
    steps, lots = decimals_of(pair.market.price_step), decimals_of(pair.market.quantity_step)
    at = {
        OrderKind.MARKET: "market",
        OrderKind.LIMIT: f"limit {plain(price, steps)}",
        OrderKind.STOP: f"stop loss {plain(price, steps)}",
        OrderKind.STOP_LIMIT: f"stop loss {plain(price, steps)} -> limit {plain(price2, steps)}",
        OrderKind.TAKE_PROFIT: f"take profit {plain(price, steps)}",
        OrderKind.TAKE_PROFIT_LIMIT: (
            f"take profit {plain(price, steps)} -> limit {plain(price2, steps)}"
        ),
    }[wish.kind]
    leverage = "none" if wish.leverage is None else f"{plain(wish.leverage)}:1"
    text = f"{wish.side} {plain(quantity, lots)} {pair.altname} @ {at}"
    if wish.leverage is not None:
        text += f" with {leverage} leverage"
    return {
        "pair": pair.altname,
        "type": wish.side.value,
        "ordertype": kind,
        "price": plain(price, steps) if price else "0",
        "price2": plain(price2, steps) if price2 else "0",
        "leverage": leverage,
        "order": text,
        "close": "" if wish.attached is None else closing_text(wish.attached, steps),
    }


def closing_text(wish: Wish, steps: int) -> str:
    price, price2 = prices_of(wish)
    text = f"close position @ {ORDER_TYPES[wish.kind].replace('-', ' ')} {plain(price, steps)}"
    return f"{text} -> limit {plain(price2, steps)}" if price2 else text


def order(order: Order, pair: Pair, userref: int | None, *, trades: bool = False) -> dict[str, Any]:
    wish = order.wish
    steps = decimals_of(pair.market.price_step)
    lots = decimals_of(pair.market.quantity_step)
    shape: dict[str, Any] = {
        "refid": order.parent_id or None,
        "userref": userref,
        "status": _STATES[order.state],
        "opentm": order.opened_at,
        "starttm": 0,
        "expiretm": wish.expires_at or 0,
        "descr": description(wish, order.quantity, pair),
        "vol": plain(order.quantity, lots),
        "vol_exec": plain(order.filled, lots),
        "cost": plain(order.cost, 5),
        "fee": plain(order.fee, 5),
        "price": plain(round(order.average, 10), 5),
        "stopprice": plain(wish.trigger or ZERO, steps if wish.trigger else 5),
        "limitprice": plain(ZERO, 5),
        "misc": "",
        "oflags": ",".join(_flags(order)),
    }
    if order.client_id:
        shape["cl_ord_id"] = order.client_id
    if wish.is_reduce_only:
        shape["reduce_only"] = True
    if not order.is_open:
        shape["closetm"] = order.closed_at
        shape["reason"] = _REASONS.get(order.reason, order.reason or None)
    if trades and order.trades:
        shape["trades"] = [each.id for each in order.trades]
    return shape


def _flags(order: Order) -> list[str]:
    flags = ["fcib" if order.account.fees.paid_in == "base" else "fciq"]
    if order.wish.is_post_only:
        flags.append("post")
    if order.wish.cost is not None:
        flags.append("viqc")
    return flags


def trade(trade: Trade, order: Order, pair: Pair) -> dict[str, Any]:
    steps = decimals_of(pair.market.price_step)
    shape: dict[str, Any] = {
        "ordertxid": order.id,
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": pair.id,
        "time": trade.at,
        "type": trade.side.value,
        "ordertype": "liquidation market"
        if order.reason == "liquidation"
        else ORDER_TYPES[order.wish.kind],
        "price": plain(trade.price, max(steps, 5)),
        "cost": plain(trade.cost, 5),
        "fee": plain(trade.fee, 5),
        "vol": plain(trade.quantity, 8),
        "margin": plain(round(trade.margin, 10), 5),
        "leverage": plain(order.wish.leverage or ZERO),
        "misc": "closing" if trade.profit else "",
        "trade_id": trade.number,
        "maker": trade.is_maker,
    }
    if order.client_id:
        shape["cl_ord_id"] = order.client_id
    if trade.profit:
        shape["net"] = plain(trade.profit, 5)
    return shape


def ledger(bookings: Iterable[Booking]) -> dict[str, dict[str, Any]]:
    """Return entries by id, oldest first; a fee stands in the entry of its trade and currency."""
    bookings = list(bookings)
    of_coins = {each.trade_id for each in bookings if each.kind is BookingKind.TRADE}
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    found: dict[str, dict[str, Any]] = {}
    for booking in bookings:
        key = (booking.trade_id or booking.id, booking.currency)
        entry = entries.get(key)
        if entry is None:
            entry = entries[key] = found[booking.id] = {
                "aclass": "currency",
                "amount": ZERO,
                "asset": asset_id(booking.currency),
                "balance": ZERO,
                "fee": ZERO,
                "refid": booking.trade_id or booking.id.replace("L", "F", 1),
                "time": booking.at,
                "type": (
                    "margin"
                    if booking.trade_id and booking.trade_id not in of_coins
                    else _LEDGER_TYPES[booking.kind]
                ),
                "subtype": "",
            }
        is_fee = booking.kind in (BookingKind.FEE, BookingKind.ROLLOVER)
        if is_fee:
            entry["fee"] -= booking.amount
        else:
            entry["amount"] += booking.amount
        entry["balance"] = booking.total
    for entry in found.values():
        for name in ("amount", "fee", "balance"):
            entry[name] = plain(entry[name], 4)
    return found


def position(position: Position, pair: Pair, tape: Tape) -> dict[str, Any]:
    """Return a position as `consolidation=market` shows it."""
    value = position.value_at(position.entry_price)
    profit = position.profit_at(tape.last or position.entry_price)
    return {
        "pair": pair.id,
        "positions": "1",
        "type": "buy" if position.quantity > 0 else "sell",
        "leverage": plain(position.leverage, 5),
        "cost": plain(round(value, 10), 5),
        "fee": plain(position.fee, 5),
        "vol": plain(abs(position.quantity), 8),
        "vol_closed": plain(ZERO, 8),
        "margin": plain(round(position.margin, 10), 5),
        "value": plain(round(position.value_at(tape.last or position.entry_price), 10), 1),
        "net": f"{profit:+.4f}",
    }


def single_position(position: Position, pair: Pair, tape: Tape) -> dict[str, Any]:
    """Return a position as the list by id shows it."""
    shape = position_without_market(position, pair, tape)
    shape.update(
        {
            "ordertxid": position.order_id,
            "posstatus": "open",
            "time": position.opened_at,
            "ordertype": "market",
            "terms": "0.0200% per 4 hours",
            "rollovertm": str(int(position.opened_at) + 4 * 3600),
            "misc": "",
            "oflags": "",
        }
    )
    return shape


def position_without_market(position_: Position, pair: Pair, tape: Tape) -> dict[str, Any]:
    shape = position(position_, pair, tape)
    del shape["positions"], shape["leverage"]
    return shape


def pair(pair: Pair, account: Account | None, status: str) -> dict[str, Any]:
    market = pair.market
    leverages = [
        number for number in range(2, market.leverage_max + 1) if market.kind is MarketKind.MARGIN
    ]
    fees = account.fees if account else None
    return {
        "altname": pair.altname,
        "wsname": pair.wsname,
        "aclass_base": "currency",
        "base": asset_id(market.base),
        "aclass_quote": "currency",
        "quote": asset_id(market.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": decimals_of(market.price_step),
        "lot_decimals": decimals_of(market.quantity_step),
        "lot_multiplier": 1,
        "leverage_buy": leverages,
        "leverage_sell": leverages,
        "fees": [[0, float(fees.taker * 100) if fees else 0.26]],
        "fees_maker": [[0, float(fees.maker * 100) if fees else 0.16]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": plain(market.quantity_min),
        "costmin": plain(market.cost_min),
        "tick_size": plain(market.price_step),
        "status": status,
        "long_position_limit": 250,
        "short_position_limit": 200,
    }


def asset(currency: str) -> dict[str, Any]:
    return {
        "aclass": "currency",
        "altname": asset_name(currency),
        "decimals": 10 if asset_id(currency).startswith("X") else 8,
        "display_decimals": 5,
        "status": "enabled",
    }


def time_in_force(value: str) -> TimeInForce:
    return {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}[value]


def ticker(tape: Tape, pair: Pair) -> dict[str, Any]:
    steps = max(5, decimals_of(pair.market.price_step))
    day, last = tape.day(), tape.last or ZERO
    vwap = round(day.turnover / day.volume, steps) if day.volume else last
    return {
        "a": [plain(tape.ask, steps), "1", "1.000"],
        "b": [plain(tape.bid, steps), "1", "1.000"],
        "c": [plain(last, steps), plain(tape.ticks[-1].quantity if tape.ticks else ZERO, 8)],
        "v": [plain(day.volume, 8)] * 2,
        "p": [plain(vwap, steps)] * 2,
        "t": [day.count] * 2,
        "l": [plain(day.low, steps)] * 2,
        "h": [plain(day.high, steps)] * 2,
        "o": plain(day.open, steps),
    }
