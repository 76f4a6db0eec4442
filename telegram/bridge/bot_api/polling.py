"""Asking Telegram for updates, for as long as the process runs, whatever Telegram answers.

Every update is on disk before it is confirmed. Runs in the loop of the thread `poll`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.bot_api.state import Arrival, BotCallbacks, BotState, Standing
from telegram.bridge.messenger import Me, MessengerError, Trouble

log = logging.getLogger(__name__)

T = TypeVar("T")

# A poll that only asks whether Telegram is there, or only confirms.
_AT_ONCE_S = 0.0
_WAIT_MARGIN_S = 0.5


class UpdateSource(Protocol):
    """Make the calls that polling needs; each raises MessengerError and nothing else."""

    async def who_am_i(self) -> Me:
        """Return who the bot is."""
        ...

    async def prepare(self) -> None:
        """Make polling possible."""
        ...

    async def poll(self, offset: int, wait_s: float) -> Sequence[Arrival]:
        """Return the updates from `offset` on, which confirms all before it; 0 confirms none."""
        ...


class Polling:
    """Ask for updates and hand them over, one by one and in order."""

    def __init__(
        self, source: UpdateSource, callbacks: BotCallbacks, settings: BotSettings, clock: Clock
    ) -> None:
        self._source = source
        self._callbacks = callbacks
        self._settings = settings
        self._clock = clock
        self._faults = FaultLog(log, clock)
        self._offset = 0
        self._is_introduced = False
        self._pause_s = settings.retry_min_s
        self._refusals = 0
        self._offers = 0
        self._conflict_at: float | None = None
        self.state = BotState(Standing.STARTING, clock.wall())
        self.last_poll_at: float | None = None

    @property
    def _is_served(self) -> bool:
        return self.state.standing in (Standing.POLLING, Standing.CONFLICT)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self._turn()
            except MessengerError as error:
                pause_s = await self._on_trouble(error)
            except Exception as error:  # noqa: BLE001 - polling outlives every fault
                self._faults.note(error, "polling failed")
                pause_s = min(self._next_pause(), self._settings.offer_retry_max_s)
            else:
                continue
            await asyncio.sleep(pause_s)

    async def confirm(self) -> None:
        """Tell Telegram what has been taken, so that it does not come again at the next start."""
        if self._offset and self._is_served:
            await self._source.poll(self._offset, _AT_ONCE_S)

    async def _turn(self) -> None:
        if not self._is_introduced:
            await self._introduce()
        wait_s = self._settings.poll_s if self._is_served else _AT_ONCE_S
        arrivals = await self._source.poll(self._offset, wait_s)
        await self._note_polled()
        for arrival in arrivals:
            await self._take(arrival)
            self._offset = arrival.update_id + 1
        self._pause_s = self._settings.retry_min_s
        if any(arrival.inbound for arrival in arrivals):
            # To ask takes this loop two milliseconds, in which it would send no answer.
            await asyncio.sleep(self._settings.answer_first_s)
        if not arrivals:
            # All is confirmed. After a silent week the numbers start anew, perhaps below.
            self._offset = 0

    async def _introduce(self) -> None:
        me = await self._source.who_am_i()
        await self._source.prepare()
        self._is_introduced = True
        log.info("Telegram knows the bot as @%s", me.user_name)
        await self._tell(self._callbacks.on_ready, me)

    async def _take(self, arrival: Arrival) -> None:
        if arrival.inbound is None:
            return
        self._offers += 1
        try:
            await self._beside(self._callbacks.on_inbound, arrival.inbound)
        except Exception as error:
            if self._offers < self._settings.offers_max:
                raise
            self._faults.note(error, "polling failed")
            log.error("update %d is given up: it cannot be kept", arrival.update_id)  # noqa: TRY400 - told above
            await self._tell(self._callbacks.on_lost, arrival.inbound)
        self._offers = 0

    async def _note_polled(self) -> None:
        now = self._clock.monotonic()
        self.last_poll_at = now
        self._refusals = 0
        if self._conflict_at is not None:
            if now - self._conflict_at <= self._settings.conflict_clear_s:
                await self._enter(Standing.CONFLICT, self.state.detail)
                return
            self._conflict_at = None
            log.warning("the other program that used the token is gone")
            await self._tell(self._callbacks.on_conflict, False)
        await self._enter(Standing.POLLING)

    async def _on_trouble(self, error: MessengerError) -> float:
        """Note the trouble; return how long to wait before the next try."""
        if error.trouble is Trouble.TOKEN_REFUSED:
            return await self._on_refusal()
        if error.trouble is Trouble.CONFLICT:
            return await self._on_conflict(error)
        await self._enter(Standing.AWAY, str(error))
        if error.trouble is Trouble.WAIT:
            return error.wait_s + _WAIT_MARGIN_S
        return self._next_pause()

    async def _on_refusal(self) -> float:
        every_s = self._settings.token_check_s
        await self._enter(Standing.TOKEN_REFUSED, f"asked again every {every_s:g} s")
        self._is_introduced = False
        self._refusals += 1
        # A single refusal may be a hiccup: people who send /stop should not wait for a minute.
        return min(self._settings.retry_min_s, every_s) if self._refusals == 1 else every_s

    async def _on_conflict(self, error: MessengerError) -> float:
        is_new = self._conflict_at is None
        self._conflict_at = self._clock.monotonic()
        await self._enter(Standing.CONFLICT, str(error))
        if is_new:
            await self._tell(self._callbacks.on_conflict, True)
        return self._settings.conflict_retry_s

    def _next_pause(self) -> float:
        pause_s = self._pause_s
        self._pause_s = min(pause_s * 2, self._settings.retry_max_s)
        return pause_s

    async def _enter(self, standing: Standing, detail: str = "") -> None:
        if self.state.standing is standing:
            return
        self.state = BotState(standing, self._clock.wall(), detail)
        is_good = standing is Standing.POLLING
        level = logging.INFO if is_good else logging.WARNING
        log.log(level, "Telegram: %s%s", standing, f" ({detail})" if detail else "")
        await self._tell(self._callbacks.on_state, self.state)

    async def _tell(self, callback: Callable[[T], None], what: T) -> None:
        try:
            await self._beside(callback, what)
        except Exception as error:  # noqa: BLE001 - whoever is told must not stop polling
            self._faults.note(error, "telling of the state failed")

    @staticmethod
    async def _beside(callback: Callable[[T], None], what: T) -> None:
        await asyncio.get_running_loop().run_in_executor(None, callback, what)
