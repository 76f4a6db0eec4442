"""An exchange that tells what a test wrote down, by the name of the endpoint; nothing is sent."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from daemonkit.clock import ManualClock
from tests.trading_tests.brokers.ccxt_raw_desk import NOW
from tests.trading_tests.makers import make_instrument
from trading.brokers.exchanges.dialect import Place
from trading.brokers.exchanges.markets import Market, Markets
from trading.brokers.exchanges.wire import Wire

SYMBOL: Final = "BTC/USD"
_CODES: Final = {"XXBT": "BTC", "XBT": "BTC", "ZUSD": "USD"}


class ToldExchange:
    """Stand where a ccxt object stands."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.session = SimpleNamespace(send=None)
        self.fetch = None
        self.options: dict[str, Any] = {}
        self.features: dict[str, Any] = {}
        self.markets: dict[str, Any] = {}
        self.last_response_headers = None

    def safe_currency_code(self, code: str) -> str:
        return _CODES.get(code, code)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self.answers:
            raise AttributeError(name)

        def tell(*arguments: Any) -> Any:
            self.asked.append((name, arguments))
            return self.answers[name]

        return tell


def told_place(exchange: ToldExchange, market_type: str = "spot", **changes: Any) -> Place:
    """Return a place with one market, whose wire leads to an exchange that tells."""
    market = Market(
        SYMBOL,
        "PF_XBTUSD",
        make_instrument(SYMBOL),
        settle="USD",
        aliases=frozenset({"XXBTZUSD", "BTCUSD"}),
        raw={"symbol": SYMBOL, "quoteId": "ZUSD", "maker": "0.0002", "taker": "0.0005"},
    )
    clock = ManualClock(NOW)
    return Place(Wire(exchange), Markets([market]), clock, market_type, **changes)
