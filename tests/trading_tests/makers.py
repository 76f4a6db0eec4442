"""Short ways to make the values that stories of the trading process are told with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from tcpproto import Command
from trading.brokers.paper.terms import PaperTerms
from trading.engine.core import EngineCore
from trading.engine.core_settings import CoreSettings
from trading.engine.effects import Effect, RaiseEvent, RecordOutcome
from trading.engine.events import CommandReceived, EngineStarted, HealthSampled
from trading.engine.setup import AccountSetup, InstanceSetup, SavedTrading, TradingSetup
from trading.engine.trader import Trader
from trading.model.account import Account, MarketType
from trading.model.event import DurableEvent, Severity
from trading.model.instrument import Instrument
from trading.model.market import Bar, Tick
from trading.model.mode import Mode
from trading.model.outcome import CommandOutcome
from trading.strategies.base import Strategy
from trading.strategies.calls import CallGuard, UnguardedCalls
from trading.strategies.context import StrategyContext
from trading.strategies.loader import StrategyType
from trading.strategies.schema import parse_schema

T = TypeVar("T")

NOW = 1_800_000_000.0
BTC, ETH = "BTC/USDT", "ETH/USDT"
# A venue that costs nothing, so that the figures of a story can be reckoned in the head.
FREE = PaperTerms(fee_taker=Decimal(0), fee_maker=Decimal(0), slippage=Decimal(0))

SETTINGS = CoreSettings(
    bot="paper",
    title="paper",
    exchange="paper",
    mode="PAPER",
    version="0.1.0",
    trading_allowed=True,
    status_interval_s=1.0,
)


def make_account(
    name: str = "main",
    kind: MarketType = MarketType.SPOT,
    *,
    leverage: str = "1",
    currency: str = "USDT",
) -> Account:
    """Return an account on paper; all but spot accounts may sell short."""
    can_short = kind is not MarketType.SPOT
    return Account(name, "paper", kind, True, currency, can_short, Decimal(leverage))


def make_account_setup(
    account: Account | None = None,
    symbols: Sequence[str] = (BTC, ETH),
    *,
    cash: str = "10000",
    terms: PaperTerms = FREE,
) -> AccountSetup:
    """Return an account with the money and the venue that it begins with."""
    return AccountSetup(account or make_account(), symbols, Decimal(cash), terms)


def make_instrument(symbol: str = BTC, **steps: Any) -> Instrument:
    """Return a market in cents and hundred thousandths."""
    base, quote = symbol.split("/")
    step = Decimal("0.00001")
    plain = Instrument(symbol, base, quote, Decimal("0.01"), step, step, Decimal(1))
    return replace(plain, **steps)


def make_instance(
    cls: type[Strategy],
    instance: str = "one",
    *,
    symbol: str = BTC,
    account: str = "main",
    mode: Mode = Mode.ACTIVE,
    **more: Any,
) -> InstanceSetup:
    """Return an instance of a strategy that a test has written."""
    kind = StrategyType(instance, cls, Path(f"{instance}.py"), "text", parse_schema({}, instance))
    given: dict[str, Any] = {"config": {}, "fingerprint": "1"} | more
    return InstanceSetup(instance, kind, account, symbol, mode, **given)


def play(
    act: Callable[[StrategyContext, Any], object],
    instance: str = "one",
    *,
    bars: bool = False,
    **more: Any,
) -> InstanceSetup:
    """Return an instance that does this with each tick, or with each candle."""

    class OnTicks(Strategy):
        def on_tick(self, tick: Tick) -> None:
            act(self.context, tick)

    class OnBars(Strategy):
        def on_bar(self, bar: Bar) -> None:
            act(self.context, bar)

    return make_instance(OnBars if bars else OnTicks, instance, **more)


def make_setup(
    *instances: InstanceSetup,
    accounts: Sequence[AccountSetup] = (),
    instruments: Sequence[Instrument] = (),
    run: str = "run",
    **rules: Any,
) -> TradingSetup:
    """Return what a trader is made with: one spot account in two markets unless said otherwise."""
    chosen = accounts or (make_account_setup(),)
    symbols = {symbol for one in chosen for symbol in one.symbols}
    known = {symbol: make_instrument(symbol) for symbol in sorted(symbols)}
    known |= {one.symbol: one for one in instruments}
    return TradingSetup("paper", run, chosen, known, instances, **rules)


def make_trader(
    setup: TradingSetup | None = None,
    saved: SavedTrading | None = None,
    calls: CallGuard | None = None,
) -> Trader:
    """Return a trader that has not started yet."""
    return Trader(setup or make_setup(), saved or SavedTrading(), calls or UnguardedCalls())


def make_core(
    saved: Mapping[str, str] | None = None, trader: Trader | None = None, **settings: Any
) -> EngineCore:
    """Return a core that has not started yet."""
    trading = trader or make_trader(saved=SavedTrading(values=saved or {}))
    return EngineCore(replace(SETTINGS, **settings), saved or {}, trading)


def make_running_core(saved: Mapping[str, str] | None = None, **settings: Any) -> EngineCore:
    """Return a core that runs."""
    core = make_core(saved, **settings)
    core.process(EngineStarted(NOW))
    return core


def make_command(
    verb: str = "getstatus",
    *args: str,
    command_id: str = "c1",
    role: str = "trader",
    issued_at: float = NOW,
    expires_at: float = NOW + 60,
    confirmed: bool = False,
    account: str = "",
    author: str = "42",
    chat: str = "42",
) -> Command:
    """Return a command as the bridge sends it."""
    return Command(
        id=command_id,
        verb=verb,
        args=args,
        author=author,
        role=role,
        chat=chat,
        issued_at=issued_at,
        expires_at=expires_at,
        confirmed=confirmed,
        account=account,
    )


def give(core: EngineCore, command: Command, at: float = NOW) -> Sequence[Effect]:
    """Let a core handle a command at a moment."""
    return core.process(CommandReceived(command, at))


def make_tick(price: float = 100.0, *, symbol: str = "BTC/USDT", at: float = NOW) -> Tick:
    """Return a tick."""
    return Tick(symbol, price, 1.0, at)


def make_bar(close: float = 100.0, *, symbol: str = "BTC/USDT", start: float = NOW) -> Bar:
    """Return a candle of a minute."""
    return Bar(symbol, start, 60, close, close, close, close, 1.0)


def make_health(at: float = NOW, **figures: Any) -> HealthSampled:
    """Return figures of a bot in good order."""
    healthy = HealthSampled(
        at=at,
        uptime_s=0.0,
        ticks_conflated=0,
        outbox_rows=0,
        outbox_room=100_000,
        events_refused=0,
        log_lines_dropped=0,
        link="connected",
        link_since=at,
    )
    return replace(healthy, **figures)


def make_event(
    text: str = "something", *, key: str = "", at: float = NOW, **more: Any
) -> DurableEvent:
    """Return an event of middling weight."""
    fields = {"kind": "note", "severity": Severity.NOTICE} | more
    return DurableEvent(text=text, at=at, key=key, **fields)


def of_kind(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """Return the effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def events_of(effects: Sequence[Effect]) -> list[DurableEvent]:
    """Return the events that are raised."""
    return [effect.event for effect in of_kind(effects, RaiseEvent)]


def outcomes_of(effects: Sequence[Effect]) -> list[CommandOutcome]:
    """Return the outcomes that are recorded."""
    return [effect.outcome for effect in of_kind(effects, RecordOutcome)]
