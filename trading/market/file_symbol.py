"""Tell the market of a recorded file by its name, where the name says it."""

import re
from pathlib import Path

QUOTES = frozenset(
    {"USDT", "USDC", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB", "DAI", "FDUSD", "TUSD"}
)
_WORD = re.compile(r"[A-Za-z0-9]+")
_BASE = re.compile(r"[A-Z0-9]{2,12}")


def symbol_of_file(file: Path) -> str | None:
    """Return BASE/QUOTE for names such as eth_btc_5m.csv.gz or BTC-USDT.parquet, else None.

    The first word is the base and the second the quote, which must be a known one: in
    btc_perp_1m nothing says what a BTC is paid in.
    """
    words = _WORD.findall(file.name.split(".")[0].upper())
    if len(words) >= 2 and _BASE.fullmatch(words[0]) and words[1] in QUOTES - {words[0]}:
        return f"{words[0]}/{words[1]}"
    return None
