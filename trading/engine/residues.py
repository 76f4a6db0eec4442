"""What a real venue cannot sell: how much of a position is sellable, and what is left of it.

Real venues take whole steps, and no order below their minimums. On spot a fee that is kept in
coins leaves odd quantities: what no order can be for is written off from its position.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import orjson

from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument, round_to_step, to_decimal
from trading.model.position import Position

KEY: Final = "residues."
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Residue:
    """Hold what is left of a market's trades that is too small to be sold, and at which worth.

    `cost` is the sum of what it was worth when each part was written off, which the trades count
    as received; what it is worth now is in the equity.
    """

    quantity: Decimal
    cost: Decimal


def sellable(account: Account, position: Position, instrument: Instrument | None) -> Decimal:
    """Return how much of a position an order at a real venue can be for; on spot maybe nothing."""
    held = abs(position.quantity)
    if instrument is None:
        return held
    whole = round_to_step(held, instrument.quantity_step)
    if account.market_type is not MarketType.SPOT:
        return whole or held
    return whole if whole >= instrument.quantity_min else _ZERO


def is_too_small(
    account: Account,
    position: Position,
    instrument: Instrument | None,
    price: float | None,
    residue: Residue | None = None,
) -> bool:
    """Tell whether no order can sell any of a position; by its worth only once it is to be left.

    What was sold beyond a position came out of the residue, as far as that goes.
    """
    if account.market_type is not MarketType.SPOT or instrument is None:
        # What is borrowed or owed does not go away by being small.
        return False
    whole = sellable(account, position, instrument)
    if not whole:
        return True
    if position.quantity < 0:
        return residue is not None and -position.quantity <= residue.quantity
    if not position.closing:
        return False
    worth = whole * (position.entry_price if price is None else to_decimal(price))
    return worth < instrument.cost_min


def residues_by_base(
    residues: Mapping[str, Residue], instruments: Mapping[str, Instrument]
) -> dict[str, Decimal]:
    """Return how much of each currency is left over in an account."""
    found: dict[str, Decimal] = {}
    for symbol, one in residues.items():
        if symbol in instruments:
            base = instruments[symbol].base
            found[base] = found.get(base, _ZERO) + one.quantity
    return found


def dump_residues(residues: Mapping[str, Residue]) -> str:
    """Return the residues of an account as they are kept."""
    rows = {symbol: [str(one.quantity), str(one.cost)] for symbol, one in residues.items()}
    return orjson.dumps(rows).decode()


def load_residues(saved: str | None) -> dict[str, Residue]:
    """Return what `dump_residues` was given; ValueError for what it never wrote."""
    rows = orjson.loads(saved) if saved else {}
    return {symbol: Residue(_amount(row[0]), _amount(row[1])) for symbol, row in rows.items()}


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text} is no amount")
    return amount
