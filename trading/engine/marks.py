"""The last prices of what is held, kept over restarts: a book begins with what it ended with.

Without them a position would be worth its entry price until its market moves, and losses, days
and the highest equity would be measured by that.
"""

from collections.abc import Mapping
from typing import Final

import orjson

from trading.engine.desks import AccountDesk
from trading.engine.journal import Journal
from trading.engine.markets import Markets

KEY: Final = "marks."


class Marks:
    """Keep the prices at which the positions of all accounts are valued."""

    def __init__(self, desks: Mapping[str, AccountDesk], values: Mapping[str, str]) -> None:
        self._desks = desks
        self._kept: dict[str, dict[str, float]] = {}
        for name, desk in desks.items():
            kept = self._kept[name] = orjson.loads(values.get(KEY + name, "{}"))
            for symbol, price in kept.items():
                desk.book.mark(symbol, price)

    def of_account(self, account: str) -> Mapping[str, float]:
        """Return the last prices that are known of what an account holds."""
        return self._kept[account]

    def keep(self, markets: Markets, journal: Journal) -> None:
        """Keep the present prices where they are others than those kept."""
        for name, desk in self._desks.items():
            before = self._kept[name]
            present = {
                symbol: price
                for symbol in desk.book.positions
                if (price := markets.by_symbol[symbol].price or before.get(symbol)) is not None
            }
            if present != before:
                self._kept[name] = present
                journal.save(KEY + name, orjson.dumps(present).decode())
