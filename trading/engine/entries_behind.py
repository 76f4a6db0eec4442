"""Entries that wait until the opposite position of their market is closed; one for each market."""

from collections.abc import Container

from trading.model.account import MarketKey
from trading.model.order import OrderIntent


class EntriesBehind:
    """Hold what is to be entered once a position is left."""

    def __init__(self) -> None:
        self._intents: dict[MarketKey, OrderIntent] = {}

    def put(self, intent: OrderIntent) -> None:
        """Have an entry wait, in place of one that waits already."""
        self._intents[intent.key] = intent

    def take(self, key: MarketKey) -> OrderIntent | None:
        """Return what waits in a market, which waits no longer; None when nothing does."""
        return self._intents.pop(key, None)

    def forget(self, key: MarketKey, instance: str, order_id: str = "") -> None:
        """Take back an instance's entry, or only the one of an id."""
        waiting = self._intents.get(key)
        if waiting is None or waiting.instance != instance:
            return
        if order_id in ("", waiting.order_id):
            del self._intents[key]

    def forget_all(self, keys: Container[MarketKey] | None = None) -> int:
        """Take back what waits in these markets, or in all; count it."""
        gone = [key for key in self._intents if keys is None or key in keys]
        for key in gone:
            del self._intents[key]
        return len(gone)

    def forget_instance(self, instance: str) -> None:
        """Take back whatever an instance has waiting."""
        self.forget_all([key for key, one in self._intents.items() if one.instance == instance])
