"""Producers on threads of their own beside the client's writer: who waits, who loses nothing."""

import random
import threading
from collections.abc import Callable
from functools import partial

from tests.fakes.memory_outbox import MemoryOutbox
from tests.tcpproto_tests.frames_of import frame, read_frames
from tests.tcpproto_tests.queue_turns import opened, start, write_all, writing
from tests.waiting import wait_until


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
