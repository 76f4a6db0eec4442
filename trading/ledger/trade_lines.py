"""A closed trade as one line of JSON: times in ISO 8601, money as text, its number as `seq`."""

from typing import Any, Final

import orjson

from daemonkit.log_lines import timestamp_text
from trading.model.position import Trade

FIELDS: Final = (
    *("seq", "account", "symbol", "instance", "side", "quantity", "entry_price", "exit_price"),
    *("opened_at", "closed_at", "gross", "fees", "profit", "reason"),
)


def trade_to_fields(trade: Trade) -> dict[str, Any]:
    """Return what is told of a trade, in the order of FIELDS."""
    return {
        "seq": trade.number,
        "account": trade.account,
        "symbol": trade.symbol,
        "instance": trade.instance,
        "side": "long" if trade.side.sign > 0 else "short",
        "quantity": _plain(trade.quantity),
        "entry_price": _plain(trade.entry_price),
        "exit_price": _plain(trade.exit_price),
        "opened_at": timestamp_text(trade.opened_at),
        "closed_at": timestamp_text(trade.closed_at),
        "gross": _plain(trade.gross),
        "fees": _plain(trade.fees),
        "profit": _plain(trade.profit),
        "reason": trade.reason,
    }


def trade_to_line(trade: Trade) -> bytes:
    """Return the line of a trade, with its end."""
    return orjson.dumps(trade_to_fields(trade)) + b"\n"


def seq_of_line(line: bytes) -> int | None:
    """Return the number of a whole line, or None when it is torn or no trade's."""
    if not line.endswith(b"\n"):
        return None
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    seq = found.get("seq") if isinstance(found, dict) else None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) and seq > 0 else None


def _plain(amount: object) -> str:
    # Never 1E-8: the readers of this file are scripts of all kinds.
    return f"{amount:f}"
