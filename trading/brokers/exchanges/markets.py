"""The markets of an account: ids and sizes of the venue on one side, our instruments on the other.

Built from what ccxt's load_markets() returns. Must not send anything.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from daemonkit.errors import ConfigurationError
from trading.brokers.exchanges.reading import ZERO, bad_answer, number_of
from trading.brokers.venue import VenueError
from trading.model.instrument import Instrument

# ccxt's modes of writing how exact a market is.
DECIMAL_PLACES: Final = 2
SIGNIFICANT_DIGITS: Final = 3
TICK_SIZE: Final = 4
_EXACTNESS_MAX: Final = Decimal(100)
_SHOWN_MAX: Final = 12
_ONE: Final = Decimal(1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Market:
    """Hold one market: the venue's names of it, and how our quantities become the venue's.

    `instrument` is in base units; a contract is `contract_size` of these. `order_types` is empty
    where the venue does not tell.
    """

    symbol: str
    id: str
    instrument: Instrument
    contract_size: Decimal = _ONE
    settle: str = ""
    order_types: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    raw: Mapping[str, Any] = field(default_factory=dict)

    def to_venue(self, quantity: Decimal) -> Decimal:
        """Return a quantity in the venue's unit."""
        return quantity / self.contract_size

    def to_base(self, amount: Decimal) -> Decimal:
        """Return an amount of the venue's unit as a quantity."""
        return amount * self.contract_size


class Markets:
    """Hold an account's markets by our symbol and by every name that the venue uses."""

    def __init__(self, own: Iterable[Market], other_names: Iterable[str] = ()) -> None:
        self.by_symbol: Mapping[str, Market] = {market.symbol: market for market in own}
        self._by_name = {
            name: market
            for market in self.by_symbol.values()
            for name in (market.id, market.symbol, *market.aliases)
        }
        self._other_names = set(other_names)

    def find(self, name: str) -> Market | None:
        """Return the market of a venue's name, or None for one that is not the account's."""
        return self._by_name.get(name)

    def find_or_warn(self, name: str) -> Market | None:
        """Do the same, and log a name that is not listed: ours are known by all their names."""
        market = self._by_name.get(name)
        if market is None and name not in self._other_names:
            self._other_names.add(name)
            log.warning("market not listed name=%s: what is there is not looked at", name)
        return market


def build_markets(
    listed: Mapping[str, Mapping[str, Any]],
    symbols: Iterable[str],
    *,
    market_type: str,
    precision_mode: int,
    where: str,
) -> Markets:
    """Choose an account's markets from all that ccxt loaded; what is not there is refused."""
    own = [
        _build_market(_chosen(listed, symbol, market_type, where), symbol, precision_mode, where)
        for symbol in symbols
    ]
    others = {name for raw in listed.values() for name in _names_of(raw)}
    return Markets(own, others)


def _chosen(
    listed: Mapping[str, Mapping[str, Any]], symbol: str, market_type: str, where: str
) -> Mapping[str, Any]:
    """Return the venue's market for a symbol; `BTC/USD` on a swap account is `BTC/USD:USD`."""
    is_swap = market_type == "swap"
    # ccxt marks the markets for margin as spot.
    mark = "swap" if is_swap else "spot"
    fitting = {
        name: raw
        for name, raw in listed.items()
        if raw.get(mark) and not (is_swap and raw.get("inverse"))
    }
    raw = fitting.get(symbol)
    if raw is None and is_swap:
        found = [name for name in sorted(fitting) if name.split(":")[0] == symbol]
        raw = fitting[found[0]] if found else None
    if raw is None:
        raise ConfigurationError(
            where, "symbols", symbol, _like(symbol, fitting, market_type), "the exchange has it not"
        )
    if raw.get("active") is False:
        raise ConfigurationError(where, "symbols", symbol, hint="the exchange has it closed now")
    if market_type == "margin" and raw.get("margin") is False:
        raise ConfigurationError(where, "symbols", symbol, hint="it has no margin on the exchange")
    return raw


def _like(symbol: str, fitting: Mapping[str, Any], market_type: str) -> str:
    base, _, rest = symbol.partition("/")
    quote = rest.split(":")[0]
    same_base = sorted(name for name in fitting if name.startswith(f"{base}/"))
    same_quote = sorted(name for name in fitting if f"/{quote}" in name)
    shown = (same_base or same_quote or sorted(fitting))[:_SHOWN_MAX]
    return f"a {market_type} market such as {', '.join(shown)}" if shown else "none at all"


def _build_market(raw: Mapping[str, Any], symbol: str, precision_mode: int, where: str) -> Market:
    limits = raw.get("limits") or {}
    amounts, costs = limits.get("amount") or {}, limits.get("cost") or {}
    precision = raw.get("precision") or {}
    info = raw.get("info") if isinstance(raw.get("info"), dict) else {}
    try:
        size = _number(raw.get("contractSize"), "contractSize") or _ONE
        instrument = Instrument(
            symbol=symbol,
            base=str(raw["base"]),
            quote=str(raw["quote"]),
            price_step=_step(precision.get("price"), precision_mode, "price"),
            quantity_step=_step(precision.get("amount"), precision_mode, "amount") * size,
            quantity_min=_number(amounts.get("min"), "limits.amount.min") * size,
            cost_min=_number(costs.get("min"), "limits.cost.min"),
            quantity_max=_number(amounts.get("max"), "limits.amount.max") * size,
        )
    except (VenueError, KeyError) as error:
        raise ConfigurationError(
            where, "symbols", symbol, hint=f"the exchange does not tell its steps: {error}"
        ) from error
    return Market(
        symbol=symbol,
        id=str(raw.get("id")),
        instrument=instrument,
        contract_size=size,
        settle=str(raw.get("settle") or ""),
        order_types=frozenset(str(each) for each in (info or {}).get("orderTypes") or ()),
        aliases=frozenset(_names_of(raw)),
        raw=raw,
    )


def _names_of(raw: Mapping[str, Any]) -> set[str]:
    """Return every name under which a venue's answers may speak of a market."""
    info = raw.get("info") if isinstance(raw.get("info"), dict) else {}
    names = {raw.get("id"), raw.get("altname"), raw.get("wsId"), raw.get("symbol")}
    names |= {(info or {}).get("altname"), (info or {}).get("wsname")}
    texts = {str(name) for name in names if name}
    return texts | {text.upper() for text in texts} | {text.lower() for text in texts}


def _number(value: Any, what: str) -> Decimal:
    number = ZERO if value is None else number_of(value, what)
    return max(number, ZERO)


def _step(value: Any, mode: int, what: str) -> Decimal:
    """Return a step from what ccxt says of a market's exactness."""
    if value is None or mode == SIGNIFICANT_DIGITS:
        raise bad_answer(f"{what} has no step", value)
    number = number_of(value, what)
    if mode == DECIMAL_PLACES:
        if abs(number) > _EXACTNESS_MAX:
            raise bad_answer(f"{what} has no step", value)
        return _ONE.scaleb(-int(number))
    if number <= 0:
        raise bad_answer(f"{what} has no step", value)
    return number


def in_steps(amount: Decimal, step: Decimal) -> Decimal:
    """Return an amount rounded down to whole steps."""
    return (amount / step).to_integral_value(ROUND_DOWN) * step
