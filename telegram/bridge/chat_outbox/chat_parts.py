"""Builds what one chat needs to be sent to; here alone its parts are wired to each other."""

from dataclasses import dataclass
from random import Random

from daemonkit.clock import Clock
from telegram.bridge.chat_outbox.catch_up import Backlog, Blockade, KindCount
from telegram.bridge.chat_outbox.chat_sender import ChatSender
from telegram.bridge.chat_outbox.counters import ChatCounters
from telegram.bridge.chat_outbox.event_source import EventSource
from telegram.bridge.chat_outbox.gate import Gate
from telegram.bridge.chat_outbox.lane_feed import LaneFeed, cursor_name
from telegram.bridge.chat_outbox.lanes import Lane, lane_of
from telegram.bridge.chat_outbox.log_source import LogSource
from telegram.bridge.chat_outbox.pacing import ChatMeter, PaceLimits
from telegram.bridge.chat_outbox.packing import Dress
from telegram.bridge.chat_outbox.post_source import PostSource
from telegram.bridge.chat_outbox.summary_source import SummarySource
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Messenger
from telegram.bridge.store.chat_outbox import ChatOutboxTable
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from telegram.bridge.store.settings import ChatCursorTable


@dataclass(frozen=True, slots=True)
class ChatParts:
    """Hold what drives one chat."""

    sender: ChatSender
    alerts: EventSource
    notices: EventSource
    log: LogSource

    @property
    def is_quiet(self) -> bool:
        """Tell whether no answer, alert or text waits that could be sent."""
        chat = self.sender.chat
        lanes = (Lane.REPLY, Lane.ALERT, Lane.TEXT)
        waiting = sum(chat.count(lane) for lane in lanes) + self.alerts.feed.waiting
        is_looking = chat.has_events or self.alerts.feed.is_more
        is_closed = chat.is_shut or bool(chat.notes.disabled_because)
        return is_closed or not (waiting or is_looking)

    def counters(self, paused_because: str) -> ChatCounters:
        """Return how the chat fares."""
        chat = self.sender.chat
        waiting = {lane: chat.count(lane) for lane in Lane}
        waiting[Lane.ALERT] += self.alerts.feed.waiting
        waiting[Lane.NOTICE] += self.notices.feed.waiting
        waiting[Lane.LOG] += self.log.waiting - chat.log_waiting
        dropped = {lane: chat.dropped(lane) for lane in Lane}
        dropped[Lane.ALERT] += self.alerts.dropped
        dropped[Lane.NOTICE] += self.notices.dropped
        dropped[Lane.LOG] += self.log.dropped
        because = paused_because or chat.notes.disabled_because or self.sender.blockade.because
        sender = self.sender
        return ChatCounters(chat.name, waiting, dropped, sender.sent_total, sender.sent_at, because)


def build_parts(
    chat: TelegramChat,
    database: Database,
    *,
    messenger: Messenger,
    gate: Gate,
    limits: PaceLimits,
    clock: Clock,
    rng: Random,
    dress: Dress | None,
) -> ChatParts:
    """Build what drives one chat; nothing runs yet."""
    alerts = _event_source(chat, Lane.ALERT, database, clock, dress)
    notices = _event_source(chat, Lane.NOTICE, database, clock, dress)
    lines = LogSource(chat)
    blockade = Blockade()
    table = ChatOutboxTable(database)

    def count() -> Backlog:
        events = _waiting(table, alerts.feed, notices.feed)
        log_lines = lines.waiting + chat.dropped(Lane.LOG) - blockade.log_lines_before
        return Backlog(events, log_lines, chat.dropped(Lane.REPLY) - blockade.replies_before)

    def shorten() -> None:
        last_id = table.last_event_id()
        alerts.catch_up(last_id)
        notices.catch_up(last_id)
        lines.drop()

    gap_s = limits.status_group_s if chat.place.is_group else limits.status_private_s
    posts = [
        PostSource(chat, lane, gap_s=gap_s if lane is Lane.STATUS else 0.0, dress=dress)
        for lane in Lane
    ]
    after_s = gate.patience.summary_after_s
    summary = SummarySource(
        blockade,
        clock,
        after_s=after_s,
        count=count,
        on_sent=shorten,
        wishes=lambda: chat.wishes,
    )
    sender = ChatSender(
        chat,
        [summary, *posts, alerts, notices, lines],
        messenger=messenger,
        gate=gate,
        meter=ChatMeter(limits, is_group=chat.place.is_group),
        blockade=blockade,
        clock=clock,
        rng=rng,
    )

    def wake() -> None:
        alerts.feed.wake()
        notices.feed.wake()

    sender.on_wake = wake
    return ChatParts(sender, alerts, notices, lines)


def _event_source(
    chat: TelegramChat, lane: Lane, database: Database, clock: Clock, dress: Dress | None
) -> EventSource:
    feed = LaneFeed(chat.name, lane, EventTable(database), ChatCursorTable(database))
    table = ChatOutboxTable(database)
    if not table.has_cursor(cursor_name(chat.name, lane)):
        # It could not be noted when the chat was opened; the events of weeks are no news here.
        feed.begin_at(table.last_event_id())
    return EventSource(feed, clock, dress, wishes=lambda: chat.wishes)


def _waiting(table: ChatOutboxTable, alerts: LaneFeed, notices: LaneFeed) -> list[KindCount]:
    return [
        one
        for feed in (alerts, notices)
        if feed.is_used
        for one in table.count_after(feed.shown_id)
        if lane_of(one.kind, one.severity) is feed.lane
    ]
