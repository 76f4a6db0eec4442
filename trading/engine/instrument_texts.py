"""What venues have told of markets, as it is kept: a restart must know the steps at once."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import orjson

from trading.model.instrument import Instrument

KEY: Final = "instruments"
_TEXTS: Final = ("base", "quote")
_AMOUNTS: Final = ("price_step", "quantity_step", "quantity_min", "cost_min", "quantity_max")


def dump_instruments(instruments: Mapping[str, Instrument]) -> str:
    """Return instruments as a text."""
    rows = {
        symbol: {name: str(getattr(one, name)) for name in (*_TEXTS, *_AMOUNTS)}
        for symbol, one in instruments.items()
    }
    return orjson.dumps(rows).decode()


def load_instruments(saved: str | None) -> dict[str, Instrument]:
    """Return what `dump_instruments` was given."""
    rows = orjson.loads(saved) if saved else {}
    return {
        symbol: Instrument(
            symbol,
            str(row["base"]),
            str(row["quote"]),
            *(Decimal(row[name]) for name in _AMOUNTS),
        )
        for symbol, row in rows.items()
    }


def known_instruments(
    configured: Mapping[str, Instrument], values: Mapping[str, str]
) -> dict[str, Instrument]:
    """Return what is known of markets: as venues told it, else as it was configured."""
    return {**configured, **load_instruments(values.get(KEY))}
