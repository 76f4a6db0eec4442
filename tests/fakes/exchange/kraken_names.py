"""What things are called at Kraken: assets, pairs, ids, and how its numbers look."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tests.fakes.exchange.terms import Market

_OLD_COINS: Final = {
    "BTC": "XXBT",
    "ETH": "XETH",
    "LTC": "XLTC",
    "XRP": "XXRP",
    "XLM": "XXLM",
    "DOGE": "XXDG",
    "ETC": "XETC",
    "ZEC": "XZEC",
    "XMR": "XXMR",
}
_FIAT: Final = frozenset({"USD", "EUR", "GBP", "CAD", "JPY", "AUD"})
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def asset_id(currency: str) -> str:
    """USD -> ZUSD, BTC -> XXBT, SOL -> SOL."""
    if currency in _FIAT:
        return f"Z{currency}"
    return _OLD_COINS.get(currency, currency)


def asset_name(currency: str) -> str:
    """What Kraken writes for people: XBT for BTC."""
    name = asset_id(currency)
    return name[1:] if name != currency else currency


@dataclass(frozen=True, slots=True)
class Pair:
    """A market by each of its names at Kraken."""

    market: Market

    @property
    def id(self) -> str:
        base, quote = asset_id(self.market.base), asset_id(self.market.quote)
        has_old_names = base != self.market.base and quote != self.market.quote
        return base + quote if has_old_names else self.altname

    @property
    def altname(self) -> str:
        return asset_name(self.market.base) + asset_name(self.market.quote)

    @property
    def wsname(self) -> str:
        return f"{asset_name(self.market.base)}/{asset_name(self.market.quote)}"

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.id, self.altname, self.wsname, self.market.symbol})


def make_id(kind: str, number: int) -> str:
    """O and T ids look like OABCDE-FGHIJ-KLMNOP; equal numbers give equal ids."""
    letters = []
    # An odd multiplier runs through all values before one comes again.
    rest = number * 0x9E3779B97F4A7C15 % 2**80
    for _letter in range(16):
        rest, index = divmod(rest, 32)
        letters.append(_ALPHABET[index])
    text = "".join(letters)
    return f"{kind}{text[:5]}-{text[5:10]}-{text[10:]}"


def decimals_of(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def plain(value: Decimal, decimals: int = 0) -> str:
    """Write a number without exponent and with so many decimals at least; no digit is lost."""
    text = f"{value:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole
