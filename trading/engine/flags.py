"""The operator's intent: trading on or off, paused, and buying and selling for each market.

Kept over restarts as one JSON value. What is not mentioned is as at the very first start:
trading off, nothing paused, buying and selling on. Limits are not flags: they bar by themselves.
"""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from trading.engine.states import TradingIntent
from trading.model.account import MarketKey

KEY: Final = "trading.flags"
_ON: Final = ""


class Flags:
    """Hold the flags; an off flag carries its reason."""

    def __init__(self, saved: str | None = None) -> None:
        stored: dict[str, Any] = orjson.loads(saved) if saved else {}
        self.trading = TradingIntent(stored.get("trading", TradingIntent.OFF))
        self.paused: str = stored.get("paused", "")
        self._buying_off = _load(stored.get("buying_off", []))
        self._selling_off = _load(stored.get("selling_off", []))

    def buying_off(self, key: MarketKey) -> str:
        """Return why strategies may not buy here, or nothing."""
        return self._buying_off.get(key, _ON)

    def selling_off(self, key: MarketKey) -> str:
        """Return why strategies may not sell here, or nothing."""
        return self._selling_off.get(key, _ON)

    def set_buying(self, keys: Iterable[MarketKey], reason: str) -> list[MarketKey]:
        """Set the buying flag off for a reason, or on with none; return where it changed."""
        return _set(self._buying_off, keys, reason)

    def set_selling(self, keys: Iterable[MarketKey], reason: str) -> list[MarketKey]:
        """Set the selling flag off for a reason, or on with none; return where it changed."""
        return _set(self._selling_off, keys, reason)

    def to_json(self) -> str:
        """Return everything, to be kept."""
        return orjson.dumps(
            {
                "trading": self.trading,
                "paused": self.paused,
                "buying_off": [[*key, why] for key, why in self._buying_off.items()],
                "selling_off": [[*key, why] for key, why in self._selling_off.items()],
            }
        ).decode()


def _load(rows: list[list[str]]) -> dict[MarketKey, str]:
    return {MarketKey(account, symbol): why for account, symbol, why in rows}


def _set(off: dict[MarketKey, str], keys: Iterable[MarketKey], reason: str) -> list[MarketKey]:
    changed = []
    for key in keys:
        if bool(off.get(key)) != bool(reason):
            changed.append(key)
        if reason:
            off[key] = reason
        else:
            off.pop(key, None)
    return changed
