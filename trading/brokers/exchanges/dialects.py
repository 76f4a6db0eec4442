"""Chooses the dialect of an exchange, and has ccxt load only what an account needs."""

from collections.abc import Callable
from typing import Any, Final

from daemonkit.errors import ConfigurationError
from trading.brokers.exchanges.binance import RECEIVE_WINDOW_MS, BinanceDialect
from trading.brokers.exchanges.coinbase import CoinbaseDialect
from trading.brokers.exchanges.dialect import Dialect, Place
from trading.brokers.exchanges.generic import GenericDialect, check_generic
from trading.brokers.exchanges.kraken import KrakenDialect
from trading.brokers.exchanges.krakenfutures import KrakenFuturesDialect

_OWN: Final[dict[tuple[str, str], Callable[[Place], Dialect]]] = {
    ("kraken", "spot"): KrakenDialect,
    ("kraken", "margin"): KrakenDialect,
    ("krakenfutures", "swap"): KrakenFuturesDialect,
    ("binance", "spot"): BinanceDialect,
    ("coinbase", "spot"): CoinbaseDialect,
}
# What a generic way could do wrong where an exchange has a way of its own: Coinbase drops our ids.
_OWN_ONLY: Final = frozenset({"kraken", "krakenfutures", "coinbase"})


def dialect_for(
    exchange: Any, name: str, market_type: str, where: str
) -> Callable[[Place], Dialect]:
    """Return what speaks to an exchange for a type of market, or say what is missing for it."""
    own = _OWN.get((name, market_type))
    if own is not None:
        return own
    if name in _OWN_ONLY:
        types = ", ".join(kind for each, kind in _OWN if each == name)
        raise ConfigurationError(where, "market_type", market_type, types)
    check_generic(exchange, market_type, where)
    return GenericDialect


def prepare_exchange(exchange: Any, name: str, market_type: str) -> None:
    """Set what ccxt loads with the markets to what this type of account needs."""
    if name == "binance":
        kinds = {"swap": ["linear"]}
        exchange.options["fetchMarkets"] = {"types": kinds.get(market_type, ["spot"])}
        exchange.options["fetchMargins"] = False
        exchange.options["recvWindow"] = RECEIVE_WINDOW_MS
    if name in {"binance", "coinbase"}:
        # Their lists of currencies take more requests and rights and tell nothing that is used.
        exchange.has["fetchCurrencies"] = False
