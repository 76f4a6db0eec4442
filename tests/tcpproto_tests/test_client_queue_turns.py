"""No wake-up is lost, wherever the threads take turns.

The scheduler is replaced by a tracer: while one thread's call runs, another's whole call is put in
at each line of it in turn. What is then left lying in the queue would lie there for ever.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from tcpproto import client_queue
from tcpproto.client_queue import ClientQueue
from tests.fakes.memory_outbox import MemoryOutbox
from tests.tcpproto_tests.frames_of import frame, read_frames
from tests.tcpproto_tests.queue_turns import RecordingSink, has_work, write_all, write_once


class Scene:
    """A queue with a connection, and everything that may be done to it from other threads."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.queue = ClientQueue(self.outbox, 1_000)
        self.sink = RecordingSink()
        self.count = 0
        self.expected: list[str] = []
        self.queue.open(self.sink, "epoch-1", 0)
        write_all(self.queue)

    def is_locked(self) -> bool:
        """Tell whether another thread would have to wait now, so that it cannot run here."""
        return self.queue._rows_lock.locked() or self.queue._line_lock.locked()

    def line(self) -> None:
        self._say("line", lambda frame: self.queue.put_bulk(frame, 0))

    def status(self) -> None:
        # One may be replaced by a later one before it is sent.
        self.expected = [text for text in self.expected if not text.startswith("status")]
        self.queue.put_status(frame_of(self._text("status")))

    def reply(self) -> None:
        self._say("reply", self.queue.send_urgent)

    def reply_to_a_busy_socket(self) -> None:
        sink = self.sink
        sink.is_busy = True
        self._say("reply", self.queue.send_urgent)
        sink.is_busy = False

    def half_a_reply(self) -> None:
        self._say("reply", self.queue.send_urgent)
        self.sink.rest = b"rest"
        self.queue.wake()

    def event(self) -> None:
        self.outbox.add(1)
        self.queue.want_rows()

    def acknowledgement(self) -> None:
        self.queue.acknowledge("epoch-1", self.outbox.last_seq)

    def reconnect(self) -> None:
        """Lose the connection; what was meant for it is not expected any more."""
        self.queue.close()
        self.sink = RecordingSink()
        self.expected.clear()
        self.queue.open(self.sink, "epoch-1", 0)

    def write(self) -> None:
        if has_work(self.queue):
            write_once(self.queue)

    def check_nothing_is_left(self) -> None:
        write_all(self.queue)
        self._check_all_is_sent()
        # Whatever comes next still wakes the writer; a reply, which would wake it anyhow, is last.
        for act in (self.line, self.status, self.event, self.line, self.reply_to_a_busy_socket):
            act()
            write_all(self.queue)
            self._check_all_is_sent()

    def _check_all_is_sent(self) -> None:
        data = self.sink.data.replace(b"rest", b"")
        frames = read_frames(data)
        sent = [frame["message"] for frame in frames if frame["tag"] == "x"]
        for text in self.expected:
            assert text in sent, f"{text!r} is left lying"
        seqs = [frame["seq"] for frame in frames if frame["tag"] == "event"]
        acknowledged = self.queue._rows._acknowledged.get("epoch-1", 0)
        assert set(seqs) >= set(range(acknowledged + 1, self.outbox.last_seq + 1))
        assert seqs == sorted(set(seqs))
        assert not self.queue.is_pending
        assert not self.sink.rest

    def _say(self, word: str, put: Callable[[bytes], bool]) -> None:
        """Put a frame, which is expected to arrive if its connection holds."""
        sink, text = self.sink, self._text(word)
        if put(frame_of(text)) and sink is self.sink:
            self.expected.append(text)

    def _text(self, word: str) -> str:
        self.count += 1
        return f"{word} {self.count}"


def frame_of(text: str) -> bytes:
    return frame(b'{"tag":"x","message":"%s"}' % text.encode())


def run_with_turn(
    scene: Scene, act: Callable[[], object], other: Callable[[], None], at: int
) -> bool:
    """Run a call with another put in at one line of it; False when it has fewer lines."""
    lines = 0
    is_done = False

    def trace(at_frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal lines, is_done
        if at_frame.f_code.co_filename != client_queue.__file__:
            return None
        if event == "line" and not is_done:
            lines += 1
            if lines > at and not scene.is_locked():
                is_done = True
                sys.settrace(None)
                other()
                sys.settrace(trace)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return is_done


PRODUCERS = [
    "line",
    "status",
    "reply",
    "reply_to_a_busy_socket",
    "half_a_reply",
    "event",
    "acknowledgement",
    "reconnect",
]


def waiting_scene(waiting: str) -> Scene:
    """Return a scene in which something waits for the writer."""
    scene = Scene()
    scene.event()
    write_all(scene.queue)
    getattr(scene, waiting)()
    return scene


@pytest.mark.parametrize("other", PRODUCERS)
@pytest.mark.parametrize("waiting", PRODUCERS)
def test_nothing_is_left_when_a_producer_comes_in_at_any_line_of_the_writer(
    waiting: str, other: str
) -> None:
    at = 0
    while True:
        scene = waiting_scene(waiting)
        came_in = run_with_turn(scene, scene.write, getattr(scene, other), at)
        scene.check_nothing_is_left()
        if not came_in:
            break
        at += 1


@pytest.mark.parametrize("act", PRODUCERS)
@pytest.mark.parametrize("waiting", PRODUCERS)
def test_nothing_is_left_when_the_writer_comes_in_at_any_line_of_a_producer(
    waiting: str, act: str
) -> None:
    at = 0
    while True:
        scene = waiting_scene(waiting)
        came_in = run_with_turn(scene, getattr(scene, act), scene.write, at)
        scene.check_nothing_is_left()
        if not came_in:
            break
        at += 1


@pytest.mark.parametrize("other", PRODUCERS)
@pytest.mark.parametrize("act", PRODUCERS)
def test_nothing_is_left_when_one_producer_comes_in_at_any_line_of_another(
    act: str, other: str
) -> None:
    at = 0
    if act == other == "reconnect":
        return  # both are the reader's, one after the other
    while True:
        scene = Scene()
        came_in = run_with_turn(scene, getattr(scene, act), getattr(scene, other), at)
        scene.check_nothing_is_left()
        if not came_in:
            break
        at += 1
