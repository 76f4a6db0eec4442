"""Which exchange's market a live feed is of, and how its class is set up. Names no library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ExchangeSource:
    """Hold an exchange by its name; `settings` is what stands under `ccxt:`, no keys."""

    exchange: str
    market_type: str = "spot"
    settings: Mapping[str, Any] = field(default_factory=dict)
