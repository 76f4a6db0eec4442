"""Short ways to make the values that stories of the trading process are told with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tcpproto import Command
from trading.engine.core import CoreSettings, EngineCore
from trading.engine.effects import Effect, RaiseEvent, RecordOutcome
from trading.engine.events import CommandReceived, EngineStarted, HealthSampled
from trading.model.event import DurableEvent, Severity
from trading.model.market import Bar, Tick
from trading.model.outcome import CommandOutcome

T = TypeVar("T")

NOW = 1_800_000_000.0

SETTINGS = CoreSettings(
    bot="paper",
    title="paper",
    exchange="paper",
    mode="PAPER",
    version="0.1.0",
    trading_allowed=True,
    status_interval_s=1.0,
)


def make_core(saved: Mapping[str, str] | None = None, **settings: Any) -> EngineCore:
    """Return a core that has not started yet."""
    return EngineCore(replace(SETTINGS, **settings), saved or {})


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
) -> Command:
    """Return a command as the bridge sends it."""
    return Command(
        id=command_id,
        verb=verb,
        args=args,
        author="42",
        role=role,
        chat="42",
        issued_at=issued_at,
        expires_at=expires_at,
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
