"""A client's queue with a socket in memory, and the turns of its writer thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tcpproto.client_queue import ClientQueue
from tests.fakes.memory_outbox import MemoryOutbox


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


def start(target: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread
