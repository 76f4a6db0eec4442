"""The status of one bot: figures as fields, and a text that fits a phone (34 columns)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tcpproto import Status
from trading.engine.prices import PriceChange
from trading.reports.numbers import duration_text, price_text
from trading.reports.tables import COLUMNS, View, cut

SYMBOLS_SHOWN_MAX: Final = 24
# The feed whose market time is that of the clock on the wall.
EXCHANGE_FEED: Final = "exchange"
SILENT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    """Hold everything that a status shows, at one moment."""

    bot: str
    title: str
    exchange: str
    mode: str
    version: str
    state: str
    trading: str
    trading_allowed: bool
    money: View
    market_time: float | None
    prices: Sequence[PriceChange]
    feeds: Sequence[tuple[str, str]]
    ticks_handled: int
    ticks_conflated: int
    bars_handled: int
    commands_handled: int
    store: str
    store_detail: str
    outbox_rows: int
    events_refused: int
    log_lines_dropped: int
    link: str
    link_for_s: float
    uptime_s: float
    at: float

    def to_status(self) -> Status:
        """Return the frame payload."""
        return Status("engine", render_text(self), render_fields(self))


def render_text(snapshot: EngineSnapshot) -> str:
    """Return the status for people, no line wider than a phone shows."""
    head = [
        f"{snapshot.mode} {snapshot.bot} ({snapshot.exchange})",
        *([snapshot.title] if snapshot.title != snapshot.bot else []),
        f"engine   {snapshot.state}",
        *([] if snapshot.trading_allowed else ["trading  not allowed here"]),
        f"market   {utc_text(snapshot.market_time)}",
        *_silence(snapshot),
    ]
    money = snapshot.money.text.splitlines()
    shown = snapshot.prices[:SYMBOLS_SHOWN_MAX]
    prices = [_price_line(one) for one in shown]
    if len(snapshot.prices) > len(shown):
        prices.append(f"… {len(snapshot.prices) - len(shown)} more symbols")
    tail = [
        *(f"feed     {name} {state}" for name, state in snapshot.feeds),
        f"ticks    {_ticks(snapshot)}",
        f"commands {snapshot.commands_handled:,}",
        f"outbox   {_outbox(snapshot)}",
        f"store    {snapshot.store}",
        f"link     {snapshot.link} {duration_text(snapshot.link_for_s)}",
        *_dropped(snapshot),
        f"up       {duration_text(snapshot.uptime_s)}, v{snapshot.version}",
    ]
    return "\n".join(cut(line) for line in [*head, *money, *prices, *tail])


def render_fields(snapshot: EngineSnapshot) -> dict[str, Any]:
    """Return the status for programs."""
    return {
        **snapshot.money.fields,
        "bot": snapshot.bot,
        "title": snapshot.title,
        "exchange": snapshot.exchange,
        "mode": snapshot.mode,
        "version": snapshot.version,
        "state": snapshot.state,
        "trading": snapshot.trading,
        "trading_allowed": snapshot.trading_allowed,
        "market_time": snapshot.market_time,
        "prices": [
            {
                "symbol": one.symbol,
                "price": one.price,
                "at": one.at,
                "change_pct": round(one.change_pct, 4),
                "span_s": one.span_s,
            }
            for one in snapshot.prices
        ],
        "feeds": dict(snapshot.feeds),
        "ticks_handled": snapshot.ticks_handled,
        "ticks_conflated": snapshot.ticks_conflated,
        "bars_handled": snapshot.bars_handled,
        "commands_handled": snapshot.commands_handled,
        "store": snapshot.store,
        "store_detail": snapshot.store_detail,
        "outbox_rows": snapshot.outbox_rows,
        "events_refused": snapshot.events_refused,
        "log_lines_dropped": snapshot.log_lines_dropped,
        "link": snapshot.link,
        "uptime_s": round(snapshot.uptime_s, 1),
        "at": snapshot.at,
    }


def utc_text(at: float | None) -> str:
    """Return a moment in UTC to the second, or a dash when there is none."""
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _price_line(one: PriceChange) -> str:
    span = "24h" if one.is_full_day else "run"
    line = f"{one.symbol:<9}{price_text(one.price):>11} {one.change_pct:>+7.2f}%"
    return f"{line} {span}" if len(line) + 4 <= COLUMNS else line


def _silence(snapshot: EngineSnapshot) -> list[str]:
    """Say for how long nothing was heard of a real market; other feeds have a time of their own."""
    is_real = any(name == EXCHANGE_FEED for name, _state in snapshot.feeds)
    if not is_real or snapshot.market_time is None:
        return []
    silent_s = snapshot.at - snapshot.market_time
    return [f"⚠ no price for {duration_text(silent_s)}"] if silent_s >= SILENT_S else []


def _ticks(snapshot: EngineSnapshot) -> str:
    skipped = f", {snapshot.ticks_conflated:,} merged" if snapshot.ticks_conflated else ""
    return f"{snapshot.ticks_handled:,}{skipped}"


def _outbox(snapshot: EngineSnapshot) -> str:
    refused = f", {snapshot.events_refused:,} refused" if snapshot.events_refused else ""
    return f"{snapshot.outbox_rows:,} waiting{refused}"


def _dropped(snapshot: EngineSnapshot) -> list[str]:
    if not snapshot.log_lines_dropped:
        return []
    return [f"logs     {snapshot.log_lines_dropped:,} lines dropped"]
