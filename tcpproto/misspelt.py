"""What is said of a market that is not there: the one that was perhaps meant, or those there are.

Both processes refuse such markets and say it in the same words.
"""

import difflib
from collections.abc import Sequence
from typing import Final

_LISTED_MAX: Final = 10
_COMPARED_MAX: Final = 1_000
_ALIKE_MIN: Final = 0.6


def unknown_market(symbol: str, known: Sequence[str]) -> str:
    """Refuse a market in words, with the nearest of those that are known."""
    close = nearest_market(symbol, known)
    if close is not None:
        return f"no market {symbol}; did you mean {close}?"
    more = f" and {len(known) - _LISTED_MAX} more" if len(known) > _LISTED_MAX else ""
    return f"no market {symbol}; there is {', '.join(known[:_LISTED_MAX])}{more}"


def nearest_market(symbol: str, known: Sequence[str]) -> str | None:
    """Return the market that looks most like a name, if one does.

    What is paid with says nothing: DOGE/USDT is not meant by whoever has SOL/USDT.
    """
    ranked = [
        (_likeness(_base(symbol), _base(one)), _likeness(symbol, one), -number, one)
        for number, one in enumerate(known[:_COMPARED_MAX])
    ]
    best = max(ranked, default=None)
    return best[3] if best is not None and best[0] >= _ALIKE_MIN else None


def _base(symbol: str) -> str:
    return symbol.partition("/")[0]


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
