"""The thread `forward`: the one writer of the bridge's state.

Takes what the link and the chats bring, stores and acknowledges events, moves commands on,
writes forwarded log lines. Nothing it calls waits for a peer or a person.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from threading import Thread

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from tcpproto import Event, PeerInfo, Status
from telegram.bridge.chat import ChatInput
from telegram.bridge.chats import Chats
from telegram.bridge.commands.outbound import Outbound
from telegram.bridge.commands.owed_receipts import OwedReceipts
from telegram.bridge.commands.questions import Questions
from telegram.bridge.commands.reading import Commands
from telegram.bridge.commands.wire import Link
from telegram.bridge.event_keeper import EventKeeper
from telegram.bridge.health import Counters
from telegram.bridge.housekeeping import Housekeeping
from telegram.bridge.intake import (
    Answered,
    Batch,
    Connected,
    Disconnected,
    Intake,
    Item,
    LogQueue,
    Said,
)
from telegram.bridge.joint_note import Unnoted
from telegram.bridge.logs.files import LogFiles
from telegram.bridge.logs.follow import Follow
from telegram.bridge.obituary.watch import Notice, Obituaries
from telegram.bridge.render import continued
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.settings import FollowTable
from telegram.bridge.views.views import Views

log = logging.getLogger(__name__)

_TICK_MAX_S = 0.5
_TICK_MIN_S = 0.005
_STATUS_WAIT_S = 2.0
# What the bridge itself has to say of a bot is kept as an event of that bot, under this epoch.
OWN_EPOCH = "bridge"


@dataclass(frozen=True, slots=True)
class Parts:
    """Hold what the loop drives."""

    intake: Intake
    link: Link
    keeper: EventKeeper
    sessions: Sessions
    outbound: Outbound
    owed_receipts: OwedReceipts
    questions: Questions
    commands: Commands
    chats: Chats
    follow: Follow
    follow_table: FollowTable
    log_files: LogFiles
    housekeeping: Housekeeping
    counters: Counters
    obituaries: Obituaries
    views: Views


class Forward:
    """Run the bridge's loop; `step` is one turn of it."""

    def __init__(self, clock: Clock, parts: Parts, on_bot: Callable[[], None]) -> None:
        self._clock = clock
        self._parts = parts
        self._on_bot = on_bot
        self._is_hailed = False
        self._own_seq: dict[str, int] = {}
        self._faults = FaultLog(log, clock)
        self._stopping = Flag()
        self._thread = Thread(target=self._run, name="forward", daemon=True)
        self.turned_at = clock.monotonic()
        self._ticks = (
            parts.questions.tick,
            parts.outbound.tick,
            self._acknowledge_again,
            self._send_followed,
            parts.views.tick,
            self._announce,
            parts.housekeeping.tick,
            self._count,
            self._hail,
        )

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Take up what was left open, and run."""
        self.take_up()
        self._thread.start()

    def take_up(self) -> None:
        """Go on where the last process of this database ended."""
        for setting in self._parts.follow_table.read():
            self._parts.follow.start(setting)
        self._parts.outbound.restore()
        self._parts.owed_receipts.restore()
        self._parts.chats.wake()

    def stop(self, timeout_s: float) -> bool:
        """Do what has come so far, then end; False when that took too long."""
        self._stopping.set()
        self._parts.intake.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def step(self, batch: Batch) -> None:
        """Act on what has come, then on the time that has passed."""
        for bot, status in batch.statuses.items():
            self._guard(partial(self._note_status, bot, status))
        for item in batch.items:
            self._guard(partial(self._act, item))
        self._guard(partial(self._parts.keeper.store, batch.events, self._acknowledge))
        for bot, queue in batch.logs.items():
            self._guard(partial(self._forward_lines, bot, queue))
        for tick in self._ticks:
            self._guard(tick)
        self.turned_at = self._clock.monotonic()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.step(
                self._parts.intake.take(self._wait_s(), with_events=self._parts.keeper.is_ready)
            )
        self.step(self._parts.intake.take(0.0))
        self._parts.housekeeping.remember_bots()
        self._parts.views.close()

    def _guard(self, act: Callable[[], object]) -> None:
        """Run one piece of work; a fault in it is logged and counted, and the loop goes on."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - the thread's boundary; it is logged
            self._parts.counters.faults += 1
            self._faults.note(error, "fault in the bridge's loop")

    def _act(self, item: Item) -> None:
        if isinstance(item, ChatInput):
            self._parts.commands.hear(item)
        elif isinstance(item, Unnoted):
            self._parts.commands.hear_unnoted(item)
        elif isinstance(item, Answered):
            self._parts.outbound.answer(item.bot, item.reply)
        elif isinstance(item, Connected):
            self._connect(item.peer)
        elif isinstance(item, Disconnected):
            if self._parts.sessions.disconnect(item.peer, item.reason, clean=item.clean):
                self._parts.outbound.disconnect(item.peer.name)
                self._parts.housekeeping.note_change(item.peer.name)
                self._parts.obituaries.note_gone(item.peer.name, item.reason, clean=item.clean)
        elif isinstance(item, Said):
            self._pass_on(item)
        else:
            item()

    def _pass_on(self, said: Said) -> None:
        # Our bots say by themselves only what cannot wait for the disk; the old ones say all.
        session = self._parts.sessions.get(said.bot)
        is_urgent = session is not None and not session.legacy
        self._parts.chats.pass_on(f"{said.bot}: {continued(said.text)}", is_urgent=is_urgent)

    def _connect(self, peer: PeerInfo) -> None:
        self._parts.sessions.connect(peer)
        self._parts.outbound.connect(peer.name)
        if not peer.legacy:
            self._parts.obituaries.note_came(peer.name)

    def _forward_lines(self, bot: str, queue: LogQueue) -> None:
        session = self._parts.sessions.get(bot)
        if session is not None:
            session.lines_dropped += queue.dropped
        self._parts.log_files.write(bot, queue)
        lines = tuple(queue.lines)
        self._parts.follow.offer(bot, lines)
        self._parts.views.log_feed.offer(bot, lines)

    def _note_status(self, bot: str, status: Status) -> None:
        if self._parts.sessions.update(bot, status):
            self._parts.housekeeping.note_change(bot)

    def _acknowledge_again(self) -> None:
        self._parts.keeper.acknowledge_again(self._acknowledge, self._parts.sessions.is_connected)

    def _acknowledge(self, name: str, epoch: str, seq: int) -> bool:
        """Tell a bot how far its events are stored; what we added ourselves concerns nobody."""
        return epoch == OWN_EPOCH or self._parts.link.ack(name, epoch, seq)

    def _announce(self) -> None:
        """Store what is to be said of lost bots as events, so that it reaches every chat."""
        notices = self._parts.obituaries.tick()
        if notices:
            events = [(one.bot, self._own_event(one)) for one in notices]
            self._parts.keeper.store(events, self._acknowledge)
        self._parts.obituaries.remember()

    def _own_event(self, notice: Notice) -> Event:
        seq = max(
            self._own_seq.get(notice.bot, 0), self._parts.keeper.last_seq(notice.bot, OWN_EPOCH)
        )
        self._own_seq[notice.bot] = seq + 1
        return Event(
            OWN_EPOCH,
            seq + 1,
            notice.kind,
            notice.severity,
            notice.text,
            self._clock.wall(),
            notice.fields,
        )

    def _send_followed(self) -> None:
        for chat in self._parts.follow.tick():
            self._parts.views.streams.end(chat)
            self._parts.chats.send(chat, "following has ended")
            self._parts.follow_table.delete(chat)

    def _count(self) -> None:
        self._parts.counters.texts_dropped = self._parts.intake.texts_dropped
        self._parts.counters.replies_dropped = self._parts.intake.replies_dropped

    def _hail(self) -> None:
        """Say once that a bot is there: one that has told its status, so that it can be named."""
        if self._is_hailed:
            return
        for session in self._parts.sessions.all():
            if session.peer is None or session.legacy:
                continue
            is_late = self._clock.wall() - session.peer.connected_at >= _STATUS_WAIT_S
            if session.status_at is not None or is_late:
                self._on_bot()
                self._is_hailed = True
                return

    def _wait_s(self) -> float:
        """Return how long to wait for something to come: until the next thing is due."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        due = [_TICK_MAX_S]
        if (at := self._parts.questions.next_deadline()) is not None:
            due.append(at - now)
        if (at := self._parts.follow.next_due()) is not None:
            due.append(at - now)
        if (at := self._parts.obituaries.next_due()) is not None:
            due.append(at - now)
        if (at := self._parts.outbound.next_due()) is not None:
            due.append(at - wall)
        return max(_TICK_MIN_S, min(due))
