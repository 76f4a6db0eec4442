"""What the server does with what its peers say: who is who, who is told, and how each ends.

All but `find` and `peers` belongs to the thread `tcp-server`; callbacks run on it and must not
block.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from tcpproto.connection import (
    BecameLegacy,
    Closed,
    ConnectionEvent,
    Identified,
    Noticed,
)
from tcpproto.errors import RemoteProtocolError
from tcpproto.greetings import Bye, Hello
from tcpproto.messages import Message
from tcpproto.payloads import Event, Log, Reply, Status, parse_text
from tcpproto.server_callbacks import ServerCallbacks, ServerSettings
from tcpproto.server_peer import Peer, PeerInfo
from tcpproto.server_sockets import ServerSockets
from tcpproto.timing import Clock, Now, read_clock

logger = logging.getLogger(__name__)

_Parse = Callable[[Message], Any]

EVENTS_UNACKNOWLEDGED_MAX: Final = 8192
_FLUSH_AFTER_BYE_S: Final = 1.0


class Conversations:
    """Act on what peers say, and know each that has a name."""

    def __init__(
        self,
        settings: ServerSettings,
        callbacks: ServerCallbacks,
        sockets: ServerSockets,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._callbacks = callbacks
        self._sockets = sockets
        self._clock = clock
        self._handlers: Mapping[str, tuple[Callable[[PeerInfo, Any], None], _Parse]] = {
            "event": (self._receive_event, Event.parse),
            "log": (callbacks.on_log, Log.parse),
            "reply": (callbacks.on_reply, Reply.parse),
            "status": (callbacks.on_status, Status.parse),
            "message": (callbacks.on_text, parse_text),
        }
        self._by_name: dict[str, Peer] = {}
        self._legacy_number = 0

    def find(self, name: str) -> Peer | None:
        """Return the connected peer of this name."""
        return self._by_name.get(name)

    def peers(self) -> list[PeerInfo]:
        """List the connected peers, bots and legacy ones."""
        return [peer.info for peer in tuple(self._by_name.values()) if peer.info is not None]

    def receive(self, peer: Peer) -> None:
        """Read once from a peer, and act on it."""
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
            self.drop(peer, Closed("cut", "the connection was cut", is_clean=False))

    def pass_time(self, peer: Peer, now: Now) -> None:
        """Act on what a peer has left undone for too long."""
        if peer.closes_at is not None:
            if now.monotonic >= peer.closes_at:
                self.drop(peer, Closed("closed", "closed", is_clean=True))
        elif peer.is_overrun:
            self.drop(peer, Closed("overrun", "it reads nothing", is_clean=False))
        else:
            self._dispatch(peer, peer.connection.poll(now))

    def close(self, peer: Peer, bye: Bye) -> None:
        """Say goodbye to a peer."""
        closed = peer.connection.close(bye, read_clock(self._clock))
        self._finish(peer, closed)

    def drop(self, peer: Peer, closed: Closed) -> None:
        """Free a peer's socket at once."""
        if self._sockets.remove(peer):
            self._forget(peer, closed.text, closed.is_clean)
            peer.close()

    def tell_refused(self, name: str, address: str, code: str, text: str) -> None:
        """Tell that a peer was turned away, unless nobody really was."""
        if code == "stopping" or (code == "cut" and not name):
            return  # port scanners come and go
        try:
            self._callbacks.on_refused(name, address, code, text)
        except Exception:
            logger.exception("fault in on_refused")

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
            self._sockets.watch(peer)

    def _change(self, peer: Peer, event: ConnectionEvent) -> None:
        if isinstance(event, Identified):
            self._identify(peer, event.hello)
        elif isinstance(event, BecameLegacy):
            self._admit(peer, self._next_legacy_name(), None)
        elif isinstance(event, Closed):
            self._finish(peer, event)
        elif isinstance(event, Noticed):
            label = peer.address if peer.info is None else peer.info.name
            logger.warning("%s says: %s", label, event.text)

    def _identify(self, peer: Peer, hello: Hello) -> None:
        """Admit a bot, unless a living other process has its name."""
        if peer.connection.is_closed:
            return  # what came with the hello broke the rules already
        old = self._by_name.get(hello.bot)
        if old is not None and old.info is not None:
            if old.info.instance == hello.instance or old.is_gone():
                self.close(old, Bye("replaced", "a newer connection of this bot took over"))
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
        self.close(peer, Bye("name_taken", text, self._settings.name_taken_retry_s))

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

    def _finish(self, peer: Peer, closed: Closed) -> None:
        """End a conversation; after a goodbye of ours the socket stays a moment.

        Closing at once, with bytes of the peer still unread, would reset the connection and
        take the goodbye with it.
        """
        if peer.info is None:
            self.tell_refused(peer.connection.bot, peer.address, closed.code, closed.text)
        self._forget(peer, closed.text, closed.is_clean)
        if goodbye := peer.connection.data_to_send():
            peer.write(goodbye)
            peer.closes_at = self._clock.monotonic() + _FLUSH_AFTER_BYE_S
            self._sockets.watch(peer)
            peer.end_output()
        else:
            self.drop(peer, closed)

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
