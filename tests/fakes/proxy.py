"""A bad network on loopback: a TCP proxy that delays, trickles, merges, cuts, freezes and loses.

Each direction has its own faults, which may be changed at any time and hold for all connections.
"""

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

_RECEIVE_LEN: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)


@dataclass
class Faults:
    """Say what one direction suffers; `cut_after` counts the bytes of one connection."""

    piece_len: int = _RECEIVE_LEN
    delay_s: float = 0.0
    merge_until: int = 0  # hold back until so many bytes have gathered
    cut_after: int | None = None
    is_frozen: bool = False  # nothing is read, so the sender's buffers fill
    is_lost: bool = False  # bytes are read and go nowhere
    is_end_hidden: bool = False  # the end of the stream is not passed on


@dataclass(eq=False)
class _Flow:
    """One direction of one connection."""

    source: socket.socket
    target: socket.socket
    faults: Faults
    count: int = 0
    thread: threading.Thread = field(init=False)


class Proxy:
    """Stand between clients and a server; `up` is towards the server."""

    def __init__(self, target_port: Callable[[], int]) -> None:
        self._target_port = target_port
        self.up, self.down = Faults(), Faults()
        self.connections = 0
        self.bytes_up = self.bytes_down = 0
        self.recorded_up = bytearray()
        self.cut_with_reset = False
        self._changed = threading.Condition()
        self._is_closed = False
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, name="proxy-accept")
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def change(self, direction: Faults, **faults: object) -> None:
        """Change faults of a direction at once."""
        with self._changed:
            for name, value in faults.items():
                setattr(direction, name, value)
            self._changed.notify_all()

    def freeze(self) -> None:
        """Forward nothing more in either direction; connections are still accepted."""
        self.change(self.up, is_frozen=True)
        self.change(self.down, is_frozen=True)

    def thaw(self) -> None:
        """Forward again, beginning with what has waited."""
        self.change(self.up, is_frozen=False)
        self.change(self.down, is_frozen=False)

    def cut_all(self) -> None:
        """End every connection there is."""
        with self._changed:
            sockets = list(self._sockets)
        for sock in sockets:
            self._end(sock)

    def cut_next_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Cut the connections there are, and the next one after so many bytes, but no later one."""
        with self._changed:
            self.up.cut_after, self.down.cut_after = up, down
        self.cut_all()

    def inject_up(self, data: bytes) -> None:
        """Send bytes to the server that no client has sent."""
        with self._changed:
            self._sockets[-1].sendall(data)

    def close(self) -> None:
        """End everything; no thread is left."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(10)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(10)
            if thread.is_alive():
                raise AssertionError("a proxy thread hangs")
        for sock in self._sockets:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port()), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for sock in (near, far):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                if self._is_closed:
                    near.close()
                    far.close()
                    return
                self.connections += 1
                self.bytes_up = self.bytes_down = 0
                self.recorded_up.clear()
                self._sockets = [s for s in self._sockets if s.fileno() >= 0] + [near, far]
                self._threads = [t for t in self._threads if t.is_alive()]
                for flow in (_Flow(near, far, self.up), _Flow(far, near, self.down)):
                    flow.thread = threading.Thread(
                        target=self._pump, args=(flow,), name="proxy-pump"
                    )
                    self._threads.append(flow.thread)
                    flow.thread.start()

    def _pump(self, flow: _Flow) -> None:
        try:
            while self._wait_while_frozen(flow):
                data = flow.source.recv(_RECEIVE_LEN)
                if not data:
                    break
                if not self._forward(flow, self._gather(flow, data)):
                    return
        except OSError:
            self._end_both(flow)
            return
        if flow.faults.is_end_hidden:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or not flow.faults.is_end_hidden)
        self._end_both(flow)

    def _gather(self, flow: _Flow, data: bytes) -> bytes:
        flow.source.settimeout(0.02)
        try:
            while len(data) < flow.faults.merge_until:
                more = flow.source.recv(_RECEIVE_LEN)
                if not more:
                    break
                data += more
        except TimeoutError:
            return data
        finally:
            flow.source.settimeout(None)
        return data

    def _forward(self, flow: _Flow, data: bytes) -> bool:
        """Pass bytes on as the faults allow; False once the connection is cut."""
        faults = flow.faults
        while data:
            if not self._wait_while_frozen(flow):
                return False
            if faults.delay_s:
                threading.Event().wait(faults.delay_s)
            piece, data = data[: faults.piece_len], data[faults.piece_len :]
            with self._changed:
                cut_after = faults.cut_after
                is_cut = cut_after is not None and flow.count + len(piece) >= cut_after
                if is_cut and cut_after is not None:
                    piece = piece[: cut_after - flow.count]
                    self.up.cut_after = self.down.cut_after = None
                flow.count += len(piece)
                self._note(flow, piece)
            if piece and not faults.is_lost:
                flow.target.sendall(piece)
            if is_cut:
                self._end_both(flow)
                return False
        return True

    def _note(self, flow: _Flow, piece: bytes) -> None:
        if flow.faults is self.up:
            self.bytes_up += len(piece)
            self.recorded_up += piece
        else:
            self.bytes_down += len(piece)

    def _wait_while_frozen(self, flow: _Flow) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or not flow.faults.is_frozen)
            return not self._is_closed

    def _end_both(self, flow: _Flow) -> None:
        self._end(flow.source)
        self._end(flow.target)

    def _end(self, sock: socket.socket) -> None:
        # Shut down first: closing alone would not wake the other thread that reads from it.
        try:
            if self.cut_with_reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            if self.cut_with_reset:
                sock.close()
