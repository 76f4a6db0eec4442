"""The fake exchange of a bot on a clock that only the bot moves, and how its price goes."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.server import FakeExchange
from tests.fakes.exchange.terms import Account, Fees, MarketKind
from tests.fakes.exchange.venues import RunningExchange, usual_engine, usual_markets
from tests.fakes.exchange.wire import Asked
from tests.scenarios.books import There
from tests.scenarios.moments import StepClock
from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS, Setting

NOW: Final = 1_800_000_000.0


class ExchangeDesk:
    """Hold the fake exchange of a bot, its clock, and how its price moves."""

    def __init__(self, name: str, running: RunningExchange, account: Account, clock: StepClock):
        self.name, self.running, self.account, self.clock = name, running, account, clock
        self.setting: Setting = SETTINGS[name]
        self.exchange_name = name.split("-", maxsplit=1)[0]
        (self.venue_symbol,) = running.engine.markets
        swap = ":USD" if self.setting.market_type == "swap" else ""
        self.symbol = f"BTC/{self.setting.quote}{swap}"
        self.prices: deque[Any] = deque()
        self._late: list[tuple[float, Asked]] = []

    @property
    def engine(self) -> Engine:
        return self.running.engine

    @property
    def exchange(self) -> FakeExchange:
        return self.running.exchange

    @property
    def there(self) -> There:
        is_spot = self.setting.market_type == "spot"
        return There(self.engine, self.account, self.exchange_name, self.venue_symbol, is_spot)

    def move(self) -> None:
        """Trade once, at the next price if there is one; without a volume any quantity."""
        engine, symbol = self.engine, self.venue_symbol
        last = engine.tapes[symbol].last
        assert last is not None
        price, volume = self.prices.popleft() if self.prices else (last, None)
        engine.price(symbol, price, volume)

    def delay(self, asked: Asked, seconds: float) -> None:
        """Have a request taken later, on this clock."""
        asked.is_delayed = True
        self._late.append((self.clock.monotonic() + seconds, asked))

    def arrive_late(self) -> None:
        """Take the requests whose time has come."""
        due = [one for one in self._late if one[0] <= self.clock.monotonic()]
        self._late = [one for one in self._late if one not in due]
        for _, asked in due:
            self.exchange.dialect.act(asked)

    @property
    def is_waiting(self) -> bool:
        """Tell whether a request is still on its way."""
        return bool(self._late)


@contextmanager
def open_exchange(name: str, fees: Fees | None = None) -> Iterator[ExchangeDesk]:
    """Serve one market of a fake exchange on a clock that stands."""
    setting = SETTINGS[name]
    clock = StepClock(NOW, 1_000.0)
    market = usual_markets(setting.quote, MarketKind(setting.market_type))[0]
    engine, account = usual_engine([market], clock=clock, secret=setting.secret())
    if fees is not None:
        account.fees = fees
    with setting.start(engine) as running:
        yield ExchangeDesk(name, running, account, clock)
