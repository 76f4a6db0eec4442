"""Bounded queues between the threads that hear and the thread `forward`, which acts.

Events are never dropped: a peer that sends more than the bounds before it is acknowledged is
disconnected and sends them again. Log lines and chat texts are dropped, oldest first, and
counted. A status replaces the one before it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Condition

from tcpproto import Event, Log, PeerInfo, RemoteProtocolError, Reply, Status
from telegram.bridge.chat import ChatInput
from telegram.bridge.joint_note import Unnoted

# What an entry costs beside its text.
_ENTRY_BYTES = 200


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """Hold how much may wait: rows and bytes, for each bot and for all."""

    event_bytes_max: int = 64 * 1024 * 1024
    replies_max: int = 2_000
    reply_bytes_max: int = 32 * 1024 * 1024
    log_lines_max: int = 20_000
    log_bytes_max: int = 32 * 1024 * 1024
    texts_max: int = 1_000
    text_len_max: int = 16_384
    inputs_max: int = 1_000


@dataclass(frozen=True, slots=True)
class Connected:
    """Tell that a peer is there."""

    peer: PeerInfo


@dataclass(frozen=True, slots=True)
class Disconnected:
    """Tell that a peer is gone."""

    peer: PeerInfo
    reason: str
    clean: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """Carry the reply of a bot."""

    bot: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Said:
    """Carry a chat text of a bot."""

    bot: str
    text: str


Item = Connected | Disconnected | Answered | Said | ChatInput | Unnoted | Callable[[], None]


@dataclass(slots=True)
class Batch:
    """Hold what came since the last one."""

    items: list[Item] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    statuses: Mapping[str, Status] = field(default_factory=dict)
    logs: Mapping[str, "LogQueue"] = field(default_factory=dict)


@dataclass(slots=True)
class LogQueue:
    """Hold the waiting log lines of one bot, and how many were dropped before them."""

    lines: deque[Log] = field(default_factory=deque)
    dropped: int = 0


class Intake:
    """Take from any thread without waiting; hand over to `forward` in one piece."""

    def __init__(self, limits: IntakeLimits) -> None:
        self._limits = limits
        self._condition = Condition()
        self._items: list[Item] = []
        self._replies = 0
        self._reply_bytes = 0
        self._texts = 0
        self._inputs = 0
        self._events: list[tuple[str, Event]] = []
        self._event_bytes = 0
        self._holds_events = False
        self._statuses: dict[str, Status] = {}
        self._logs: dict[str, LogQueue] = {}
        self._log_bytes = 0
        self._is_waited_for = False
        self._is_closed = False
        self.replies_dropped = 0
        self.texts_dropped = 0

    def add_event(self, bot: str, event: Event) -> None:
        """Queue a durable event, or raise RemoteProtocolError, which disconnects its peer."""
        size = _event_size(event)
        with self._condition:
            if self._event_bytes + size > self._limits.event_bytes_max:
                raise RemoteProtocolError("busy", "too many events wait to be stored")
            self._event_bytes += size
            self._events.append((bot, event))
            self._wake()

    def add_reply(self, bot: str, reply: Reply) -> None:
        """Queue an answer; a bot that answers without end loses the surplus."""
        size = len(reply.text) + len(repr(reply.fields)) + _ENTRY_BYTES
        limits = self._limits
        with self._condition:
            is_full = self._reply_bytes + size > limits.reply_bytes_max
            if is_full or self._replies >= limits.replies_max:
                self.replies_dropped += 1
                return
            self._replies += 1
            self._reply_bytes += size
            self._add(Answered(bot, reply))

    def add_text(self, bot: str, text: str) -> None:
        """Queue a text for the chats."""
        with self._condition:
            if self._texts >= self._limits.texts_max:
                self.texts_dropped += 1
                return
            self._texts += 1
            self._add(Said(bot, text[: self._limits.text_len_max]))

    def add_status(self, bot: str, status: Status) -> None:
        """Queue a status in place of the last one."""
        with self._condition:
            self._statuses[bot] = status
            self._wake()

    def add_log(self, bot: str, log: Log) -> None:
        """Queue a log line; the oldest line of the longest queue makes room."""
        size = len(log.text) + _ENTRY_BYTES
        with self._condition:
            queue = self._logs.get(bot)
            if queue is None:
                queue = self._logs[bot] = LogQueue()
            if len(queue.lines) >= self._limits.log_lines_max:
                self._drop_line(queue)
            self._log_bytes += size
            while self._log_bytes > self._limits.log_bytes_max and queue.lines:
                self._drop_line(max(self._logs.values(), key=lambda each: len(each.lines)))
            queue.lines.append(log)
            self._wake()

    def add_link(self, change: Connected | Disconnected) -> None:
        """Queue a change of the link; the server bounds how many there can be."""
        with self._condition:
            if self._holds_events and isinstance(change, Disconnected):
                # They cannot be stored now and come again when the bot is back.
                self._forget_events(change.peer.name)
            self._add(change)

    def add_input(self, said: ChatInput) -> bool:
        """Queue what a person said; False when too much waits."""
        with self._condition:
            if self._inputs >= self._limits.inputs_max:
                return False
            self._inputs += 1
            self._add(said)
            return True

    def add_unnoted(self, unnoted: Unnoted) -> bool:
        """Queue what a person said and whoever hears it waits for; False unless `forward` rests."""
        with self._condition:
            if not self._is_waited_for or self._has_any(with_events=True):
                return False
            self._inputs += 1
            self._add(unnoted)
            return True

    def call(self, act: Callable[[], None]) -> None:
        """Have the thread `forward` do something of the process's own."""
        with self._condition:
            self._add(act)

    def close(self) -> None:
        """Wake `forward` for the last time."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()

    def take(self, timeout_s: float, *, with_events: bool = True) -> Batch:
        """Return all that waits, after waiting for something to come."""
        with self._condition:
            if timeout_s > 0 and not self._has_any(with_events) and not self._is_closed:
                self._is_waited_for = True
                self._condition.wait(timeout_s)
                self._is_waited_for = False
            return self._hand_over(with_events)

    def _hand_over(self, with_events: bool) -> Batch:
        batch = Batch(items=self._items, statuses=self._statuses, logs=self._logs)
        self._items, self._statuses, self._logs = [], {}, {}
        self._replies = self._reply_bytes = self._texts = self._inputs = self._log_bytes = 0
        self._holds_events = not with_events
        if with_events:
            batch.events, self._events = self._events, []
            self._event_bytes = 0
        return batch

    def _has_any(self, with_events: bool) -> bool:
        has_events = with_events and bool(self._events)
        return has_events or bool(self._items or self._statuses or self._logs)

    def _forget_events(self, bot: str) -> None:
        self._events = [(name, event) for name, event in self._events if name != bot]
        self._event_bytes = sum(_event_size(event) for _, event in self._events)

    def _drop_line(self, queue: LogQueue) -> None:
        self._log_bytes -= len(queue.lines.popleft().text) + _ENTRY_BYTES
        queue.dropped += 1

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._wake()

    def _wake(self) -> None:
        if self._is_waited_for:
            self._condition.notify()


def _event_size(event: Event) -> int:
    return len(event.text) + (len(repr(event.fields)) if event.fields else 0) + _ENTRY_BYTES
