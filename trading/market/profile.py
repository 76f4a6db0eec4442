"""What a simulated market of a symbol is like: price, volatility, steps. Knows no time."""

import math
from dataclasses import dataclass

from trading.market.walk import NORMALS, HashNoise

YEAR_S = 365 * 86400
# Reference price in dollars and volatility a year of well-known assets.
ASSETS: dict[str, tuple[float, float]] = {
    "BTC": (80_000.0, 0.55),
    "ETH": (3_000.0, 0.70),
    "SOL": (150.0, 0.90),
    "BNB": (700.0, 0.60),
    "XRP": (2.2, 0.90),
    "ADA": (0.60, 0.95),
    "DOGE": (0.18, 1.10),
    "AVAX": (22.0, 1.00),
    "LINK": (15.0, 0.95),
    "DOT": (4.5, 0.95),
    "LTC": (95.0, 0.80),
    "TRX": (0.28, 0.65),
    "EUR": (1.10, 0.08),
    "GBP": (1.28, 0.09),
}
UNKNOWN_VOLATILITY = 0.9
TRADE_COST_MEAN = 2_000.0
TRADE_COST_SPREAD = 1.0


@dataclass(frozen=True, slots=True)
class MarketProfile:
    """Describe one simulated market."""

    price: float
    deviation: float
    price_decimals: int
    size_decimals: int
    sizes: tuple[float, ...]


def build_profile(symbol: str, seed: int) -> MarketProfile:
    """Describe the market of a symbol; one that is not known gets a price by the seed."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    base_price, volatility = _asset(base, seed)
    quote_price = ASSETS.get(quote, (1.0, 0.0))[0]
    price = base_price / quote_price
    magnitude = math.floor(math.log10(price))
    # Six significant digits, and trades in steps of about ten cents.
    size_decimals = min(8, max(0, math.ceil(math.log10(base_price)) + 1))
    return MarketProfile(
        price=price,
        deviation=volatility / math.sqrt(YEAR_S),
        price_decimals=max(0, 5 - magnitude),
        size_decimals=size_decimals,
        sizes=_sizes(TRADE_COST_MEAN / base_price, size_decimals),
    )


def _asset(base: str, seed: int) -> tuple[float, float]:
    known = ASSETS.get(base)
    if known is not None:
        return known
    normal = HashNoise(seed, base).normals("price", 0, 1)[0]
    return 20.0 * math.exp(normal), UNKNOWN_VOLATILITY


def _sizes(mean: float, decimals: int) -> tuple[float, ...]:
    """Tabulate log-normal trade sizes, so that a size costs one table look-up."""
    step = 10.0**-decimals
    median = mean * math.exp(-(TRADE_COST_SPREAD**2) / 2)
    return tuple(
        max(step, round(median * math.exp(TRADE_COST_SPREAD * normal), decimals))
        for normal in NORMALS
    )
