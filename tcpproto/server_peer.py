"""One connected socket at the server: what came in, what waits to go out, who it is.

Everything but `write` and `is_writable_now` belongs to the thread `tcp-server`.
"""

from __future__ import annotations

import logging
import select
import socket
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import Final

from tcpproto.errors import RemoteProtocolError
from tcpproto.server_connection import ServerConnection
from tcpproto.tls import TlsLayer

logger = logging.getLogger(__name__)

RECEIVE_LEN: Final = 64 * 1024
OUT_BYTES_MAX: Final = 4 * 1024 * 1024
_TLS_HANDSHAKE: Final = 0x16


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """Say who a connected peer is; legacy peers have a name given by the bridge only."""

    name: str
    instance: str
    epoch: str
    legacy: bool
    address: str
    connected_at: float
    software: str = ""


class Peer:
    """Hold one socket and its conversation."""

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        connection: ServerConnection,
        tls: TlsLayer | None,
    ) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.interest = select.EPOLLIN
        self.address = address
        self.connection = connection
        self.info: PeerInfo | None = None
        self.unacknowledged: deque[tuple[str, int]] = deque()
        self.closes_at: float | None = None
        self.is_overrun = False
        self._tls = tls
        self._has_begun = False
        self.backlog = bytearray()  # what waits for room in the socket
        self._lock = Lock()
        self._is_closed = False

    @property
    def is_plain(self) -> bool:
        """Tell whether what is written goes out without TLS."""
        return self._tls is None

    def receive(self) -> bytes | None:
        """Read once: plaintext, b"" at the end of the stream, None if there is nothing yet.

        RemoteProtocolError when TLS fails.
        """
        try:
            data = self.sock.recv(RECEIVE_LEN)
        except BlockingIOError:
            return None
        except OSError as error:
            logger.debug("%s: %s", self.address, error)
            return b""
        if self._tls is None or not data:
            return data
        if not self._has_begun and data[0] != _TLS_HANDSHAKE:
            # Its goodbye must be readable, so it goes out as plain as the peer has spoken.
            self._tls = None
            raise RemoteProtocolError("tls", "this bridge speaks TLS, the peer does not")
        self._has_begun = True
        try:
            return self._tls.receive(data) or None
        finally:
            self._send_for(self._tls)

    def write(self, data: bytes) -> bool:
        """Send now what the socket takes and keep the rest; False if closed or too much waits.

        Any thread may call it. It never blocks.
        """
        with self._lock:
            if self._is_closed or len(self.backlog) + len(data) > OUT_BYTES_MAX:
                return False
            self._push(data if self._tls is None else self._tls.send(data))
        return True

    def flush(self) -> None:
        """Send on what was kept."""
        with self._lock:
            self._push(b"")

    def end_output(self) -> None:
        """Tell the other side that nothing more comes, once all that waits is sent."""
        with self._lock:
            if not self.backlog:
                try:
                    self.sock.shutdown(socket.SHUT_WR)
                except OSError as error:
                    logger.debug("%s: already gone: %s", self.address, error)

    def close(self) -> None:
        """Free the socket; later writes answer False."""
        with self._lock:
            self._is_closed = True
            self.backlog.clear()
            self.sock.close()

    def is_gone(self) -> bool:
        """Tell whether the other side has closed, even if bytes of it are still unread."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        return bool(poll.poll(0))

    def _send_for(self, tls: TlsLayer) -> None:
        # Ciphertext must leave in the order in which it was made.
        with self._lock:
            self._push(tls.data_to_send())

    def _push(self, data: bytes) -> None:
        """Send in order; a broken socket is left to the reader, which sees it too."""
        try:
            if not self.backlog:
                sent = self.sock.send(data) if data else 0
                if sent < len(data):
                    self.backlog += memoryview(data)[sent:]
                return
            self.backlog += data
            with memoryview(self.backlog) as view:
                sent = self.sock.send(view)
            del self.backlog[:sent]
        except BlockingIOError:
            if not self.backlog:
                self.backlog += data
        except OSError as error:
            logger.debug("%s: cannot send: %s", self.address, error)
            self.backlog.clear()
