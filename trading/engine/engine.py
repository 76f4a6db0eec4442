"""The engine thread: takes events from the inbox, has the core process them, hands effects on.

It never waits for the disk or the network: committed effects go to the store's queue, immediate
ones to outlets that only queue. Its heartbeat is what the watchdog trusts.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from tcpproto import Command, Reply, Status
from trading.engine.core import EngineCore
from trading.engine.effects import (
    AnswerNow,
    AskAccount,
    CommittedEffect,
    Effect,
    EntriesGone,
    Finish,
    PublishStatus,
    ReportBug,
    SayNow,
    ShowState,
    StartTimer,
    StopTimer,
    SubmitOrder,
    WriteLog,
)
from trading.engine.events import (
    CommandReceived,
    EngineStarted,
    HealthSampled,
    StoodStill,
    TimerFired,
    TimerName,
    UncheckedCommand,
)
from trading.engine.inbox import Inbox
from trading.engine.timers import Timers

log = logging.getLogger(__name__)

# The heartbeat must move even when nothing happens.
ROUND_S_MAX: Final = 0.5
# While commands are held back because the store is behind, it is looked at this often.
HELD_BACK_S: Final = 0.01
# Without a sign of life for so long the process was stopped, or starved: nothing else takes so
# long, as a round waits for half a second and a strategy has a quarter.
STILL_S: Final = 3.0
# A bot whose market says nothing for so long is shown all the same.
AWAKE_S: Final = 1.0
# A command is answered with a picture of link and store that is at most this old; and what
# trading has changed is shown at most this often.
FRESH_S: Final = 0.1
# A picture of it takes milliseconds, which an order on its way to the disk and to its exchange
# would have to share. So it rests for a moment after each decision, but not for ever.
REST_S: Final = 0.02
RESTED_S_MAX: Final = 0.5


class StoreInlet(Protocol):
    """Take units of effects to commit, without ever making the caller wait."""

    def submit(self, unit: Sequence[CommittedEffect]) -> None:
        """Commit these effects together, after all that were submitted before."""
        ...

    def show(self, view: Mapping[str, Any]) -> None:
        """Have state.json say this soon; only the latest view counts."""
        ...

    @property
    def is_behind(self) -> bool:
        """Tell whether so many units wait that no more commands should be taken up."""
        ...


class ChatOutlet(Protocol):
    """Pass on what promises nothing, without ever making the caller wait."""

    def answer_now(self, reply: Reply) -> None:
        """Send a reply that is not kept."""
        ...

    def show(self, status: Status) -> None:
        """Send a status; only the latest counts."""
        ...

    def say(self, text: str) -> None:
        """Send a text for the chat."""
        ...


class EngineThread:
    """Own the core on one thread.

    `on_awake` is called once the market has been heard of, or a second later without; `on_end`
    when it is over, with the error if any. `ask_account` has the worker of a live account look
    at it, and only queues that.
    """

    def __init__(  # noqa: PLR0913 - the thread meets all the others here
        self,
        core: EngineCore,
        inbox: Inbox,
        *,
        clock: Clock,
        store: StoreInlet,
        outlet: ChatOutlet,
        sample_health: Callable[[], HealthSampled],
        on_end: Callable[[Exception | None], None],
        on_awake: Callable[[], None] = lambda: None,
        ask_account: Callable[[str, int], None] = lambda _account, _number: None,
    ) -> None:
        self._core = core
        self._inbox = inbox
        self._clock = clock
        self._store = store
        self._sample_health = sample_health
        self._on_end = on_end
        self._on_awake = on_awake
        self._is_awake = False
        self._started_at = clock.monotonic()
        self._timers = Timers()
        self._is_finished = False
        self._entries_gone = threading.Event()
        self._faults = FaultLog(log, clock)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._outlets: dict[type, Callable[[Any], None]] = {
            AnswerNow: lambda effect: outlet.answer_now(effect.reply),
            PublishStatus: lambda effect: outlet.show(effect.status),
            SayNow: lambda effect: outlet.say(effect.text),
            StartTimer: self._start_timer,
            StopTimer: lambda effect: self._timers.stop(effect.name),
            ReportBug: self._report_bug,
            WriteLog: _write_log,
            AskAccount: lambda effect: ask_account(effect.account, effect.number),
            ShowState: lambda effect: store.show(effect.view),
            EntriesGone: lambda _effect: self._entries_gone.set(),
            Finish: self._finish,
        }
        self._sampled_at = self._shown_at = float("-inf")
        # When something was last handed on to be committed, and first since the last picture.
        self._decided_at, self._first_decided_at = float("-inf"), float("inf")
        self.beat = clock.monotonic()

    def start(self) -> None:
        """Run the engine from now on."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it has not come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wait_entries_gone(self, timeout_s: float) -> bool:
        """Wait until, after a StopAhead, no entry is open any more, or the engine has ended."""
        return self._entries_gone.wait(timeout_s) or not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Tell whether the loop runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failure: Exception | None = None
        self.beat = self._clock.monotonic()
        try:
            self._apply(self._core.process(EngineStarted(self._clock.wall())))
            while not self._is_finished:
                self._do_round()
        except Exception as error:
            log.critical("the engine failed and ends", exc_info=True)
            failure = error
        self._inbox.close()
        self._on_end(failure)

    def _do_round(self) -> None:
        now = self._beat()
        if not self._is_awake and (self._core.has_prices or now - self._started_at > AWAKE_S):
            # Whoever asks from now on hears of a market, or that there is none.
            self._is_awake = True
            self._on_awake()
        wait_s = self._timers.due_in_s(now, HELD_BACK_S if self._store.is_behind else ROUND_S_MAX)
        wait_s = min(wait_s, self._picture_due_in_s(now))
        for item in self._inbox.take_round(wait_s, wants_commands=self._wants_commands):
            # A round of many slow items is slow, not frozen.
            self._beat()
            if isinstance(item, Command):
                effects = self._obey(item)
            elif isinstance(item, UncheckedCommand):
                effects = self._obey(item.command, is_history_known=False)
            else:
                effects = self._core.process(item)
            if effects:
                self._apply(effects)
            if self._is_finished:
                return
        for name in self._timers.take_due(self._clock.monotonic()):
            self._fire(name)
        if self._picture_due_in_s(self._clock.monotonic()) <= 0:
            self._sample()

    def _picture_due_in_s(self, now: float) -> float:
        """Return how long until what is new is to be shown."""
        if not self._core.has_news:
            return ROUND_S_MAX
        rested_at = min(self._decided_at + REST_S, self._first_decided_at + RESTED_S_MAX)
        return max(0.0, self._shown_at + FRESH_S - now, rested_at - now)

    def _beat(self) -> float:
        """Show a sign of life, and tell the core when there was none for long; return the time."""
        now, before = self._clock.monotonic(), self.beat
        self.beat = now
        if now - before > STILL_S:
            uptime_s = self._sample_health().uptime_s
            self._apply(self._core.process(StoodStill(now - before, self._clock.wall(), uptime_s)))
        return now

    def _wants_commands(self) -> bool:
        return not self._store.is_behind

    def _obey(self, command: Command, *, is_history_known: bool = True) -> Sequence[Effect]:
        """Carry out a command, with a look at link and store so that old news answer none.

        Its effects are of one unit with those of the look, whose commit it would wait for. The
        status keeps to its timer: to write it would take as long as to answer.
        """
        looked: Sequence[Effect] = ()
        now = self._clock.monotonic()
        if now - self._sampled_at >= FRESH_S:
            self._sampled_at = now
            looked = self._core.process(replace(self._sample_health(), is_shown=False))
        received = CommandReceived(command, self._clock.wall(), is_history_known=is_history_known)
        return [*looked, *self._core.process(received)]

    def _sample(self) -> None:
        self._sampled_at = self._shown_at = self._clock.monotonic()
        self._first_decided_at = float("inf")
        self._apply(self._core.process(self._sample_health()))

    def _fire(self, name: TimerName) -> None:
        if name is TimerName.STATUS:
            self._sample()
        else:
            self._apply(self._core.process(TimerFired(name, self._clock.wall())))

    def _apply(self, effects: Sequence[Effect]) -> None:
        unit = [effect for effect in effects if isinstance(effect, CommittedEffect)]
        if unit:
            self._store.submit(unit)
            self._decided_at = self._clock.monotonic()
            self._first_decided_at = min(self._first_decided_at, self._decided_at)
            if any(type(effect) is SubmitOrder for effect in unit):
                self._inbox.note_order()
        for effect in effects:
            act = self._outlets.get(type(effect))
            if act is not None:
                act(effect)

    def _start_timer(self, effect: StartTimer) -> None:
        self._timers.start(effect.name, effect.interval_s, self._clock.monotonic())

    def _finish(self, _effect: Finish) -> None:
        self._is_finished = True

    def _report_bug(self, effect: ReportBug) -> None:
        self._faults.note(effect.error, "contained an error of our own %s", effect.text)


def _write_log(effect: WriteLog) -> None:
    logging.getLogger(f"strategy.{effect.who}").log(
        logging.getLevelNamesMapping()[effect.level.upper()], "%s", effect.text
    )
