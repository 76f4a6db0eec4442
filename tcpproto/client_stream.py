"""One connected socket of the client: who may send when, and how long a read waits."""

from __future__ import annotations

import logging
import os
import select
import socket
import ssl
import struct
import threading
from typing import Any, Final, Self

from tcpproto.tls import TlsLayer

logger = logging.getLogger(__name__)

# A read that brings nothing ends after this long, so that the reader looks at the time.
QUIET_S: Final = 0.25
# Below the size from which malloc maps fresh pages for every call.
_RECEIVE_LEN: Final = 64 * 1024
_QUIET_US: Final = int(QUIET_S * 1_000_000)
_TIMEVAL: Final = struct.Struct("@ll")


class ClientStream:
    """One connected socket, with TLS over it or not: a reader and a writer may use it at once."""

    def __init__(self, sock: socket.socket, tls: TlsLayer | None) -> None:
        self._sock = sock
        self._tls = tls
        # Ciphertext must leave in the order in which it was made.
        self._send_lock = threading.Lock()
        self.rest = b""

    @classmethod
    def connect(
        cls,
        address: tuple[str, int],
        context: ssl.SSLContext | None,
        *,
        timeout_s: float,
        stopping: threading.Event,
    ) -> Self:
        """Connect, with TLS if there is a context; OSError when it fails, or to stop."""
        sock = _connect(address, timeout_s, stopping)
        # The kernel's receive timeout, and not Python's, which would bound the writer as well.
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(0, _QUIET_US))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = None
        if context is not None:
            tls = TlsLayer(context, server_side=False, server_hostname=address[0])
            sock.sendall(tls.start())
        return cls(sock, tls)

    def send(self, data: bytes) -> None:
        """Send all of it; OSError when the connection is broken."""
        with self._send_lock:
            rest, self.rest = self.rest, b""
            self._sock.sendall(rest + (data if self._tls is None else self._tls.send(data)))

    def try_send(self, data: bytes) -> bool:
        """Send now if nobody else is sending and the socket has room; never blocks.

        What the socket takes only a part of is kept and goes first at the next `send`.
        """
        if not self._send_lock.acquire(blocking=False):
            return False
        try:
            if self.rest:
                return False
            if self._tls is not None:
                data = self._tls.send(data)
            self.rest = data  # kept if the socket takes nothing
            sent = self._sock.send(data, socket.MSG_DONTWAIT)
            self.rest = data[sent:] if sent < len(data) else b""
        except BlockingIOError:
            return True
        except OSError as error:
            logger.debug("cannot send: %s", error)  # the reader sees the same break
        finally:
            self._send_lock.release()
        return True

    def receive(self) -> bytes | None:
        """Return what has come, b"" at the end of the stream, None after a quiet while."""
        try:
            data = self._sock.recv(_RECEIVE_LEN)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if self._tls is None or not data:
            return data
        return self._decrypt(self._tls, data)

    def _decrypt(self, tls: TlsLayer, data: bytes) -> bytes | None:
        try:
            plaintext = tls.receive(data)
        finally:
            self._send_for(tls)
        # Handshake bytes only: the stream has not ended.
        return plaintext or None

    def _send_for(self, tls: TlsLayer) -> None:
        """Send what TLS itself wants sent; while a writer is at it, that goes with its bytes."""
        if not self._send_lock.acquire(blocking=False):
            return
        try:
            self.rest += tls.data_to_send()
            if self.rest:
                self.rest = self.rest[self._sock.send(self.rest, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            logger.debug("no room for TLS itself, it goes out with the next bytes")
        finally:
            self._send_lock.release()

    def shut(self) -> None:
        """Break the connection, waking a thread that is blocked on it."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            logger.debug("already broken: %s", error)

    def close(self) -> None:
        """Break the connection and free the socket."""
        self.shut()
        # Not before the writer has left the socket: its number may be given to another one.
        with self._send_lock:
            self._sock.close()


def _connect(
    address: tuple[str, int], timeout_s: float, stopping: threading.Event
) -> socket.socket:
    """Connect to the first address that answers; OSError when none does, or to stop."""
    host, port = address
    failure = OSError(f"no address for {host}")
    for family, kind, protocol, _name, resolved in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            _finish_connecting(sock, resolved, timeout_s, stopping)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _finish_connecting(
    sock: socket.socket, address: Any, timeout_s: float, stopping: threading.Event
) -> None:
    sock.setblocking(False)
    try:
        sock.connect(address)
    except BlockingIOError:
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        for _ in range(max(1, round(timeout_s / QUIET_S))):
            if stopping.is_set():
                raise
            if poll.poll(QUIET_S * 1000):
                break
        else:
            raise TimeoutError(f"no answer within {timeout_s:g} s") from None
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))
