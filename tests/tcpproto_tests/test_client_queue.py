"""What the client's writer sends next: order, bounds, wake-ups, no row on a wrong connection."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tcpproto import OutboxRow
from tcpproto.client_queue import URGENT_FRAMES_MAX, ClientQueue
from tcpproto.outbox import WINDOW_ROWS
from tests.fakes.memory_outbox import MemoryOutbox
from tests.tcpproto_tests.frames_of import frame, read_frames
from tests.waiting import wait_until


class RecordingSink:
    """Take bytes in memory; may be busy, slow, or broken."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_busy = False
        self.error: OSError | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        self.rest = b""

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    def send(self, data: bytes) -> None:
        assert self.gate.wait(20)
        with self._lock:
            if self.error is not None:
                raise self.error
            self.pieces.append(self.rest + data)
            self.rest = b""

    def try_send(self, data: bytes) -> bool:
        if self.is_busy or not self._lock.acquire(blocking=False):
            return False
        try:
            if self.rest:
                return False
            self.pieces.append(data)
        finally:
            self._lock.release()
        return True


def opened(
    outbox: MemoryOutbox | None = None, bulk_frames_max: int = 10
) -> tuple[ClientQueue, RecordingSink]:
    queue = ClientQueue(outbox or MemoryOutbox(), bulk_frames_max)
    sink = RecordingSink()
    queue.open(sink, "epoch-1", 0)
    return queue, sink


def write_once(queue: ClientQueue) -> bytes:
    """Do one turn of the writer thread."""
    sink, data = queue.next_batch()
    try:
        if sink is not None and (data or sink.rest):
            sink.send(data)
    finally:
        queue.settle()
    return data


def has_work(queue: ClientQueue) -> bool:
    """Tell whether the writer's next turn would not wait."""
    return queue._urgent.qsize() > 0


def write_all(queue: ClientQueue) -> bytes:
    """Do turns of the writer thread as long as there is something to do."""
    data = b""
    while has_work(queue):
        data += write_once(queue)
    return data


@contextmanager
def writing(queue: ClientQueue) -> Iterator[threading.Thread]:
    """Run the writer's loop on a thread."""
    ending = threading.Event()

    def write() -> None:
        while not ending.is_set():
            write_once(queue)

    thread = threading.Thread(target=write, name="writer")
    thread.start()
    try:
        yield thread
    finally:
        ending.set()
        queue.wake()
        thread.join(10)
        assert not thread.is_alive()


def test_replies_go_before_events_and_events_before_the_status_and_log_lines_last() -> None:
    outbox = MemoryOutbox()
    queue, sink = opened(outbox)
    write_all(queue)
    sink.is_busy = True
    queue.put_bulk(frame(b'"log"'), 0)
    queue.put_status(frame(b'"status"'))
    outbox.add(1)
    queue.want_rows()
    queue.send_urgent(frame(b'"reply"'))

    data = write_all(queue)
    log, event, status, reply = map(data.index, (b"log", b"event", b"status", b"reply"))

    assert reply < event < status < log


def test_a_reply_goes_out_on_the_callers_thread_when_nothing_is_before_it() -> None:
    queue, sink = opened()
    write_all(queue)
    assert queue.send_urgent(b"reply")
    assert sink.pieces == [b"reply"]
    assert not queue.is_pending


def test_a_reply_never_overtakes_one_that_the_writer_has_in_its_hands() -> None:
    outbox = MemoryOutbox()
    queue, sink = opened(outbox)
    write_all(queue)
    sink.is_busy = True
    queue.send_urgent(b"accepted ")
    queue.want_rows()
    sink.is_busy = False

    def reply_again() -> None:
        outbox.before_read = lambda: None
        queue.send_urgent(b"applied ")

    outbox.before_read = reply_again
    write_all(queue)

    assert sink.data == b"accepted applied "


def test_a_frame_that_the_socket_took_in_part_is_finished_before_anything_else() -> None:
    queue, sink = opened()
    write_all(queue)
    sink.rest = b"second half "
    queue.send_urgent(b"reply")
    write_all(queue)
    assert sink.data == b"second half reply"


def test_the_rest_of_a_frame_is_sent_even_if_nothing_follows() -> None:
    queue, sink = opened()
    write_all(queue)
    sink.rest = b"second half"
    queue.wake()
    write_all(queue)
    assert sink.data == b"second half"


def test_the_queue_itself_never_sends_so_a_broken_connection_cannot_end_the_writer() -> None:
    queue, sink = opened()
    write_all(queue)
    sink.rest = b"second half"
    sink.error = ConnectionResetError()
    queue.wake()
    assert queue.next_batch() == (sink, b"")


def test_the_bulk_lane_is_bounded_and_counts_what_it_refuses() -> None:
    queue, sink = opened(bulk_frames_max=3)
    assert [queue.put_bulk(b"line ", 0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert queue.frames_refused == 2
    write_all(queue)
    assert sink.data == b"line line line "
    assert queue.put_bulk(b"line ", 0)


def test_the_urgent_lane_is_bounded_and_counts_what_it_refuses() -> None:
    queue, sink = opened()
    sink.is_busy = True
    taken = sum(queue.send_urgent(b"r") for _ in range(URGENT_FRAMES_MAX + 10))
    assert URGENT_FRAMES_MAX - 1 <= taken <= URGENT_FRAMES_MAX
    assert queue.frames_refused == URGENT_FRAMES_MAX + 10 - taken
    write_all(queue)
    assert len(sink.data) == taken
    # What was sent makes room, however often.
    for _ in range(3):
        assert all(queue.send_urgent(b"r") for _ in range(URGENT_FRAMES_MAX))
        write_all(queue)


def test_without_a_connection_nothing_but_the_status_is_kept() -> None:
    queue = ClientQueue(MemoryOutbox(), 10)
    assert not queue.put_bulk(b"line", 1.0)
    assert not queue.send_urgent(b"reply")
    assert not queue.put_urgent(b"reply")
    queue.put_status(b"old status")
    queue.put_status(b"status")
    assert queue.next_batch() == (None, b"")

    sink = RecordingSink()
    queue.open(sink, "epoch-1", 0)
    write_all(queue)
    assert sink.data == b"status"


def test_the_latest_status_is_sent_first_on_every_new_connection() -> None:
    queue, first = opened()
    queue.put_status(b"one ")
    queue.put_status(b"two ")
    write_all(queue)
    queue.close()
    second = RecordingSink()
    queue.open(second, "epoch-1", 0)
    write_all(queue)
    assert (first.data, second.data) == (b"two ", b"two ")


def test_what_closing_drops_is_counted() -> None:
    queue, sink = opened()
    for _ in range(4):
        queue.put_bulk(b"line", 0)
    sink.is_busy = True
    queue.send_urgent(b"reply")
    queue.close()
    assert write_all(queue) == b""
    assert queue.frames_refused == 5


def test_replies_of_a_lost_connection_are_dropped() -> None:
    queue, sink = opened()
    write_all(queue)
    sink.is_busy = True
    queue.send_urgent(b"reply")
    queue.close()
    assert write_all(queue) == b""
    later = RecordingSink()
    queue.open(later, "epoch-1", 0)
    write_all(queue)
    assert later.data == b""


def test_replies_of_a_lost_connection_are_dropped_even_if_the_next_one_comes_at_once() -> None:
    queue, sink = opened()
    write_all(queue)
    sink.is_busy = True
    queue.send_urgent(b"reply")
    queue.close()
    later = RecordingSink()
    queue.open(later, "epoch-1", 0)
    write_all(queue)
    assert later.data == b""


def test_a_connection_that_ends_with_a_wake_up_on_its_way_leaves_the_writer_able_to_wake() -> None:
    queue, _sink = opened()
    queue.put_bulk(b"line", 0)
    queue.close()
    later = RecordingSink()
    queue.open(later, "epoch-1", 0)
    queue.put_status(b"status")
    write_all(queue)
    assert later.data == b"status"


def test_rows_read_for_a_lost_connection_never_go_out_on_the_next_one() -> None:
    outbox = MemoryOutbox()
    outbox.add(3)
    queue, first = opened(outbox)
    second = RecordingSink()

    def reconnect() -> None:
        outbox.before_read = lambda: None
        queue.close()
        queue.open(second, "epoch-1", 1)

    outbox.before_read = reconnect
    write_all(queue)

    assert first.data == b""
    assert [event["seq"] for event in read_frames(second.data)] == [2, 3]


def test_at_most_a_window_of_rows_is_in_flight() -> None:
    outbox = MemoryOutbox()
    outbox.add(WINDOW_ROWS + 50)
    queue, _sink = opened(outbox)

    assert len(read_frames(write_all(queue))) == WINDOW_ROWS
    assert not queue.is_drained
    queue.acknowledge("epoch-1", 20)
    assert [event["seq"] for event in read_frames(write_all(queue))] == list(
        range(WINDOW_ROWS + 1, WINDOW_ROWS + 21)
    )
    queue.acknowledge("epoch-1", WINDOW_ROWS + 20)
    write_all(queue)
    queue.acknowledge("epoch-1", WINDOW_ROWS + 50)
    write_all(queue)
    assert queue.is_drained


class WatchedQueue(ClientQueue):
    """Look whether it would be called drained at the moments in between its steps."""

    seen_drained = 0

    def want_rows(self) -> None:
        self.seen_drained += self.is_drained
        super().want_rows()


def test_a_queue_is_never_called_drained_while_rows_are_left() -> None:
    outbox = MemoryOutbox()
    outbox.add(3 * WINDOW_ROWS)
    queue = WatchedQueue(outbox, 10)
    outbox.before_read = queue.want_rows  # looks while rows are being read, too
    queue.open(RecordingSink(), "epoch-1", 0)
    for seq in range(WINDOW_ROWS, 3 * WINDOW_ROWS, WINDOW_ROWS):
        write_all(queue)
        queue.acknowledge("epoch-1", seq)
    assert queue.seen_drained == 0

    outbox.before_read = lambda: None
    write_all(queue)
    queue.acknowledge("epoch-1", 3 * WINDOW_ROWS)
    write_all(queue)
    assert queue.is_drained


def test_an_outbox_that_cannot_be_read_is_told_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = MemoryOutbox()
    outbox.add(2)
    queue, _sink = opened(outbox)

    def fail() -> None:
        raise OSError("disk")

    outbox.before_read = fail
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert write_all(queue) == b""
            queue.retry_rows()
    assert [record.message for record in caplog.records] == [
        "outbox cannot be read, will try again"
    ]

    outbox.before_read = lambda: None
    assert [event["seq"] for event in read_frames(write_all(queue))] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"x" * (1024 * 1024 + 1)], ids=["empty", "too long"])
def test_a_row_that_no_frame_can_hold_is_passed_over_and_told(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = MemoryOutbox()
    outbox.add(3)
    outbox.rows[1] = OutboxRow(2, "epoch-1", 2, body)
    queue, _sink = opened(outbox)

    with caplog.at_level(logging.ERROR):
        assert [event["seq"] for event in read_frames(write_all(queue))] == [1, 3]
    (record,) = caplog.records
    assert "cannot be sent" in record.message

    queue.acknowledge("epoch-1", 3)
    write_all(queue)
    assert queue.is_drained


@pytest.mark.parametrize(
    "row",
    [
        OutboxRow(2, "epoch-1", None, b"{}"),  # type: ignore[arg-type]
        OutboxRow(2, "epoch-1", 2, "text"),  # type: ignore[arg-type]
    ],
    ids=["no number", "text for bytes"],
)
def test_a_row_that_a_damaged_database_made_up_does_not_end_the_writer(
    row: OutboxRow, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = MemoryOutbox()
    outbox.add(3)
    outbox.rows[1] = row
    queue, sink = opened(outbox)

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            write_all(queue)
            queue.retry_rows()
    assert len(caplog.records) == 1
    sink.is_busy = True
    queue.send_urgent(frame(b'"a reply"'))
    assert write_all(queue) == frame(b'"a reply"')


def start(target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def test_a_producer_waits_for_room_and_goes_on_when_there_is_some() -> None:
    queue, sink = opened(bulk_frames_max=2)
    queue.put_bulk(b"1", 0)
    queue.put_bulk(b"2", 0)
    results: list[bool] = []
    producer = start(lambda: results.append(queue.put_bulk(b"3", 20)))
    write_all(queue)
    producer.join(10)
    write_all(queue)
    assert results == [True]
    assert sink.data == b"123"


def test_a_producer_that_waits_too_long_is_refused() -> None:
    queue, _sink = opened(bulk_frames_max=1)
    queue.put_bulk(b"1", 0)
    assert not queue.put_bulk(b"2", 0.02)


def test_a_producer_that_waits_is_released_when_the_connection_ends() -> None:
    queue, _sink = opened(bulk_frames_max=1)
    queue.put_bulk(b"1", 0)
    results: list[bool] = []
    producer = start(lambda: results.append(queue.put_bulk(b"2", 60)))
    queue.close()
    producer.join(10)
    assert not producer.is_alive()
    assert results == [False]


def test_a_blocking_producer_loses_nothing_to_a_slow_reader() -> None:
    queue, sink = opened(bulk_frames_max=100)
    with writing(queue):
        for number in range(20_000):
            if number % 1_000 == 0:
                sink.gate.clear()
                threading.Timer(0.005, sink.gate.set).start()
            assert queue.put_bulk(b"%06d\n" % number, 20)
        wait_until(lambda: sink.data.count(b"\n") == 20_000, 20, "all lines are sent")
    assert sink.data.split() == [b"%06d" % number for number in range(20_000)]
    assert queue.frames_refused == 0


def test_no_wake_up_is_lost_and_each_lane_keeps_its_order_under_many_threads() -> None:
    """Every round ends only when all of it has arrived: one lost wake-up would hang it."""
    outbox = MemoryOutbox()
    queue, sink = opened(outbox, bulk_frames_max=1_000)
    rng = random.Random(1)
    rounds = 120

    def arrived(seqs: int, number: int) -> bool:
        frames = read_frames(sink.data)
        words = [found["message"] for found in frames if found["tag"] != "event"]
        return (
            sum(found["tag"] == "event" for found in frames) == seqs
            and f"urgent {number}" in words
            and f"bulk {number}" in words
            and f"status {number}" in words
        )

    def text(word: str, number: int) -> bytes:
        return frame(b'{"tag":"x","message":"%s %d"}' % (word.encode(), number))

    seqs = 0
    with writing(queue):
        for number in range(rounds):
            acts: list[Callable[[], object]] = [
                partial(queue.send_urgent, text("urgent", number)),
                partial(queue.put_bulk, text("bulk", number), 20),
                partial(queue.put_status, text("status", number)),
                queue.want_rows,
            ]
            rng.shuffle(acts)
            outbox.add(2)
            seqs += 2
            threads = [start(act) for act in acts]
            for thread in threads:
                thread.join(10)
            wait_until(partial(arrived, seqs, number), 10, "this round has arrived")
            queue.acknowledge("epoch-1", seqs)
            sink.pieces = [sink.data]
    events = [found["seq"] for found in read_frames(sink.data) if found["tag"] == "event"]
    assert events == list(range(1, seqs + 1))


def test_replies_keep_their_order_beside_a_flood_of_lines_and_rows() -> None:
    outbox = MemoryOutbox()
    queue, sink = opened(outbox, bulk_frames_max=200)
    ending = threading.Event()

    def flood() -> None:
        while not ending.is_set():
            queue.put_bulk(frame(b'{"tag":"log"}'), 1)
            queue.want_rows()

    with writing(queue):
        flooding = start(flood)
        try:
            for number in range(5_000):
                assert queue.send_urgent(frame(b'{"tag":"reply","n":%d}' % number))
        finally:
            ending.set()
            flooding.join(10)
        wait_until(lambda: not queue.is_pending, 20, "all is written")
    replies = [found["n"] for found in read_frames(sink.data) if found["tag"] == "reply"]
    assert replies == list(range(5_000))


def test_a_queue_is_not_drained_while_the_outbox_is_being_read_or_cannot_be_read() -> None:
    outbox = MemoryOutbox()
    queue, _sink = opened(outbox)
    outbox.add(1)
    seen: list[bool] = []

    def fail() -> None:
        seen.append(queue.is_drained)
        raise OSError("the disk is away")

    outbox.before_read = fail
    write_once(queue)
    assert seen == [False]
    assert not queue.is_drained
    outbox.before_read = lambda: seen.append(queue.is_drained)
    queue.retry_rows()
    write_once(queue)
    assert seen == [False, False]
    assert not queue.is_drained
    queue.acknowledge(outbox.epoch, 1)
    write_all(queue)
    assert queue.is_drained
