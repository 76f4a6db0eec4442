"""Sends for one chat: what matters most first, as fast as allowed, until it is in.

`step` does at most one call and says how long there is nothing to do; `run` turns it. Only the
task of this chat waits here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from telegram.bridge.chat_outbox.calls import Call, Offer, Source
from telegram.bridge.chat_outbox.catch_up import Blockade
from telegram.bridge.chat_outbox.gate import Gate
from telegram.bridge.chat_outbox.lanes import LANES, Lane, rank
from telegram.bridge.chat_outbox.pacing import ChatMeter
from telegram.bridge.chat_outbox.retries import WAIT_MORE_S, Action, decide
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Messenger, MessengerError, Trouble

log = logging.getLogger(__name__)

# A chat that is told to wait no longer than this was not cut off.
_SHORT_WAIT_S = 30.0
_FAULT_PAUSE_S = 1.0


class ChatSender:
    """Drive one chat; for the loop of the thread `poll`."""

    def __init__(
        self,
        chat: TelegramChat,
        sources: Sequence[Source],
        *,
        messenger: Messenger,
        gate: Gate,
        meter: ChatMeter,
        blockade: Blockade,
        clock: Clock,
        rng: Random,
    ) -> None:
        self.chat = chat
        self.blockade = blockade
        self._sources = tuple(sources)
        self._messenger = messenger
        self._gate = gate
        self._meter = meter
        self._clock = clock
        self._rng = rng
        self._tries = 0
        self._sleep_until = float("-inf")
        # With a start of the process too a closed chat is tried once more.
        self._closed_until = float("-inf")
        self._is_closing_told = False
        self._is_waiting_for_messenger = False
        self._work = asyncio.Event()
        self._faults = FaultLog(log, clock)
        self.on_wake: Callable[[], None] = _nothing
        self.on_disabled: Callable[[str], None] = _ignore
        self.sent_total = 0
        self.sent_at: float | None = None

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(self._work.set)
            except RuntimeError:
                log.debug(
                    "%s: the loop has ended; what waits is sent after a restart", self.chat.name
                )

        self.chat.on_work = wake
        while True:
            self._work.clear()
            wait_s = await self._guarded_step()
            if wait_s == 0.0:
                await asyncio.sleep(0)
                continue
            try:
                await asyncio.wait_for(self._work.wait(), wait_s)
            except TimeoutError:
                continue

    def turn(self) -> None:
        """Look again at once; for this loop's own thread."""
        self._work.set()

    def open(self) -> None:
        """Try again at once in a chat that was closed to the bot: somebody has written there."""
        self.chat.notes.rejoin_thread()
        if self.chat.notes.disabled_because:
            self._closed_until = float("-inf")
            self._work.set()

    def hear_back(self) -> None:
        """Try again at once: another chat has reached the messenger."""
        if self._is_waiting_for_messenger:
            self._sleep_until = float("-inf")
            self._work.set()

    async def step(self) -> float | None:
        """Make the next call, if one is due; return the seconds to wait, None for no end."""
        if self.chat.take_wake():
            self.on_wake()
        if self.chat.is_shut:
            return None
        now = self._clock.monotonic()
        if self.chat.notes.disabled_because and now < self._closed_until:
            return self._closed_until - now
        if self._gate.paused_because:
            self._block(self._gate.paused_because)
            return None
        if now < self._sleep_until:
            return self._sleep_until - now
        chosen, wait_s = self._choose(now)
        if chosen is None:
            return wait_s
        call = chosen.call(now)
        if call is not None:
            await self._send(chosen, call)
        return 0.0

    async def _guarded_step(self) -> float | None:
        try:
            return await self.step()
        except Exception as error:  # noqa: BLE001 - the task's boundary; it is logged
            self._faults.note(error, f"fault in what is sent to {self.chat.name}")
            return _FAULT_PAUSE_S

    def _choose(self, now: float) -> tuple[Source | None, float | None]:
        """Return the source that is next, or else how long to wait."""
        due: list[tuple[tuple[int, float], Source, Offer]] = []
        later: list[float] = []
        for source in self._sources:
            offer = source.offer(now)
            if offer is None:
                continue
            if offer.due_at > now:
                later.append(offer.due_at - now)
            else:
                place = (rank(offer.lane, now - offer.since), offer.since)
                due.append((place, source, offer))
        for _place, source, offer in sorted(due, key=lambda one: one[0]):
            pace_s = self._pace_s(offer.lane, now)
            if pace_s <= 0.0:
                return source, 0.0
            later.append(pace_s)
        return None, min(later, default=None)

    def _pace_s(self, lane: Lane, now: float) -> float:
        return max(
            self._meter.wait_s(now, is_bulk=LANES[lane].is_bulk), self._gate.meter.wait_s(now)
        )

    async def _send(self, source: Source, call: Call) -> None:
        now = self._clock.monotonic()
        self._meter.take(now, is_bulk=LANES[call.lane].is_bulk)
        self._gate.meter.take(now)
        try:
            message_id = await call.make(self._messenger, self.chat.place)
        except MessengerError as error:
            self._settle()
            self._fail(source, call, error)
        except Exception as error:  # noqa: BLE001 - nobody knows what became of the call
            self._settle()
            self._faults.note(error, f"fault in a call for {self.chat.name}")
            self._fail(source, call, MessengerError(Trouble.UNCLEAR, "fault in a call"))
        else:
            self._settle()
            self._succeed(source, message_id)
            if call.is_pinned and message_id is not None:
                await self._pin(message_id)

    def _settle(self) -> None:
        self._meter.settle(self._clock.monotonic())

    def _succeed(self, source: Source, message_id: int | None) -> None:
        was_away = self._is_waiting_for_messenger
        self._tries, self._is_waiting_for_messenger = 0, False
        source.sent(message_id, self._clock.monotonic())
        if self.blockade.is_unsure:
            self.blockade.end()
        self._is_closing_told = False
        self.chat.enable()
        self.sent_total += 1
        self.sent_at = self._clock.wall()
        if was_away:
            log.warning("%s can be written to again", self.chat.name)
            self._gate.on_back()

    def _fail(self, source: Source, call: Call, error: MessengerError) -> None:
        action = decide(error.trouble, call.lane, is_edit=call.edits is not None)
        if action is Action.DONE:
            self._succeed(source, None)
            return
        if action is Action.AS_NEW and call.edits is None:
            # There was no such message to be gone.
            action = Action.RETRY
        if action is Action.WITHOUT_THREAD and self.chat.place.thread_id is None:
            # The topic of a forum that every group has is closed.
            action = Action.DISABLE
        if action is Action.MIGRATE and error.new_chat_id is None:
            action = Action.DISABLE
        self._act(action, error)
        source.failed(error.trouble, action)

    def _act(self, action: Action, error: MessengerError) -> None:
        if action in (Action.RETRY, Action.REPEAT) or error.trouble is Trouble.UNCLEAR:
            self._back_off(error)
        elif action is Action.SLEEP:
            self._sleep_until = self._clock.monotonic() + error.wait_s + WAIT_MORE_S
            if error.wait_s >= _SHORT_WAIT_S:
                self._block(str(error))
        elif action is Action.WITHOUT_THREAD:
            log.warning("%s: its topic is gone; messages go to the group", self.chat.name)
            self.chat.notes.leave_thread()
        elif action is Action.MIGRATE and error.new_chat_id is not None:
            log.warning("%s has the number %d now", self.chat.name, error.new_chat_id)
            self.chat.notes.migrate(error.new_chat_id)
        elif action is Action.DISABLE:
            self._close(error)
        elif action is Action.PAUSE_ALL:
            self._block(str(error))
            self._gate.pause(str(error.trouble))
        else:
            log.warning("%s: %s: %s", self.chat.name, error.trouble, error)

    def _close(self, error: MessengerError) -> None:
        self._closed_until = self._clock.monotonic() + self._gate.patience.closed_retry_s
        self._block(str(error))
        self.chat.notes.disable(str(error) or str(error.trouble))
        if not self._is_closing_told:
            self._is_closing_told = True
            log.error("%s cannot be written to: %s", self.chat.name, error)
            self.on_disabled(str(error))

    def _back_off(self, error: MessengerError) -> None:
        self._tries += 1
        wait_s = self._gate.patience.pause_s(self._tries, self._rng.random())
        self._sleep_until = self._clock.monotonic() + wait_s
        if not self._is_waiting_for_messenger:
            log.warning("%s cannot be written to: %s", self.chat.name, error)
        self._is_waiting_for_messenger = True
        self._block(str(error))

    def _block(self, because: str) -> None:
        self.blockade.begin(
            because,
            self._clock.wall(),
            self.chat.dropped(Lane.LOG),
            self.chat.dropped(Lane.REPLY),
        )

    async def _pin(self, message_id: int) -> None:
        try:
            await self._messenger.pin(self.chat.place, message_id)
        except MessengerError as error:
            # A group may not let the bot pin; the message is there all the same.
            log.info("%s: a message is not pinned: %s", self.chat.name, error)


def _nothing() -> None:
    return None


def _ignore(_because: str) -> None:
    return None
