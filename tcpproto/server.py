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
from collections.abc import Callable, Mapping
from typing import Any, Final

from tcpproto.authentication import NONCE_BYTES
from tcpproto.connection import (
    BecameLegacy,
    Closed,
    ConnectionEvent,
    Identified,
    Noticed,
)
from tcpproto.errors import RemoteProtocolError
from tcpproto.greetings import Bye, Hello
from tcpproto.legacy import to_legacy
from tcpproto.messages import Message, encode_message
from tcpproto.payloads import Ack, Event, Log, Reply, Status, parse_text
from tcpproto.server_callbacks import ServerCallbacks, ServerSettings
from tcpproto.server_connection import ServerConnection
from tcpproto.server_listener import Listener, listen
from tcpproto.server_peer import Peer, PeerInfo
from tcpproto.timing import Clock, Now, read_clock
from tcpproto.tls import TlsLayer

logger = logging.getLogger(__name__)

_Parse = Callable[[Message], Any]

EVENTS_UNACKNOWLEDGED_MAX: Final = 8192
_SWEEP_S: Final = 0.2
_FLUSH_AFTER_BYE_S: Final = 1.0


class LinkServer:
    """Serve all bots."""

    def __init__(
        self, settings: ServerSettings, callbacks: ServerCallbacks, *, clock: Clock
    ) -> None:
        self._settings = settings
        self._callbacks = callbacks
        self._clock = clock
        self._handlers: Mapping[str, tuple[Callable[[PeerInfo, Any], None], _Parse]] = {
            "event": (self._receive_event, Event.parse),
            "log": (callbacks.on_log, Log.parse),
            "reply": (callbacks.on_reply, Reply.parse),
            "status": (callbacks.on_status, Status.parse),
            "message": (callbacks.on_text, parse_text),
        }
        # epoll itself: `selectors` doubles the cost of every wake-up.
        self._epoll = select.epoll()
        self._by_fd: dict[int, Peer] = {}
        self._listener: Listener | None = None
        self._is_full = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._by_name: dict[str, Peer] = {}
        self._legacy_number = 0
        self._stopping = threading.Event()
        self._stop_reason = ""
        self._stop_deadline = 0.0
        self._thread = threading.Thread(target=self._serve, name="tcp-server", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        if self._listener is None:
            raise RuntimeError("the server is not started")
        return self._listener.port

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
            self._free()
            raise
        self._listener = Listener(sock, self._epoll)
        self._epoll.register(self._wake_read.fileno(), select.EPOLLIN)
        self._thread.start()

    def stop(self, reason: str, timeout_s: float) -> None:
        """Say goodbye to all, send what fits into `timeout_s`, close everything."""
        self._stop_reason = reason
        self._stop_deadline = self._clock.monotonic() + timeout_s
        self._stopping.set()
        if self._thread.is_alive():
            self._wake()
            self._thread.join(timeout_s + 1.0)
        elif self._thread.ident is None:
            self._free()

    def peers(self) -> list[PeerInfo]:
        """List the connected peers, bots and legacy ones."""
        return [peer.info for peer in tuple(self._by_name.values()) if peer.info is not None]

    def rtt_s(self, name: str) -> float | None:
        """Return the last heartbeat's round trip to a peer, if there was one."""
        peer = self._by_name.get(name)
        return None if peer is None else peer.connection.rtt_s

    def send(self, name: str, message: Message) -> bool:
        """Send to a peer; False when it is not connected, cannot understand it, or reads nothing.

        Any thread may call it. It never blocks.
        """
        peer = self._by_name.get(name)
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
        peer = self._by_name.get(name)
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
            self._wake()
        return is_written

    def _wake(self) -> None:
        try:
            self._wake_write.send(b"w")
        except OSError as error:
            # A full pipe wakes as well as one more byte would; a closed one has nobody to wake.
            logger.debug("not woken: %s", error)

    def _serve(self) -> None:
        swept_at = self._clock.monotonic()
        while self._keeps_serving():
            for fd, mask in self._epoll.poll(_SWEEP_S):
                self._serve_one(fd, mask)
            if self._clock.monotonic() - swept_at >= _SWEEP_S:
                self._sweep()
                swept_at = self._clock.monotonic()
        for peer in tuple(self._by_fd.values()):
            self._drop(peer, Closed("stopping", self._stop_reason, is_clean=True))
        self._free()

    def _free(self) -> None:
        self._epoll.close()
        self._wake_read.close()
        self._wake_write.close()
        if self._listener is not None:
            self._listener.close()

    def _keeps_serving(self) -> bool:
        """Tell whether to go on; while stopping, until the goodbyes have been read."""
        if not self._stopping.is_set():
            return True
        for peer in tuple(self._by_fd.values()):
            if not peer.connection.is_closed:
                self._close(peer, Bye("stopping", self._stop_reason))
        return bool(self._by_fd) and self._clock.monotonic() < self._stop_deadline

    def _serve_one(self, fd: int, mask: int) -> None:
        peer = self._by_fd.get(fd)
        if peer is not None:
            try:
                self._serve_peer(peer, mask)
            except Exception:
                # The thread's boundary: what one peer provokes must not end the others.
                logger.exception("fault while serving %s, it is disconnected", peer.address)
                self._drop(peer, Closed("fault", "internal fault", is_clean=False))
        elif fd == self._wake_read.fileno():
            self._drain_wakes()
        else:
            self._accept()

    def _drain_wakes(self) -> None:
        self._wake_read.recv(4096)
        for peer in self._by_fd.values():
            self._set_interest(peer)

    def _accept(self) -> None:
        if self._listener is None:
            return
        for sock, address in self._listener.accept():
            if self._stopping.is_set():
                sock.close()
            elif len(self._by_fd) >= self._settings.peers_max:
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
            text = f"{len(self._by_fd)} peers are connected already, no more are taken"
            self._tell_refused("", address, "peers_max", text)

    def _add(self, sock: socket.socket, address: str) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A three-field peer has no heartbeat; the kernel's finds it when it is half-open.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        settings = self._settings
        connection = ServerConnection(
            settings.secret,
            lambda: secrets.token_hex(NONCE_BYTES),
            settings.limits,
            read_clock(self._clock),
            legacy_allowed=settings.tls is None,
        )
        tls = None if settings.tls is None else TlsLayer(settings.tls, server_side=True)
        peer = Peer(sock, address, connection, tls)
        self._by_fd[peer.fd] = peer
        self._epoll.register(peer.fd, select.EPOLLIN)

    def _serve_peer(self, peer: Peer, mask: int) -> None:
        if mask & select.EPOLLOUT:
            peer.flush()
            self._set_interest(peer)
            if peer.closes_at is not None:
                peer.end_output()
        if mask == select.EPOLLOUT:
            return
        try:
            data = peer.receive()
        except RemoteProtocolError as error:
            closed = Closed(error.code, error.text, is_clean=False)
            if peer.is_plain:  # it spoke none where TLS is asked for
                closed = peer.connection.fail(error.code, error.text, read_clock(self._clock))
            self._finish(peer, closed)
            return
        if data:
            self._dispatch(peer, peer.connection.receive_data(data, read_clock(self._clock)))
        elif data is not None:
            self._dispatch(peer, peer.connection.receive_end())
            self._drop(peer, Closed("cut", "the connection was cut", is_clean=False))

    def _dispatch(self, peer: Peer, events: list[ConnectionEvent]) -> None:
        handlers = self._handlers
        try:
            for event in events:
                if type(event) is Message:
                    if (info := peer.info) is not None:
                        handle, parse = handlers[event.tag]
                        handle(info, parse(event))
                else:
                    self._change(peer, event)
        except RemoteProtocolError as error:
            now = read_clock(self._clock)
            self._change(peer, peer.connection.fail(error.code, error.text, now))
        if peer.connection.has_data_to_send:
            peer.write(peer.connection.data_to_send())
        if peer.backlog:
            self._set_interest(peer)

    def _change(self, peer: Peer, event: ConnectionEvent) -> None:
        if isinstance(event, Identified):
            self._identify(peer, event.hello)
        elif isinstance(event, BecameLegacy):
            self._admit(peer, self._next_legacy_name(), None)
        elif isinstance(event, Closed):
            self._finish(peer, event)
        elif isinstance(event, Noticed):
            logger.warning("%s says: %s", self._label(peer), event.text)

    def _identify(self, peer: Peer, hello: Hello) -> None:
        """Admit a bot, unless a living other process has its name."""
        if peer.connection.is_closed:
            return  # what came with the hello broke the rules already
        old = self._by_name.get(hello.bot)
        if old is not None and old.info is not None:
            if old.info.instance == hello.instance or old.is_gone():
                self._close(old, Bye("replaced", "a newer connection of this bot took over"))
            else:
                self._refuse_name(peer, hello, old)
                return
        if peer.info is not None:
            self._forget(peer, "said hello after all", clean=True)
        last_seq = self._callbacks.on_hello(hello)
        peer.connection.accept(last_seq, self._settings.software, read_clock(self._clock))
        self._admit(peer, hello.bot, hello)

    def _next_legacy_name(self) -> str:
        while True:
            self._legacy_number += 1
            name = f"legacy-{self._legacy_number}"
            if name not in self._by_name:  # a bot may have chosen that name
                return name

    def _refuse_name(self, peer: Peer, hello: Hello, old: Peer) -> None:
        text = (
            f"a bot named {hello.bot!r} is already connected from {old.address}; "
            "stop it or give this one another name"
        )
        old.connection.notify(
            f"another process with the name {hello.bot!r} was refused ({peer.address})",
            read_clock(self._clock),
        )
        old.write(old.connection.data_to_send())
        self._close(peer, Bye("name_taken", text, self._settings.name_taken_retry_s))

    def _admit(self, peer: Peer, name: str, hello: Hello | None) -> None:
        peer.info = PeerInfo(
            name=name,
            instance=hello.instance if hello else "",
            epoch=hello.epoch if hello else "",
            legacy=hello is None,
            address=peer.address,
            connected_at=self._clock.wall(),
            software=hello.software if hello else "",
        )
        # The welcome goes out before anything that a callback sends.
        peer.write(peer.connection.data_to_send())
        self._by_name[name] = peer
        logger.info("%s connected from %s", name, peer.address)
        self._callbacks.on_connected(peer.info)

    def _receive_event(self, info: PeerInfo, event: Event) -> None:
        waiting = self._by_name[info.name].unacknowledged
        if len(waiting) >= EVENTS_UNACKNOWLEDGED_MAX:
            raise RemoteProtocolError("window", "too many events before an acknowledgement")
        waiting.append((event.epoch, event.seq))
        self._callbacks.on_event(info, event)

    def _close(self, peer: Peer, bye: Bye) -> None:
        closed = peer.connection.close(bye, read_clock(self._clock))
        self._finish(peer, closed)

    def _finish(self, peer: Peer, closed: Closed) -> None:
        """End a conversation; after a goodbye of ours the socket stays a moment.

        Closing at once, with bytes of the peer still unread, would reset the connection and
        take the goodbye with it.
        """
        if peer.info is None:
            self._tell_refused(peer.connection.bot, peer.address, closed.code, closed.text)
        self._forget(peer, closed.text, closed.is_clean)
        if goodbye := peer.connection.data_to_send():
            peer.write(goodbye)
            peer.closes_at = self._clock.monotonic() + _FLUSH_AFTER_BYE_S
            self._set_interest(peer)
            peer.end_output()
        else:
            self._drop(peer, closed)

    def _drop(self, peer: Peer, closed: Closed) -> None:
        if self._by_fd.get(peer.fd) is not peer:
            return
        del self._by_fd[peer.fd]
        self._epoll.unregister(peer.fd)
        self._forget(peer, closed.text, closed.is_clean)
        peer.close()

    def _forget(self, peer: Peer, reason: str, clean: bool) -> None:
        info, peer.info = peer.info, None
        if info is None:
            return
        if self._by_name.get(info.name) is peer:
            del self._by_name[info.name]
        logger.info("%s disconnected: %s", info.name, reason)
        try:
            self._callbacks.on_disconnected(info, reason, clean)
        except Exception:
            # Foreign code at the thread's boundary: what is left to free is freed all the same.
            logger.exception("fault in on_disconnected")

    def _tell_refused(self, name: str, address: str, code: str, text: str) -> None:
        if code == "stopping" or (code == "cut" and not name):
            return  # nobody was turned away; port scanners come and go
        try:
            self._callbacks.on_refused(name, address, code, text)
        except Exception:
            logger.exception("fault in on_refused")

    def _set_interest(self, peer: Peer) -> None:
        mask = select.EPOLLIN | (select.EPOLLOUT if peer.backlog else 0)
        if mask != peer.interest and self._by_fd.get(peer.fd) is peer:
            peer.interest = mask
            self._epoll.modify(peer.fd, mask)

    def _sweep(self) -> None:
        now = read_clock(self._clock)
        if self._listener is not None:
            self._listener.resume()
        for peer in tuple(self._by_fd.values()):
            try:
                self._sweep_peer(peer, now)
            except Exception:
                logger.exception("fault while serving %s, it is disconnected", peer.address)
                self._drop(peer, Closed("fault", "internal fault", is_clean=False))

    def _sweep_peer(self, peer: Peer, now: Now) -> None:
        if peer.closes_at is not None:
            if now.monotonic >= peer.closes_at:
                self._drop(peer, Closed("closed", "closed", is_clean=True))
        elif peer.is_overrun:
            self._drop(peer, Closed("overrun", "it reads nothing", is_clean=False))
        else:
            self._dispatch(peer, peer.connection.poll(now))

    def _label(self, peer: Peer) -> str:
        return peer.info.name if peer.info is not None else peer.address
