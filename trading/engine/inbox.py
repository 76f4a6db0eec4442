"""The engine's inbox: three bounded lanes, taken in turn so that none can starve another.

Market data of a live feed conflates when the engine is behind (the latest tick of a symbol
replaces the one before, candles are kept); a lossless feed waits for room instead. Commands wait
for room too, which is back-pressure into the link. Notices (reports, stops) are never dropped.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from tcpproto import Command
from trading.engine.events import (
    EngineEvent,
    FeedEvent,
    MarketEvent,
    Notice,
    UncheckedCommand,
)
from trading.market.feed import Publish
from trading.model.market import Tick

# Between two commands at most this many market events: neither waits long for the other.
MARKET_ROUND_LEN: Final = 256
# A producer that waits looks again this often, should a wake-up be missed at a stop.
WAIT_S_MAX: Final = 0.25


@dataclass(frozen=True, slots=True)
class InboxLimits:
    """Bound the lanes; a conflating lane holds `market_len_max` plus what cannot be merged.

    A feed that woke the engine leaves the interpreter to it, and to an order that comes of it, for
    `give_way_s` at most.
    """

    market_len_max: int = 10_000
    command_len_max: int = 256
    give_way_s: float = 0.005


class Backlog:
    """Hold what a live feed published while the engine was behind, one tick for each symbol.

    A candle closes its symbol's tick: a later tick gets a new place, so order within a symbol
    stays. Not thread-safe.
    """

    __slots__ = ("_events", "_tick_places")

    def __init__(self) -> None:
        self._events: list[MarketEvent | FeedEvent] = []
        self._tick_places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: MarketEvent) -> bool:
        """Add an event, or replace the last tick of its symbol; True if it replaced one."""
        if type(event) is not Tick:
            self._tick_places.pop(event.symbol, None)
            self._events.append(event)
            return False
        place = self._tick_places.get(event.symbol)
        if place is not None:
            self._events[place] = event
            return True
        self._tick_places[event.symbol] = len(self._events)
        self._events.append(event)
        return False

    def add_feed_event(self, event: FeedEvent) -> None:
        """Add what a feed says about itself, after all it has published."""
        self._tick_places = {}
        self._events.append(event)

    def take_all(self) -> list[MarketEvent | FeedEvent]:
        """Return everything in order and be empty."""
        events, self._events = self._events, []
        self._tick_places = {}
        return events


class Gate:
    """Let producers wait at a full lane until it is half empty, so threads change over seldom."""

    def __init__(self, length: Callable[[], int], length_max: int) -> None:
        self._length = length
        self._length_max = length_max
        self._condition = threading.Condition()
        self._waiting = 0
        self._is_open_for_good = False

    def pass_through(self) -> None:
        """Return at once while there is room, else when there is room again."""
        if self._length() < self._length_max or self._is_open_for_good:
            return
        with self._condition:
            self._waiting += 1
            while self._length() > self._length_max // 2 and not self._is_open_for_good:
                self._condition.wait(WAIT_S_MAX)
            self._waiting -= 1

    def open_if_half_empty(self) -> None:
        """Let everyone go who waits, if there is room."""
        if self._waiting and self._length() <= self._length_max // 2:
            with self._condition:
                self._condition.notify_all()

    def open_for_good(self) -> None:
        """Let everyone go who waits, now and later."""
        self._is_open_for_good = True
        with self._condition:
            self._condition.notify_all()


class Inbox:
    """Collect events from many threads for the one that takes them."""

    def __init__(self, limits: InboxLimits | None = None) -> None:
        limits = limits or InboxLimits()
        self._market_len_max = limits.market_len_max
        self._give_way_s = limits.give_way_s
        self._market: SimpleQueue[MarketEvent | FeedEvent] = SimpleQueue()
        self._commands: SimpleQueue[Command | UncheckedCommand] = SimpleQueue()
        self._notices: SimpleQueue[Notice] = SimpleQueue()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._backlog = Backlog()
        self._backlog_lock = threading.Lock()
        self._market_gate = Gate(self._market.qsize, limits.market_len_max)
        self._backlog_gate = Gate(self._backlog.__len__, limits.market_len_max)
        self._command_gate = Gate(self._commands.qsize, limits.command_len_max)
        self._gates = (self._market_gate, self._backlog_gate, self._command_gate)
        self._is_asleep = False
        self._is_closed = False
        # For feeds: whether they woke the engine, and it rests again without an order.
        self._is_woken = self._is_ordering = False
        self._is_at_rest = threading.Event()
        self.ticks_conflated = 0

    def publisher(self, *, lossless: bool) -> Publish:
        """Return what a feed calls with each event, by the feed's kind."""
        return self._publish_lossless if lossless else self._publish_live

    def put_feed_event(self, event: FeedEvent, *, lossless: bool) -> None:
        """Add what a feed says about itself, in order with what it publishes."""
        gate = self._market_gate if lossless else self._backlog_gate
        gate.pass_through()
        with self._backlog_lock:
            if lossless or not self._is_conflating:
                self._market.put(event)
            else:
                self._backlog.add_feed_event(event)
        self._ring()

    def give_way(self) -> None:
        """Wait until the engine rests again if a feed woke it: what a feed does next can wait.

        When an order came of it, longer: its commit and its sending want the interpreter too.
        """
        if self._is_woken:
            self._is_woken = False
            self._is_at_rest.wait(self._give_way_s)

    def note_order(self) -> None:
        """Hear from the engine that an order came of what it has just taken."""
        self._is_ordering = True

    def put_command(self, command: Command | UncheckedCommand) -> bool:
        """Add a command, waiting while the lane is full; False once the inbox is closed."""
        self._command_gate.pass_through()
        if self._is_closed:
            return False
        self._commands.put(command)
        self._ring()
        return True

    def put_notice(self, event: Notice) -> None:
        """Add an event that must not wait and is never dropped; its senders bound themselves."""
        self._notices.put(event)
        self._ring()

    def take_round(
        self, timeout_s: float, *, wants_commands: Callable[[], bool] = lambda: True
    ) -> Iterator[EngineEvent | Command | UncheckedCommand]:
        """Give all notices, a round of market data and one command; wait if there is nothing.

        To be used up before the next call, by one thread only.
        """
        self._sleep_if_empty(timeout_s, wants_commands)
        yield from self._take_notices()
        yield from self._take_market()
        if not self._commands.empty() and wants_commands():
            yield self._commands.get_nowait()
        for gate in self._gates:
            gate.open_if_half_empty()

    @property
    def market_len(self) -> int:
        """Count the market events that wait."""
        return self._market.qsize() + len(self._backlog)

    @property
    def command_len(self) -> int:
        """Count the commands that wait."""
        return self._commands.qsize()

    def close(self) -> None:
        """Take nothing more from feeds and the link, and let everyone go who waits for room."""
        self._is_closed = True
        for gate in self._gates:
            gate.open_for_good()
        self._ring()

    def _publish_lossless(self, event: MarketEvent) -> None:
        if self._market.qsize() >= self._market_len_max:
            self._market_gate.pass_through()
        if not self._is_closed:
            self._market.put(event)
            if self._is_asleep:
                self._ring()

    def _publish_live(self, event: MarketEvent) -> None:
        # A backlog this long is all candles: the engine hangs, and memory must stay bounded.
        self._backlog_gate.pass_through()
        if self._is_closed:
            return
        with self._backlog_lock:
            if self._is_conflating:
                self.ticks_conflated += self._backlog.add(event)
            else:
                self._market.put(event)
        if self._is_asleep:
            self._is_woken = True
            self._is_at_rest.clear()
            self._ring()

    @property
    def _is_conflating(self) -> bool:
        return bool(len(self._backlog)) or self._market.qsize() >= self._market_len_max

    def _take_notices(self) -> Iterator[Notice]:
        for _ in range(self._notices.qsize()):
            yield self._notices.get_nowait()

    def _take_market(self) -> Iterator[MarketEvent | FeedEvent]:
        taken = self._market.qsize()
        for _ in range(min(taken, MARKET_ROUND_LEN)):
            yield self._market.get_nowait()
        if taken <= MARKET_ROUND_LEN and len(self._backlog):
            yield from self._take_backlog()

    def _take_backlog(self) -> list[MarketEvent | FeedEvent]:
        with self._backlog_lock:
            # Whatever got into the queue before the backlog began comes first.
            first = [self._market.get_nowait() for _ in range(self._market.qsize())]
            return first + self._backlog.take_all()

    def _sleep_if_empty(self, timeout_s: float, wants_commands: Callable[[], bool]) -> None:
        self._is_asleep = True
        # Looked at after the flag is up: whoever adds from now on sees it and rings.
        if timeout_s > 0 and self._is_empty(wants_commands):
            if not self._is_ordering:
                self._is_at_rest.set()
            self._is_ordering = False
            with suppress(Empty):
                self._bell.get(timeout=timeout_s)
        self._is_asleep = False
        while not self._bell.empty():
            self._bell.get_nowait()

    def _is_empty(self, wants_commands: Callable[[], bool]) -> bool:
        if not self._commands.empty() and wants_commands():
            return False
        return self._market.empty() and self._notices.empty() and not len(self._backlog)

    def _ring(self) -> None:
        if self._is_asleep:
            self._is_asleep = False
            self._bell.put(None)
