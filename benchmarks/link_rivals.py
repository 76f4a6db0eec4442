"""What the link is compared with: a bare socket, seed-style sockets, and pyzmq.

Each rival is a function for the far process (`serve_…`) and a class for the near one. A round trip
ends where the link hands the answer over: in the handler for links that call one, in the caller
for those that are read by it. The seed-style stand-in does what the node of seed 003 does for each
message, with code of our own.
"""

from __future__ import annotations

import json
import logging
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import orjson

logger = logging.getLogger(__name__)

PAYLOAD = "x" * 140
_STUCK_AFTER_S = 300.0
_HEADER = struct.Struct(">I")


def make_record() -> dict[str, Any]:
    """Return the 200-byte message that every JSON transport carries."""
    return {"tag": "message", "message": PAYLOAD, "timestamp": time.time()}


def time_calls(call: Callable[[], None], count: int) -> list[float]:
    """Return the seconds that each call took."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def _wait_for(done: threading.Event) -> None:
    """Wait for the end of a course, but not for ever: its other end may have broken down."""
    if not done.wait(_STUCK_AFTER_S):
        raise TimeoutError(f"no end of the course within {_STUCK_AFTER_S:g} s")


class RoundTrips:
    """Run round trips from the handler: each answer sends the next message."""

    def __init__(self, send: Callable[[], object]) -> None:
        self._send = send
        self._times: list[float] = []
        self._left = 0
        self._sent_at = 0.0
        self._done = threading.Event()

    def run(self, count: int) -> list[float]:
        """Return the seconds that each of `count` round trips took."""
        self._times, self._left = [], count
        self._done.clear()
        self._next()
        _wait_for(self._done)
        return self._times

    def answer(self) -> None:
        """Take an answer, on whatever thread hands it over."""
        self._times.append(time.perf_counter() - self._sent_at)
        self._left -= 1
        if self._left:
            self._next()
        else:
            self._done.set()

    def _next(self) -> None:
        self._sent_at = time.perf_counter()
        self._send()


def _listen() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _accept(listener: socket.socket) -> socket.socket:
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def serve_raw(pipe: Connection) -> None:
    """Echo bytes without looking at them."""
    listener = _listen()
    pipe.send(listener.getsockname()[1])
    with listener, _accept(listener) as sock:
        while data := sock.recv(65536):
            sock.sendall(data)


class RawEcho:
    """Send 200 bytes and read them back: the limit of a socket."""

    def __init__(self, port: int) -> None:
        self._sock = _connect(port)
        self._data = b"x" * 200

    def round_trips(self, count: int) -> list[float]:
        """Return the seconds that each of `count` echoes took."""
        return time_calls(self._round_trip, count)

    def _round_trip(self) -> None:
        self._sock.sendall(self._data)
        left = len(self._data)
        while left:
            left -= len(self._sock.recv(left))

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


class SeedNode:
    """One end of a seed-style link, at the original's price for each message.

    An unbounded `queue.Queue` read with a timeout of one second, one `json.dumps`, one send and
    one line for the debug log a message; a socket with a timeout of one second, read header
    first and then in pieces of at most 4 KiB; a thread each way, the handler on the reading one.
    """

    def __init__(self, sock: socket.socket, handler: Callable[[str, Any], None]) -> None:
        sock.settimeout(1.0)
        self._sock = sock
        self._handler = handler
        self._outbound: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._is_open = True

    def start(self) -> None:
        """Send and receive; the handler may be called from here on."""
        threading.Thread(target=self._send_loop, daemon=True).start()
        threading.Thread(target=self._receive_loop, daemon=True).start()

    def send(self, tag: str, message: Any) -> None:
        """Queue one message."""
        self._outbound.put((tag, message))

    def _send_loop(self) -> None:
        while self._is_open:
            try:
                tag, message = self._outbound.get(timeout=1.0)
                record = {"tag": tag, "message": message, "timestamp": time.time()}
                data = json.dumps(record).encode()
                # The original calls send(), which may cut; the stand-in must not lose the stream.
                self._sock.sendall(_HEADER.pack(len(data)) + data)
                logger.debug(f"sent [{tag}] {message}")  # noqa: G004 - formatted whatever the level
            except queue.Empty:
                continue
            except OSError:
                return

    def _receive_loop(self) -> None:
        while (header := self._read(4)) is not None:
            body = self._read(_HEADER.unpack(header)[0])
            if body is None:
                break
            record = json.loads(body.decode())
            self._handler(record.get("tag", ""), record.get("message", ""))
        self._is_open = False

    def _read(self, count: int) -> bytes | None:
        pieces, have = [], 0
        while have < count:
            try:
                piece = self._sock.recv(min(count - have, 4096))
            except TimeoutError:
                continue
            except OSError:
                return None
            if not piece:
                return None
            pieces.append(piece)
            have += len(piece)
        return b"".join(pieces)


def serve_seed(pipe: Connection) -> None:
    """Answer every message, or flood `count` messages when the near end asks for them."""
    listener = _listen()
    pipe.send(listener.getsockname()[1])
    sock = _accept(listener)

    def handle(tag: str, message: Any) -> None:
        for _ in range(message if tag == "flood" else 1):
            node.send("message", PAYLOAD)

    node = SeedNode(sock, handle)
    node.start()
    pipe.poll(None)


class SeedLink:
    """The near end of the seed-style link."""

    def __init__(self, port: int) -> None:
        self._sock = _connect(port)
        self._node = SeedNode(self._sock, self._handle)
        self._course = RoundTrips(lambda: self._node.send("command", PAYLOAD))
        self._left = 0
        self._done = threading.Event()
        self._node.start()

    def round_trips(self, count: int) -> list[float]:
        """Return the seconds that each of `count` answers took."""
        return self._course.run(count)

    def receive_flood(self, count: int) -> None:
        """Ask for a flood and take it."""
        self._left = count
        self._done.clear()
        self._node.send("flood", count)
        _wait_for(self._done)

    def _handle(self, _tag: str, _message: Any) -> None:
        if not self._left:
            self._course.answer()
            return
        self._left -= 1
        if not self._left:
            self._done.set()

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


def serve_zmq(pipe: Connection) -> None:
    """Answer or flood through a ROUTER socket."""
    import zmq

    context = zmq.Context()
    sock = context.socket(zmq.ROUTER)
    sock.setsockopt(zmq.SNDHWM, 0)
    pipe.send(sock.bind_to_random_port("tcp://127.0.0.1"))
    while not pipe.poll(0):
        if not sock.poll(50):
            continue
        peer, body = sock.recv_multipart()
        flood = orjson.loads(body).get("flood", 0)
        for _ in range(flood or 1):
            sock.send_multipart([peer, orjson.dumps(make_record())])
    context.destroy(linger=0)


class ZmqLink:
    """The near end of the pyzmq link."""

    def __init__(self, port: int) -> None:
        import zmq

        self._context = zmq.Context()
        self._sock = self._context.socket(zmq.DEALER)
        self._sock.setsockopt(zmq.RCVHWM, 0)
        self._sock.connect(f"tcp://127.0.0.1:{port}")

    def round_trips(self, count: int) -> list[float]:
        """Return the seconds that each of `count` answers took."""
        return time_calls(self._round_trip, count)

    def _round_trip(self) -> None:
        self._sock.send(orjson.dumps(make_record()))
        orjson.loads(self._sock.recv())

    def receive_flood(self, count: int) -> None:
        """Ask for a flood and take it."""
        self._sock.send(orjson.dumps({"flood": count}))
        for _ in range(count):
            orjson.loads(self._sock.recv())

    def close(self) -> None:
        """Hang up."""
        self._context.destroy(linger=0)
