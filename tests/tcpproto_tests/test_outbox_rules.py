"""Durable events: each stored exactly once and in order, whatever breaks and is restored."""

import dataclasses
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tcpproto.connection import Opened
from tcpproto.frames import encode_frame
from tcpproto.messages import Message
from tcpproto.outbox import OutboxRow, OutboxSender
from tcpproto.payloads import Ack, Event, encode_event
from tests.tcpproto_tests.connection_pair import HELLO, ConnectionPair

WINDOW_ROWS = 5


def number_of(event: Event) -> int:
    return int(event.text)


class BotDatabase:
    """Hold the rows of an outbox; every opening begins a new epoch."""

    def __init__(self, epoch: str, rows: Sequence[OutboxRow] = ()) -> None:
        self.rows = list(rows)
        self.epoch = epoch
        self.seq = 0
        self._row_id = max((row.row_id for row in rows), default=0)

    def commit(self, number: int) -> None:
        self._row_id += 1
        self.seq += 1
        event = Event(self.epoch, self.seq, "alert", "info", str(number), 1.0)
        self.rows.append(OutboxRow(self._row_id, self.epoch, self.seq, encode_event(event, 1.0)))

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        return [row for row in self.rows if row.row_id > row_id][:limit]

    def prune(self, epoch: str, seq: int) -> None:
        self.rows = [row for row in self.rows if row.epoch != epoch or row.seq > seq]

    def numbers(self) -> set[int]:
        return {self.number_in(row) for row in self.rows}

    @staticmethod
    def number_in(row: OutboxRow) -> int:
        return int(row.body.split(b'"text":"')[1].split(b'"')[0])


class BridgeDatabase:
    """Store what is new and in order, as the contract of the link asks."""

    def __init__(self) -> None:
        self.stored: list[int] = []
        self.cursors: dict[str, int] = {}

    def store(self, event: Event) -> None:
        if event.seq > self.cursors.get(event.epoch, 0):
            self.cursors[event.epoch] = event.seq
            self.stored.append(number_of(event))

    def copy(self) -> "BridgeDatabase":
        twin = BridgeDatabase()
        twin.stored, twin.cursors = list(self.stored), dict(self.cursors)
        return twin


class TwoProcesses(RuleBasedStateMachine):
    """Let a bot and a bridge run, lose each other, die, and be restored from old copies."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.committed: set[int] = set()
        self.excused: set[int] = set()
        self.is_bridge_restored = False
        self.epochs = (f"epoch-{number:03}" for number in itertools.count(1))
        self.bot = BotDatabase(next(self.epochs))
        self.bot_backup: list[OutboxRow] = []
        self.sender = OutboxSender(WINDOW_ROWS)
        self.prunes: list[tuple[str, int]] = []
        self.bridge = BridgeDatabase()
        self.bridge_backup = self.bridge.copy()
        self.received: list[Event] = []
        self.pair: ConnectionPair | None = None
        self.heard_up = self.heard_down = 0

    @rule(count=st.integers(min_value=1, max_value=8))
    def commit_events(self, count: int) -> None:
        for number in itertools.islice(self.numbers, count):
            self.bot.commit(number)
            self.committed.add(number)

    @precondition(lambda self: self.pair is None)
    @rule()
    def connect(self) -> None:
        hello = dataclasses.replace(HELLO, epoch=self.bot.epoch, last_seq=self.bot.seq)
        stored_seq = self.bridge.cursors.get(self.bot.epoch, 0)
        self.pair = ConnectionPair(hello=hello, stored_seq=stored_seq).settle()
        (opened,) = self.pair.heard_by_client(Opened)
        self.heard_up = self.heard_down = 0
        self.sender.restart(hello.epoch, opened.welcome.last_seq)

    @precondition(lambda self: self.pair is not None)
    @rule()
    def send(self) -> None:
        assert self.pair is not None
        if self.sender.room > 0:
            rows = self.bot.read_after(self.sender.cursor, self.sender.room)
            for body in self.sender.take(rows):
                self.pair.up.put(encode_frame(body))

    @precondition(lambda self: self.pair is not None)
    @rule(count=st.integers(min_value=1, max_value=600))
    def carry_up(self, count: int) -> None:
        assert self.pair is not None
        self.pair.deliver_up(count)
        heard = self.pair.heard_by_server(Message)
        self.received += [Event.parse(message) for message in heard[self.heard_up :]]
        self.heard_up = len(heard)

    @precondition(lambda self: self.received)
    @rule(count=st.integers(min_value=1, max_value=9))
    def store(self, count: int) -> None:
        batch, self.received = self.received[:count], self.received[count:]
        for event in batch:
            self.bridge.store(event)
        if self.pair is not None:
            for epoch in dict.fromkeys(event.epoch for event in batch):
                self.pair.send_down(Ack(epoch, self.bridge.cursors[epoch]).to_message(1.0))

    @precondition(lambda self: self.pair is not None)
    @rule(count=st.integers(min_value=1, max_value=300))
    def carry_down(self, count: int) -> None:
        assert self.pair is not None
        self.pair.deliver_down(count)
        heard = self.pair.heard_by_client(Message)
        for message in heard[self.heard_down :]:
            ack = Ack.parse(message)
            if self.sender.acknowledge(ack.epoch, ack.seq):
                self.prunes.append((ack.epoch, ack.seq))
        self.heard_down = len(heard)

    @rule()
    def prune(self) -> None:
        for epoch, seq in self.prunes:
            self.bot.prune(epoch, seq)
        self.prunes.clear()

    @precondition(lambda self: self.pair is not None)
    @rule()
    def cut(self) -> None:
        assert self.pair is not None
        self.pair.cut()
        self.pair = None

    @rule()
    def kill_the_bot(self) -> None:
        self.restart_bot(self.bot.rows)

    @rule()
    def kill_the_bridge(self) -> None:
        self.received.clear()
        if self.pair is not None:
            self.cut()

    @rule()
    def back_up_the_bot(self) -> None:
        self.bot_backup = list(self.bot.rows)

    @rule()
    def restore_the_bot(self) -> None:
        self.excused |= self.bot.numbers() - {BotDatabase.number_in(r) for r in self.bot_backup}
        self.restart_bot(self.bot_backup)

    @rule()
    def delete_the_bots_database(self) -> None:
        self.excused |= self.bot.numbers()
        self.restart_bot([])

    @rule()
    def back_up_the_bridge(self) -> None:
        self.bridge_backup = self.bridge.copy()

    @rule()
    def restore_the_bridge(self) -> None:
        self.is_bridge_restored = True
        # What was acknowledged after the copy is gone with the database that held it.
        self.excused |= set(self.bridge.stored) - set(self.bridge_backup.stored)
        self.bridge = self.bridge_backup.copy()
        self.kill_the_bridge()

    def restart_bot(self, rows: Sequence[OutboxRow]) -> None:
        if self.pair is not None:
            self.cut()
        self.bot = BotDatabase(next(self.epochs), rows)
        self.sender = OutboxSender(WINDOW_ROWS)
        self.prunes.clear()

    @invariant()
    def window_is_bounded(self) -> None:
        assert 0 <= self.sender.in_flight <= WINDOW_ROWS

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        assert len(set(self.bridge.stored)) == len(self.bridge.stored)

    @invariant()
    def everything_is_stored_in_order(self) -> None:
        # A bridge that was restored may meet a bot that was restored too, to an older day.
        if not self.is_bridge_restored:
            assert self.bridge.stored == sorted(self.bridge.stored)

    def teardown(self) -> None:
        """Leave both alone: everything arrives."""
        if self.pair is not None:
            self.cut()
        self.connect()
        for _ in range(2 * len(self.bot.rows) + 4):
            self.send()
            self.carry_up(10**6)
            if self.received:
                self.store(10**6)
            self.carry_down(10**6)
        self.prune()
        assert not self.bot.rows
        assert not self.sender.in_flight
        missing = self.committed - self.excused - set(self.bridge.stored)
        assert not missing
        self.nothing_is_stored_twice()
        self.everything_is_stored_in_order()


TestTwoProcesses = TwoProcesses.TestCase
TestTwoProcesses.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def rows_of(epoch: str, *seqs: int, first_id: int = 1) -> list[OutboxRow]:
    return [
        OutboxRow(first_id + at, epoch, seq, f"{epoch}:{seq}".encode())
        for at, seq in enumerate(seqs)
    ]


def test_rows_that_the_peer_already_has_are_passed_over() -> None:
    sender = OutboxSender()
    sender.restart("b", 2)
    bodies = sender.take(rows_of("a", 8, 9) + rows_of("b", 1, 2, 3, first_id=3))
    assert bodies == [b"a:8", b"a:9", b"b:3"]
    assert sender.cursor == 5
    assert sender.in_flight == 3


def test_an_acknowledgement_counts_for_its_epoch_only() -> None:
    sender = OutboxSender()
    sender.take(rows_of("a", 8, 9) + rows_of("b", 1, 2, first_id=3))
    assert sender.acknowledge("b", 9)
    assert sender.in_flight == 4  # those of the older epoch come first
    assert sender.acknowledge("a", 8)
    assert sender.in_flight == 3
    assert sender.acknowledge("a", 9)
    assert sender.in_flight == 0


def test_an_acknowledgement_that_says_nothing_new_is_told_apart() -> None:
    sender = OutboxSender()
    sender.take(rows_of("a", 1, 2, 3))
    assert sender.acknowledge("a", 2)
    assert not sender.acknowledge("a", 2)
    assert not sender.acknowledge("a", 1)
    assert not sender.acknowledge("never heard of", 0)


def test_an_acknowledgement_counts_for_nothing_that_was_never_sent() -> None:
    sender = OutboxSender()
    sender.take(rows_of("a", 1, 2))
    assert sender.acknowledge("a", 10**15) == 2
    for number in range(1_000):
        assert not sender.acknowledge(f"invented-{number}", 10**15)
    assert sender.take(rows_of("a", 3, 4, first_id=3)) == [b"a:3", b"a:4"]
    assert list(sender._acknowledged) == ["a"]


def test_after_a_restart_the_unacknowledged_rows_go_out_again_and_no_others() -> None:
    sender = OutboxSender()
    rows = rows_of("a", 1, 2, 3)
    sender.take(rows)
    sender.acknowledge("a", 1)
    sender.restart("b", 0)
    assert (sender.in_flight, sender.cursor) == (0, 0)
    assert sender.take(rows) == [b"a:2", b"a:3"]


@pytest.mark.parametrize("window_rows", [1, 3, 1024])
def test_the_window_is_a_setting(window_rows: int) -> None:
    sender = OutboxSender(window_rows)
    assert sender.room == window_rows
    sender.take(rows_of("a", *range(1, window_rows + 1)))
    assert sender.room == 0
    sender.acknowledge("a", 1)
    assert sender.room == 1


def test_gaps_in_the_numbers_are_allowed() -> None:
    sender = OutboxSender()
    assert len(sender.take(rows_of("a", 3, 7, 100))) == 3
    sender.acknowledge("a", 50)
    assert sender.in_flight == 1
