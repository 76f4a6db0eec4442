"""Rows of the outbox in the client's queue: windows, other connections, an outbox in trouble."""

import logging

import pytest

from tcpproto import OutboxRow
from tcpproto.client_queue import ClientQueue
from tcpproto.outbox import WINDOW_ROWS
from tests.fakes.memory_outbox import MemoryOutbox
from tests.tcpproto_tests.frames_of import frame, read_frames
from tests.tcpproto_tests.queue_turns import RecordingSink, opened, write_all, write_once


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
