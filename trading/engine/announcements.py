"""The durable events that the engine itself raises: what they say and how much they matter."""

from trading.engine.events import (
    ConfigurationReloaded,
    FeedEnded,
    FeedFailed,
    ReloadRefused,
    RunsShort,
    StoodStill,
    StopRequested,
    StoreFault,
    StoreRecovered,
)
from trading.model.event import DurableEvent, Severity


def announce_started(what: str, version: str, *, after_break: bool, at: float) -> DurableEvent:
    """Say that the engine runs, and whether its last run ended without a stop."""
    return DurableEvent(
        kind="engine_started",
        severity=Severity.WARNING if after_break else Severity.NOTICE,
        text=f"{what} started, v{version}" + ("; the last run broke off" if after_break else ""),
        at=at,
        fields={"version": version, "after_break": after_break},
        is_vital=True,
    )


def announce_standstill(event: StoodStill) -> DurableEvent:
    """Say that the process did nothing for a while, and what follows from it."""
    return DurableEvent(
        kind="stood_still",
        severity=Severity.WARNING,
        text=f"the bot stood still for {event.still_s:.0f} s: no new entries for a moment",
        at=event.at,
        fields={"still_s": round(event.still_s, 1)},
        key="stood_still",
    )


def announce_shortage(event: RunsShort) -> DurableEvent:
    """Say that something runs short before that ends the process."""
    return DurableEvent(
        kind="runs_short",
        severity=Severity.WARNING,
        text=event.text,
        at=event.at,
        fields={"what": event.what},
        key=f"runs_short:{event.what}",
    )


def announce_stopped(what: str, event: StopRequested) -> DurableEvent:
    """Say that the engine has come to an orderly end."""
    return DurableEvent(
        kind="engine_stopped",
        severity=Severity.NOTICE,
        text=f"{what} stopped: {event.reason}",
        at=event.at,
        fields={"reason": event.reason},
        is_vital=True,
    )


def announce_feed_ended(event: FeedEnded) -> DurableEvent:
    """Say that a feed has nothing more to bring."""
    return DurableEvent(
        kind="feed_ended",
        severity=Severity.NOTICE,
        text=f"feed {event.feed} is at its end",
        at=event.at,
        fields={"feed": event.feed},
    )


def announce_feed_failed(event: FeedFailed) -> DurableEvent:
    """Say that a feed broke and whether it is tried again."""
    if event.retry_in_s is None:
        severity, after = Severity.CRITICAL, "given up"
    else:
        severity, after = Severity.WARNING, f"next try in {event.retry_in_s:.3g} s"
    return DurableEvent(
        kind="feed_failed",
        severity=severity,
        text=f"feed {event.feed} failed: {event.reason}; {after}",
        at=event.at,
        fields={"feed": event.feed, "retry_in_s": event.retry_in_s},
        key=f"feed_failed:{event.feed}",
    )


def describe_store_fault(event: StoreFault) -> str:
    """Say what is wrong with the store, for every way that is left."""
    after = (
        "restart with a restored database; nothing new is kept until then"
        if event.trouble.is_lasting
        else "everything is held and tried again"
    )
    return f"state.db is not written: {event.trouble} ({event.detail}); {after}"


def announce_store_fault(event: StoreFault) -> DurableEvent:
    """Say, once it can be stored again, that the store did not write."""
    return DurableEvent(
        kind="store_fault",
        severity=Severity.CRITICAL,
        text=f"state.db was not written: {event.trouble} ({event.detail})",
        at=event.at,
        fields={"trouble": str(event.trouble)},
        key="store_fault",
    )


def announce_store_recovered(event: StoreRecovered) -> DurableEvent:
    """Say that the store writes again."""
    return DurableEvent(
        kind="store_recovered",
        severity=Severity.WARNING,
        text=f"state.db is written again after {event.stalled_s:.1f} s, nothing was lost",
        at=event.at,
        fields={"stalled_s": round(event.stalled_s, 3)},
        key="store_recovered",
    )


def announce_reload_refused(event: ReloadRefused) -> DurableEvent:
    """Say that a changed configuration is wrong."""
    return DurableEvent(
        kind="reload_refused",
        severity=Severity.WARNING,
        text=f"the new configuration is refused, the old one stays: {event.reason}",
        at=event.at,
        key="reload_refused",
    )


def announce_reloaded(event: ConfigurationReloaded) -> DurableEvent:
    """Say what a changed configuration brought."""
    applied = ", ".join(event.applied) or "nothing"
    later = f"; after a restart: {', '.join(event.waiting)}" if event.waiting else ""
    return DurableEvent(
        kind="configuration_reloaded",
        severity=Severity.NOTICE,
        text=f"configuration read again, new in force: {applied}{later}",
        at=event.at,
        fields={"applied": list(event.applied), "waiting": list(event.waiting)},
    )


def announce_command_failed(verb: str, command_id: str, error: str, at: float) -> DurableEvent:
    """Say that a command met an error of our own."""
    return DurableEvent(
        kind="command_failed",
        severity=Severity.CRITICAL,
        text=f"/{verb} failed inside: {error}",
        at=at,
        fields={"verb": verb, "command_id": command_id},
        key=f"command_failed:{verb}:{error}",
    )


def announce_strategy_alert(instance: str, text: str, at: float) -> DurableEvent:
    """Pass on what a strategy wants people to know."""
    return DurableEvent(
        kind="strategy_alert",
        severity=Severity.NOTICE,
        text=f"{instance}: {text}",
        at=at,
        fields={"instance": instance},
        key=f"strategy_alert:{instance}:{text}",
    )


def announce_bad_data(symbol: str) -> DurableEvent:
    """Say that a feed brought a price, candle or time that cannot be."""
    return DurableEvent(
        kind="bad_data",
        severity=Severity.WARNING,
        text=f"{symbol}: a price or time that cannot be was passed over; look at the feed",
        at=0.0,
        fields={"symbol": symbol},
        key=f"bad_data:{symbol}",
    )


def announce_trading_switched(what: str, author: str) -> DurableEvent:
    """Say that strategies may trade from now on, or no longer."""
    return DurableEvent(
        kind=f"trading_{what}",
        severity=Severity.NOTICE,
        is_vital=True,
        text=f"trading {what} by {author}",
        at=0.0,
        fields={"author": author},
    )


def announce_frozen(cause: str) -> DurableEvent:
    """Say that the last run stood still and was ended by the watchdog."""
    return DurableEvent(
        kind="engine_frozen",
        severity=Severity.CRITICAL,
        text=f"the last run froze and was ended: {cause}",
        at=0.0,
        fields={"cause": cause},
    )
