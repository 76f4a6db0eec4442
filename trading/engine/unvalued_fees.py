"""Fees whose worth nobody knows yet, by the position that they belong to; kept over restarts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Final

import orjson

from trading.engine.journal import Journal
from trading.model.account import MarketKey, key_of
from trading.model.position import Position

KEY: Final = "trading.unvalued_fees"
UNVALUED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class UnvaluedFee:
    """Hold how much of a coin a position has paid, and since when that position is held."""

    key: MarketKey
    currency: str
    amount: Decimal
    opened_at: float

    def is_of(self, position: Position | None) -> bool:
        """Tell whether a position is still the one that paid."""
        return position is not None and position.opened_at == self.opened_at


class UnvaluedFees:
    """Keep them, as many as there may be."""

    def __init__(self, journal: Journal, saved: str | None) -> None:
        self._journal = journal
        self._fees = dict(load_fees(saved))

    def __iter__(self) -> Iterator[UnvaluedFee]:
        return iter(list(self._fees.values()))

    def add(self, position: Position, currency: str, amount: Decimal) -> None:
        """Add what a position has paid; of one that was closed meanwhile nothing is counted."""
        at = position.key, currency
        before = self._fees.get(at)
        if before is None and len(self._fees) >= UNVALUED_MAX:
            return
        if before is not None and before.is_of(position):
            amount += before.amount
        self._fees[at] = UnvaluedFee(position.key, currency, amount, position.opened_at)
        self._keep()

    def drop(self, fee: UnvaluedFee) -> None:
        """Forget what was counted, or whose position is gone."""
        del self._fees[fee.key, fee.currency]
        self._keep()

    def _keep(self) -> None:
        self._journal.save(KEY, self._to_json)

    def _to_json(self) -> str:
        rows = [
            [one.key.account, one.key.symbol, one.currency, str(one.amount), one.opened_at]
            for one in self._fees.values()
        ]
        return orjson.dumps(rows).decode()


def load_fees(saved: str | None) -> Mapping[tuple[MarketKey, str], UnvaluedFee]:
    """Return what was kept; an error for what `UnvaluedFees` never wrote."""
    found = {}
    for account, symbol, currency, amount, opened_at in orjson.loads(saved or "[]"):
        key = key_of(str(account), str(symbol))
        fee = UnvaluedFee(key, str(currency), Decimal(amount), float(opened_at))
        if not (fee.amount.is_finite() and isfinite(fee.opened_at)):
            raise ValueError("not a finite number")
        found[key, fee.currency] = fee
    return found
