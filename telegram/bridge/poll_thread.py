"""The thread `poll`: the one place of asyncio, with polling, the outbox's sender and timers."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from daemonkit.logs import log_asyncio_exception
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.polling import Polling
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.bot_api.state import BotCallbacks, BotState, Standing
from telegram.bridge.bot_api.threads import BesideLoop
from telegram.bridge.messenger import MessengerError, Trouble

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[], Coroutine[Any, Any, None]]

_BEAT_S = 1.0
_RESTART_MIN_S = 1.0
_RESTART_MAX_S = 60.0
_STOP_S = 3.0
# What the jobs get of it, and then each of the two last steps.
_JOBS_SHARE = 0.6
_STEP_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    job: Job


class TelegramThread:
    """Talk with Telegram; everything but `call` is for the thread that starts and stops it."""

    def __init__(self, settings: BotSettings, callbacks: BotCallbacks, clock: Clock) -> None:
        self.messenger = PtbMessenger(settings, clock)
        self._clock = clock
        self._polling = Polling(self.messenger, callbacks, settings, clock)
        self._faults = FaultLog(log, clock)
        self._jobs = [_Named("polling", self._polling.run), _Named("beat", self._beat)]
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ear: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._is_up = Event()
        self._stop_s = _STOP_S
        self._calls: set[Future[Any]] = set()
        self._thread = Thread(target=self._run, name="poll", daemon=True)
        self.turned_at = clock.monotonic()

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    @property
    def state(self) -> BotState:
        """Return how polling goes."""
        state = self._polling.state
        if self._is_up.is_set() and not self._thread.is_alive():
            return BotState(Standing.STOPPED, state.since)
        return state

    @property
    def last_poll_at(self) -> float | None:
        """Return when Telegram last answered a poll, by the monotonic clock; None before."""
        return self._polling.last_poll_at

    def run(self, job: Job, name: str = "job") -> None:
        """Have a coroutine function run in the loop from the start on.

        It is started again when it raises, and cancelled at the stop.
        """
        assert not self._is_up.is_set(), "jobs are given before the start"
        self._jobs.append(_Named(name, job))

    def start(self) -> None:
        """Start the thread; it does not matter whether Telegram is there."""
        self._thread.start()
        self._is_up.wait()

    def stop_hearing(self) -> None:
        """Take nothing more in, and return at once; what comes is left for the next start."""
        with self._lock:
            if self._loop is not None and self._ear is not None:
                self._loop.call_soon_threadsafe(self._ear.cancel)

    def stop(self, timeout_s: float) -> bool:
        """End polling, then the jobs, then the connections; False when that took too long."""
        if not self._thread.is_alive():
            return True
        with self._lock:
            self._stop_s = min(_STOP_S, timeout_s * 0.9)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the loop, from any other thread; it is cancelled at the stop."""
        with self._lock:
            if self._loop is not None:
                future = asyncio.run_coroutine_threadsafe(work, self._loop)
                self._calls.add(future)
                future.add_done_callback(self._calls.discard)
                return future
        work.close()
        refused: Future[T] = Future()
        refused.set_exception(MessengerError(Trouble.DOWN, "the thread poll does not run"))
        return refused

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        finally:
            with self._lock:
                self._loop = None
                left = list(self._calls)
            for future in left:
                future.cancel()
            self._is_up.set()

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(BesideLoop())
        loop.set_exception_handler(log_asyncio_exception)
        with self._lock:
            self._loop = loop
        tasks = [asyncio.create_task(self._keep_up(each), name=each.name) for each in self._jobs]
        self._ear = tasks[0]
        self._is_up.set()
        await self._stopping.wait()
        await self._end(tasks)

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        for call in list(self._calls):
            call.cancel()
        _done, late = await asyncio.wait(tasks, timeout=self._stop_s * _JOBS_SHARE)
        for task in late:
            log.warning("%s did not end in time", task.get_name())
        step_s = self._stop_s * _STEP_SHARE
        # What is not confirmed comes again, and whoever keeps the journal knows it by its number.
        with suppress(MessengerError, TimeoutError):
            await asyncio.wait_for(self._polling.confirm(), step_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.messenger.close(), step_s)

    async def _keep_up(self, named: _Named) -> None:
        """Run a job to its end, and again after a pause whenever it raises."""
        pause_s = _RESTART_MIN_S
        while True:
            began = self._clock.monotonic()
            try:
                return await named.job()
            except Exception as error:  # noqa: BLE001 - one job must not take the others along
                self._faults.note(error, "%s failed and is started again", named.name)
            if self._clock.monotonic() - began > _RESTART_MAX_S:
                pause_s = _RESTART_MIN_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _RESTART_MAX_S)

    async def _beat(self) -> None:
        """Note that the loop turns: it stands still when something in it blocks."""
        while True:
            self.turned_at = self._clock.monotonic()
            await asyncio.sleep(_BEAT_S)
