"""The engine core: `process(event) -> effects`, the same in backtest, paper and live.

Owns all trading state of one bot. Knows no socket, clock, sleep, thread or SQL: times come with
the events, and what is to be done leaves as effects. A raise leaves the core unusable.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, get_args

from tcpproto import ReplyState
from trading.engine.alert_series import AlertSeries
from trading.engine.announcements import (
    announce_feed_ended,
    announce_feed_failed,
    announce_reload_refused,
    announce_reloaded,
    announce_shortage,
    announce_standstill,
    announce_started,
    announce_stopped,
    announce_store_fault,
    announce_store_recovered,
    describe_store_fault,
)
from trading.engine.command_call import Answer
from trading.engine.commands import CommandDesk, Situation
from trading.engine.core_settings import CoreSettings
from trading.engine.effects import (
    DropPosition,
    Effect,
    EntriesGone,
    Finish,
    PublishStatus,
    RaiseEvent,
    SaveOrder,
    SavePosition,
    SaveState,
    SayNow,
    ShowEquity,
    ShowState,
    StartTimer,
    StopTimer,
)
from trading.engine.events import (
    CandlesClosed,
    CommandReceived,
    ConfigurationReloaded,
    EngineEvent,
    EngineStarted,
    FeedEnded,
    FeedFailed,
    FeedStarted,
    HealthSampled,
    HistoryLoaded,
    ReloadRefused,
    RunsShort,
    StoodStill,
    StopAhead,
    StopRequested,
    StoreFault,
    StoreRecovered,
    StoreTrouble,
    TimerFired,
    TimerName,
)
from trading.engine.repeats import RepeatFilter
from trading.engine.states import EngineLife, EngineState, EngineTrigger
from trading.engine.status import EngineSnapshot
from trading.engine.trade_commands import build_handlers
from trading.engine.trader import Trader
from trading.engine.trading_view import view_state, view_trading
from trading.model.event import DurableEvent
from trading.model.market import Bar, Tick
from trading.model.report import Report
from trading.model.venue_news import VenueNews
from trading.reports.alerts import status_report
from trading.reports.trading_status import render_trading

NOTHING: Final[tuple[Effect, ...]] = ()
REPORTS: Final = get_args(Report)
VENUE_NEWS: Final = get_args(VenueNews)
NEWS: Final = (SaveOrder, SavePosition, DropPosition)
CLEAN_STOP_KEY: Final = "run.clean_stop"


class EngineCore:
    """Turn events into effects, one at a time."""

    def __init__(self, settings: CoreSettings, saved: Mapping[str, str], trader: Trader) -> None:
        self._settings = settings
        self._life = EngineLife()
        self._trader = trader
        self._was_cut_off = saved.get(CLEAN_STOP_KEY) == "no"
        self._desk = CommandDesk(build_handlers(trader, settings.version))
        self._repeats = RepeatFilter(settings.repeat_window_s)
        self._alerts = AlertSeries(settings.alerts_total, saved)
        self._feeds: dict[str, str] = {}
        self._ticks = 0
        self._has_news = False
        self._bars = 0
        self._fault: StoreFault | None = None
        self._health = HealthSampled(0.0, 0.0, 0, 0, settings.alerts_room_min, 0, 0, "off", 0.0)
        self._handlers: dict[type, Callable[[Any], Sequence[Effect]]] = {
            EngineStarted: self._on_started,
            HistoryLoaded: self._on_history,
            CandlesClosed: self._on_candles,
            FeedStarted: self._on_feed_started,
            FeedEnded: self._on_feed_ended,
            FeedFailed: self._on_feed_failed,
            CommandReceived: self._on_command,
            TimerFired: self._on_timer,
            StoreFault: self._on_store_fault,
            StoreRecovered: self._on_store_recovered,
            ReloadRefused: lambda event: self._raise(announce_reload_refused(event)),
            ConfigurationReloaded: self._on_reloaded,
            HealthSampled: self._on_health,
            StoodStill: self._on_standstill,
            RunsShort: lambda event: self._raise(announce_shortage(event)),
            StopAhead: self._on_stop_ahead,
            StopRequested: self._on_stop,
            **dict.fromkeys(REPORTS, self._on_report),
            **dict.fromkeys(VENUE_NEWS, self._on_venue_news),
        }

    @property
    def state(self) -> EngineState:
        """Return where the engine is in its life."""
        return self._life.state

    @property
    def has_prices(self) -> bool:
        """Tell whether the market has been heard of since the start."""
        return self._ticks + self._bars > 0

    def process(self, event: EngineEvent) -> Sequence[Effect]:
        """Take one event in and return what is to be done, in order."""
        kind = type(event)
        # First what comes by the million, and without a further call.
        if kind is Tick:
            self._ticks += 1
            is_acting = self._trader.on_tick(event)  # type: ignore[arg-type]
        elif kind is Bar:
            self._bars += 1
            is_acting = self._trader.on_bar(event)  # type: ignore[arg-type]
        else:
            return self._handlers[kind](event)
        return self._traded() if is_acting else NOTHING

    def snapshot(self, at: float) -> EngineSnapshot:
        """Return everything the status shows."""
        health, settings, fault = self._health, self._settings, self._fault
        return EngineSnapshot(
            bot=settings.bot,
            title=settings.title,
            exchange=settings.exchange,
            mode=settings.mode,
            version=settings.version,
            state=self._life.state,
            trading=self._trader.conditions.flags.trading,
            trading_allowed=settings.trading_allowed,
            money=render_trading(view_trading(self._trader, is_running=self._is_running)),
            market_time=self._trader.markets.now or None,
            prices=self._trader.markets.changes(),
            feeds=sorted(self._feeds.items()),
            ticks_handled=self._ticks,
            ticks_conflated=health.ticks_conflated,
            bars_handled=self._bars,
            commands_handled=self._desk.handled,
            store="ok" if fault is None else fault.trouble,
            store_detail="" if fault is None else fault.detail,
            outbox_rows=health.outbox_rows,
            events_refused=health.events_refused,
            log_lines_dropped=health.log_lines_dropped,
            link=health.link,
            link_for_s=max(0.0, at - health.link_since),
            uptime_s=health.uptime_s + max(0.0, at - health.at),
            at=at,
        )

    def _on_report(self, report: Report) -> Sequence[Effect]:
        self._trader.on_report(report)
        return self._traded()

    def _on_venue_news(self, news: VenueNews) -> Sequence[Effect]:
        self._trader.on_venue_news(news)
        return self._traded()

    def _on_history(self, event: HistoryLoaded) -> Sequence[Effect]:
        self._trader.on_history(event.bars)
        return NOTHING

    def _on_candles(self, event: CandlesClosed) -> Sequence[Effect]:
        candles, rest = self._trader.candles, iter(event.bars)
        self._bars += len(event.bars)
        effects: list[Effect] = []
        while candles.run(rest):
            effects += self._traded()
        effects += [ShowEquity(*one) for one in candles.take_equities().items()]
        return effects

    def _on_started(self, event: EngineStarted) -> Sequence[Effect]:
        self._life.advance(EngineTrigger.STARTED)
        self._health = replace(self._health, at=event.at, link_since=event.at)
        started = announce_started(
            self._what, self._settings.version, after_break=self._was_cut_off, at=event.at
        )
        self._trader.start(event.at)
        for one in self._trader.flattening.waiting:
            self._desk.adopt(one.command_id, "flatten", one.author)
        effects: list[Effect] = [
            SaveState(CLEAN_STOP_KEY, "no"),
            *self._raise(started),
            *self._traded(),
            StartTimer(TimerName.STATUS, self._settings.status_interval_s),
            StartTimer(TimerName.REPORT, self._settings.report_interval_s),
            self._status(event.at),
        ]
        if not self._alerts.is_over:
            effects.append(StartTimer(TimerName.ALERT, self._settings.alerts_interval_s))
        return effects

    def _on_feed_started(self, event: FeedStarted) -> Sequence[Effect]:
        self._feeds[event.feed] = "running"
        return NOTHING

    def _on_feed_ended(self, event: FeedEnded) -> Sequence[Effect]:
        self._feeds[event.feed] = "ended"
        return self._raise(announce_feed_ended(event))

    def _on_feed_failed(self, event: FeedFailed) -> Sequence[Effect]:
        self._feeds[event.feed] = "failed" if event.retry_in_s is None else "retrying"
        return self._raise(announce_feed_failed(event))

    def _on_command(self, event: CommandReceived) -> Sequence[Effect]:
        self._trader.markets.wall = event.at
        effects = self._told(self._desk.handle(event.command, self._situation(event)))
        settled = self._settle_flat()
        traded = self._told(self._trader.take_effects())
        # Whoever asks next, such as the question before the next command, sees what this one did.
        status = [self._status(event.at)] if traded else []
        # What goes to a broker comes before the answer, and an outcome behind its "accepted".
        return [*traded, *effects, *settled, *status]

    def _on_timer(self, event: TimerFired) -> Sequence[Effect]:
        if event.name is TimerName.REPORT:
            return self._raise(status_report(self.snapshot(event.at).money, event.at))
        if event.name is not TimerName.ALERT:
            return NOTHING
        if self._alerts.is_over:
            return [StopTimer(TimerName.ALERT)]
        if self._trouble or self._health.outbox_room < self._settings.alerts_room_min:
            return NOTHING
        return self._alerts.next_alert(event.at)

    def _on_store_fault(self, event: StoreFault) -> Sequence[Effect]:
        self._fault = event
        self._note_trouble()
        said: list[Effect] = [SayNow(describe_store_fault(event)), self._status(event.at)]
        if event.trouble.is_lasting:
            return said
        return [*said, *self._raise(announce_store_fault(event))]

    def _on_store_recovered(self, event: StoreRecovered) -> Sequence[Effect]:
        self._fault = None
        self._note_trouble()
        told = self._raise(announce_store_recovered(event))
        return [*self._desk.keep_all(), *told, self._status(event.at)]

    def _on_reloaded(self, event: ConfigurationReloaded) -> Sequence[Effect]:
        timer = StartTimer(TimerName.STATUS, event.status_interval_s)
        return [timer, *self._raise(announce_reloaded(event))]

    def _on_health(self, event: HealthSampled) -> Sequence[Effect]:
        self._health = event
        self._note_trouble()
        self._trader.on_sample(event.at, event.uptime_s)
        due = [RaiseEvent(one) for one in self._repeats.due(event.at)]
        effects: list[Effect] = [*self._traded(), *due]
        if event.is_shown:
            effects += [self._status(event.at), self._state(event.at)]
        return effects

    def _on_standstill(self, event: StoodStill) -> Sequence[Effect]:
        self._trader.conditions.clock.stand_still(event.still_s, event.uptime_s)
        return self._raise(announce_standstill(event))

    def _on_stop_ahead(self, event: StopAhead) -> Sequence[Effect]:
        if self._life.state is not EngineState.RUNNING:
            return NOTHING
        self._life.advance(EngineTrigger.STOP_ASKED)
        self._trader.recall.begin()
        return [*self._traded(), self._status(event.at)]

    def _on_stop(self, event: StopRequested) -> Sequence[Effect]:
        if self._life.state is EngineState.STOPPED:
            return NOTHING
        if self._life.state is not EngineState.STOPPING:
            self._life.advance(EngineTrigger.STOP_ASKED)
        self._trader.recall.tell()
        told = [RaiseEvent(one) for one in self._repeats.flush()]
        report = status_report(self.snapshot(event.at).money, event.at)
        # A venue on paper has answered everything by now. What is in flight to a real one was
        # waited for as long as there was time; it stays as it is stored, and is looked up later.
        self._life.advance(EngineTrigger.DRAINED)
        return [
            *self._traded(),
            *told,
            RaiseEvent(report),
            SaveState(CLEAN_STOP_KEY, "yes"),
            RaiseEvent(announce_stopped(self._what, event)),
            self._status(event.at),
            self._state(event.at),
            Finish(),
        ]

    @property
    def _what(self) -> str:
        settings = self._settings
        return f"{settings.bot} ({settings.mode}, {settings.exchange})"

    @property
    def _trouble(self) -> StoreTrouble | None:
        return None if self._fault is None else self._fault.trouble

    @property
    def _is_running(self) -> bool:
        return self._life.state is EngineState.RUNNING

    def _note_trouble(self) -> None:
        """Tell trading why nothing new may be risked."""
        if self._fault is not None:
            trouble = f"the store does not write ({self._fault.trouble})"
        elif self._health.outbox_room <= 0:
            trouble = "the outbox is full"
        else:
            trouble = ""
        self._trader.conditions.store_trouble = trouble

    def _situation(self, event: CommandReceived) -> Situation:
        return Situation(
            lambda: self.snapshot(event.at), self._trouble, event.at, event.is_history_known
        )

    @property
    def has_news(self) -> bool:
        """Tell whether orders or positions changed since the last status."""
        return self._has_news

    def _traded(self) -> list[Effect]:
        """Take what trading wants done, with the outcomes of what is flat by now."""
        settled = self._settle_flat() if self._trader.conditions.flattening else []
        effects = self._trader.take_effects()
        if self._life.state is EngineState.STOPPING and self._trader.recall.has_just_ended():
            settled.append(EntriesGone())
        if not effects:
            return settled
        told = self._told(effects)
        self._has_news = self._has_news or any(isinstance(one, NEWS) for one in told)
        return [*told, *settled]

    def _settle_flat(self) -> list[Effect]:
        """Give every /flatten that is done its outcome."""
        settled: list[Effect] = []
        wall = self._trader.markets.wall
        situation = Situation(lambda: self.snapshot(wall), self._trouble, wall)
        for one in self._trader.flattening.take_done():
            answer = Answer(ReplyState.APPLIED, self._trader.flattening.describe(one))
            settled += self._desk.settle(one.command_id, answer, situation)
        return settled

    def _told(self, effects: Iterable[Effect]) -> list[Effect]:
        """Let repeated events coalesce."""
        told: list[Effect] = []
        for effect in effects:
            if isinstance(effect, RaiseEvent):
                told += self._raise(effect.event)
            else:
                told.append(effect)
        return told

    def _raise(self, event: DurableEvent) -> list[Effect]:
        return [RaiseEvent(one) for one in self._repeats.admit(event)]

    def _state(self, at: float) -> ShowState:
        settings = self._settings
        return ShowState(
            view_state(
                self._trader,
                bot=settings.bot,
                mode=settings.mode,
                is_running=self._is_running,
                at=at,
            )
        )

    def _status(self, at: float) -> PublishStatus:
        self._has_news = False
        return PublishStatus(self.snapshot(at).to_status())
