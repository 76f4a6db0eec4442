"""What the link is compared with: a bare socket, seed-style sockets, and pyzmq.

Each rival is a function for the far process (`serve_…`) and a class for the near one. A round trip
ends where the link hands the answer over: in the handler for links that call one, in the caller
for those that are read by it. The seed-style stand-in does what the original of seed 003
does: one queue item, one `json.dumps` and one send a message, a thread each way.
"""

from __future__ import annotations

import json
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import orjson

PAYLOAD = "x" * 140
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
        self._done.wait()
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
    """One end of a seed-style link: unbounded queue, one send a message, a thread each way.

    The handler runs on the receiving thread and the socket has a timeout of one second, as in
    the original.
    """

    def __init__(self, sock: socket.socket, handler: Any) -> None:
        sock.settimeout(1.0)
        self._sock = sock
        self._handler = handler
        self._outbound: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._send_loop, daemon=True).start()
        threading.Thread(target=self._receive_loop, daemon=True).start()

    def send(self, message: dict[str, Any]) -> None:
        """Queue one message."""
        self._outbound.put(message)

    def _send_loop(self) -> None:
        while True:
            data = json.dumps(self._outbound.get()).encode()
            try:
                # The original calls send(), which may cut; the stand-in must not lose the stream.
                self._sock.sendall(_HEADER.pack(len(data)) + data)
            except OSError:
                return

    def _receive_loop(self) -> None:
        while True:
            header = self._read(4)
            if header is None:
                return
            body = self._read(_HEADER.unpack(header)[0])
            if body is None:
                return
            self._handler(json.loads(body.decode()))

    def _read(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            try:
                piece = self._sock.recv(count - len(data))
            except TimeoutError:
                continue
            except OSError:
                return None
            if not piece:
                return None
            data += piece
        return data


def serve_seed(pipe: Connection) -> None:
    """Answer every message, or flood `count` messages when the near end asks for them."""
    listener = _listen()
    pipe.send(listener.getsockname()[1])
    sock = _accept(listener)
    done = threading.Event()

    def handle(message: dict[str, Any]) -> None:
        flood = message.get("flood", 0)
        if not flood:
            node.send(make_record())
        for _ in range(flood):
            node.send(make_record())

    node = SeedNode(sock, handle)
    pipe.poll(None)
    done.set()


class SeedLink:
    """The near end of the seed-style link."""

    def __init__(self, port: int) -> None:
        self._sock = _connect(port)
        self._node = SeedNode(self._sock, self._handle)
        self._course = RoundTrips(lambda: self._node.send(make_record()))
        self._left = 0
        self._done = threading.Event()

    def round_trips(self, count: int) -> list[float]:
        """Return the seconds that each of `count` answers took."""
        return self._course.run(count)

    def receive_flood(self, count: int) -> None:
        """Ask for a flood and take it."""
        self._left = count
        self._done.clear()
        self._node.send({"flood": count})
        self._done.wait()

    def _handle(self, _message: dict[str, Any]) -> None:
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
