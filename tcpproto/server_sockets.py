"""The server's sockets: which there are, what epoll watches of each, and how the loop is woken.

Belongs to the thread `tcp-server`, but for `wake`. It knows nothing of what peers say.
"""

from __future__ import annotations

import logging
import select
import socket
from collections.abc import Iterator
from typing import Final

from tcpproto.server_listener import Listener
from tcpproto.server_peer import Peer

logger = logging.getLogger(__name__)

_WAKES_LEN: Final = 4096


class ServerSockets:
    """Hold the listener, one socket for each peer, and a pair that wakes the loop."""

    def __init__(self) -> None:
        # epoll itself: `selectors` doubles the cost of every wake-up.
        self._epoll = select.epoll()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._listener: Listener | None = None
        self.by_fd: dict[int, Peer] = {}

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        if self._listener is None:
            raise RuntimeError("the server is not started")
        return self._listener.port

    def open(self, listening: socket.socket) -> None:
        """Watch a listening socket, and the one that wakes."""
        self._listener = Listener(listening, self._epoll)
        self._epoll.register(self._wake_read.fileno(), select.EPOLLIN)

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        """Return which file descriptors are ready, and for what."""
        return self._epoll.poll(timeout_s)

    def wake(self) -> None:
        """End a `poll` that waits; any thread may call it."""
        try:
            self._wake_write.send(b"w")
        except OSError as error:
            # A full pipe wakes as well as one more byte would; a closed one has nobody to wake.
            logger.debug("not woken: %s", error)

    def is_wake(self, fd: int) -> bool:
        """Tell whether a ready file descriptor is what `wake` writes to."""
        return fd == self._wake_read.fileno()

    def take_wakes(self) -> None:
        """Watch for room wherever another thread's bytes wait."""
        self._wake_read.recv(_WAKES_LEN)
        for peer in self.by_fd.values():
            self.watch(peer)

    def accept(self) -> Iterator[tuple[socket.socket, str]]:
        """Yield a bounded number of new peers with their addresses."""
        if self._listener is not None:
            yield from self._listener.accept()

    def resume_accepting(self) -> None:
        """Accept again after a pause; called at times."""
        if self._listener is not None:
            self._listener.resume()

    def add(self, peer: Peer) -> None:
        """Watch what a new peer says."""
        self.by_fd[peer.fd] = peer
        self._epoll.register(peer.fd, select.EPOLLIN)

    def watch(self, peer: Peer) -> None:
        """Watch for room, too, as long as something waits to go out."""
        mask = select.EPOLLIN | (select.EPOLLOUT if peer.backlog else 0)
        if mask != peer.interest and self.by_fd.get(peer.fd) is peer:
            peer.interest = mask
            self._epoll.modify(peer.fd, mask)

    def remove(self, peer: Peer) -> bool:
        """Watch a peer no longer; False when that was so already. Its socket is left open."""
        if self.by_fd.get(peer.fd) is not peer:
            return False
        del self.by_fd[peer.fd]
        self._epoll.unregister(peer.fd)
        return True

    def close(self) -> None:
        """Free the port and all that is not a peer's."""
        self._epoll.close()
        self._wake_read.close()
        self._wake_write.close()
        if self._listener is not None:
            self._listener.close()


def keep_alive(sock: socket.socket) -> None:
    """Have a new peer's socket wait for nothing, and the kernel find out when it is half-open."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A three-field peer has no heartbeat.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
