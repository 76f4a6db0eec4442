"""The server's listening socket: waits for its port, accepts, and pauses when it cannot."""

from __future__ import annotations

import errno
import logging
import select
import socket
import threading
from collections.abc import Iterator
from typing import Final

from tcpproto.timing import Clock

logger = logging.getLogger(__name__)

_ACCEPTS_A_TURN: Final = 64
_BIND_PAUSE_S: Final = 0.25


class Listener:
    """Accept peers for an epoll loop."""

    def __init__(self, sock: socket.socket, epoll: select.epoll) -> None:
        self._sock = sock
        self._epoll = epoll
        self._is_paused = False
        self._is_told = False
        epoll.register(sock.fileno(), select.EPOLLIN)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self._sock.getsockname()[1])

    def accept(self) -> Iterator[tuple[socket.socket, str]]:
        """Yield a bounded number of new peers with their addresses."""
        for _ in range(_ACCEPTS_A_TURN):
            try:
                sock, address = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._pause(error)
                return
            self._is_told = False
            yield sock, f"{address[0]}:{address[1]}"

    def resume(self) -> None:
        """Accept again after a pause; called at times."""
        if self._is_paused:
            self._is_paused = False
            self._epoll.modify(self._sock.fileno(), select.EPOLLIN)

    def close(self) -> None:
        """Free the port."""
        self._sock.close()

    def _pause(self, error: OSError) -> None:
        # Without file descriptors the waiting peer stays ready: asking again at once would take
        # the whole thread, and a log line each time.
        self._is_paused = True
        self._epoll.modify(self._sock.fileno(), 0)
        if not self._is_told:
            self._is_told = True
            logger.warning("cannot accept connections at present: %s", error)


def listen(
    host: str, port: int, *, clock: Clock, retry_s: float, stop: threading.Event
) -> socket.socket:
    """Return a listening socket; OSError (EADDRINUSE) when the port stays in use for `retry_s`."""
    deadline = clock.monotonic() + retry_s
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        try:
            sock = socket.create_server((host, port), family=family, backlog=512)
        except OSError as error:
            is_late = clock.monotonic() >= deadline
            if error.errno != errno.EADDRINUSE or is_late or stop.wait(_BIND_PAUSE_S):
                raise
        else:
            sock.setblocking(False)
            return sock
