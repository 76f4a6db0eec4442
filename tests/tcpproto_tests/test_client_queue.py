"""What the client's writer sends next: order, bounds, and what of a lost connection is dropped."""

from tcpproto.client_queue import URGENT_FRAMES_MAX, ClientQueue
from tests.fakes.memory_outbox import MemoryOutbox
from tests.tcpproto_tests.frames_of import frame
from tests.tcpproto_tests.queue_turns import RecordingSink, opened, write_all


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
