"""The server's shell: one epoll thread, `tcp-server`, for all peers.

Reads a bounded piece from each ready peer in turn, so that a flooding or frozen one never delays
another. Callbacks run on this thread and must not block.
"""

from __future__ import annotations

import logging
import secrets
import select
import socket
import threading
from typing import Final

from tcpproto.authentication import NONCE_BYTES
from tcpproto.connection import Closed
from tcpproto.greetings import Bye
from tcpproto.legacy import to_legacy
from tcpproto.messages import Message, encode_message
from tcpproto.payloads import Ack
from tcpproto.server_callbacks import ServerCallbacks, ServerSettings
from tcpproto.server_connection import ServerConnection
from tcpproto.server_conversations import Conversations
from tcpproto.server_listener import listen
from tcpproto.server_peer import Peer, PeerInfo
from tcpproto.server_sockets import ServerSockets, keep_alive
from tcpproto.timing import Clock, read_clock
from tcpproto.tls import TlsLayer

logger = logging.getLogger(__name__)

_SWEEP_S: Final = 0.2
_FAULT: Final = Closed("fault", "internal fault", is_clean=False)
_FAULT_TEXT: Final = "fault while serving %s, it is disconnected"


class LinkServer:
    """Serve all bots."""

    def __init__(
        self, settings: ServerSettings, callbacks: ServerCallbacks, *, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sockets = ServerSockets()
        self._conversations = Conversations(settings, callbacks, self._sockets, clock)
        self._is_full = False
        self._stopping = threading.Event()
        self._stop_reason = ""
        self._stop_deadline = 0.0
        self._thread = threading.Thread(target=self._serve, name="tcp-server", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return self._sockets.port

    def start(self, stop: threading.Event | None = None) -> None:
        """Listen and serve; OSError (EADDRINUSE) when the port stays in use too long.

        `stop` ends the waiting early.
        """
        settings = self._settings
        try:
            sock = listen(
                settings.host,
                settings.port,
                clock=self._clock,
                retry_s=settings.bind_retry_s,
                stop=stop or threading.Event(),
            )
        except OSError:
            self._sockets.close()
            raise
        self._sockets.open(sock)
        self._thread.start()

    def stop(self, reason: str, timeout_s: float) -> None:
        """Say goodbye to all, send what fits into `timeout_s`, close everything."""
        self._stop_reason = reason
        self._stop_deadline = self._clock.monotonic() + timeout_s
        self._stopping.set()
        if self._thread.is_alive():
            self._sockets.wake()
            self._thread.join(timeout_s + 1.0)
        elif self._thread.ident is None:
            self._sockets.close()

    def peers(self) -> list[PeerInfo]:
        """List the connected peers, bots and legacy ones."""
        return self._conversations.peers()

    def rtt_s(self, name: str) -> float | None:
        """Return the last heartbeat's round trip to a peer, if there was one."""
        peer = self._conversations.find(name)
        return None if peer is None else peer.connection.rtt_s

    def send(self, name: str, message: Message) -> bool:
        """Send to a peer; False when it is not connected, cannot understand it, or reads nothing.

        Any thread may call it. It never blocks.
        """
        peer = self._conversations.find(name)
        if peer is None or (info := peer.info) is None:
            return False
        if info.legacy:
            legacy = to_legacy(message)
            if legacy is None:
                return False
            message = legacy
        return self._write(peer, encode_message(message))

    def ack(self, name: str, epoch: str, seq: int) -> bool:
        """Tell a peer that its events of an epoch are stored up to `seq`."""
        peer = self._conversations.find(name)
        if peer is None:
            return False
        waiting = peer.unacknowledged
        while waiting and (waiting[0][0] != epoch or waiting[0][1] <= seq):
            waiting.popleft()
        message = Ack(epoch, seq).to_message(self._clock.wall())
        is_written = self._write(peer, encode_message(message))
        if not is_written:
            # Nothing would repeat it, and the peer may wait for it: a new connection clears that.
            peer.is_overrun = True
        return is_written

    def _write(self, peer: Peer, data: bytes) -> bool:
        is_written = peer.write(data)
        if peer.backlog and threading.current_thread() is not self._thread:
            self._sockets.wake()
        return is_written

    def _serve(self) -> None:
        swept_at = self._clock.monotonic()
        while self._keeps_serving():
            for fd, mask in self._sockets.poll(_SWEEP_S):
                self._serve_one(fd, mask)
            if self._clock.monotonic() - swept_at >= _SWEEP_S:
                self._sweep()
                swept_at = self._clock.monotonic()
        for peer in tuple(self._sockets.by_fd.values()):
            self._conversations.drop(peer, Closed("stopping", self._stop_reason, is_clean=True))
        self._sockets.close()

    def _keeps_serving(self) -> bool:
        """Tell whether to go on; while stopping, until the goodbyes have been read."""
        if not self._stopping.is_set():
            return True
        for peer in tuple(self._sockets.by_fd.values()):
            if not peer.connection.is_closed:
                self._conversations.close(peer, Bye("stopping", self._stop_reason))
        return bool(self._sockets.by_fd) and self._clock.monotonic() < self._stop_deadline

    def _serve_one(self, fd: int, mask: int) -> None:
        peer = self._sockets.by_fd.get(fd)
        if peer is not None:
            try:
                self._serve_peer(peer, mask)
            except Exception:
                # The thread's boundary: what one peer provokes must not end the others.
                logger.exception(_FAULT_TEXT, peer.address)
                self._conversations.drop(peer, _FAULT)
        elif self._sockets.is_wake(fd):
            self._sockets.take_wakes()
        else:
            self._accept()

    def _serve_peer(self, peer: Peer, mask: int) -> None:
        if mask & select.EPOLLOUT:
            peer.flush()
            self._sockets.watch(peer)
            if peer.closes_at is not None:
                peer.end_output()
        if mask != select.EPOLLOUT:
            self._conversations.receive(peer)

    def _sweep(self) -> None:
        now = read_clock(self._clock)
        self._sockets.resume_accepting()
        for peer in tuple(self._sockets.by_fd.values()):
            try:
                self._conversations.pass_time(peer, now)
            except Exception:
                logger.exception(_FAULT_TEXT, peer.address)
                self._conversations.drop(peer, _FAULT)

    def _accept(self) -> None:
        for sock, address in self._sockets.accept():
            if self._stopping.is_set():
                sock.close()
            elif len(self._sockets.by_fd) >= self._settings.peers_max:
                sock.close()
                self._tell_full(address)
            else:
                self._is_full = False
                try:
                    self._add(sock, address)
                except OSError as error:
                    logger.warning("cannot serve %s: %s", address, error)
                    sock.close()

    def _tell_full(self, address: str) -> None:
        if not self._is_full:
            self._is_full = True
            text = f"{len(self._sockets.by_fd)} peers are connected already, no more are taken"
            self._conversations.tell_refused("", address, "peers_max", text)

    def _add(self, sock: socket.socket, address: str) -> None:
        keep_alive(sock)
        settings = self._settings
        connection = ServerConnection(
            settings.secret,
            lambda: secrets.token_hex(NONCE_BYTES),
            settings.limits,
            read_clock(self._clock),
            legacy_allowed=settings.tls is None,
        )
        tls = None if settings.tls is None else TlsLayer(settings.tls, server_side=True)
        self._sockets.add(Peer(sock, address, connection, tls))
