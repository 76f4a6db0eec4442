"""What the link's server tells the bridge: put into queues on the thread `tcp-server`, no more."""

import logging
from collections import OrderedDict
from collections.abc import Callable

from daemonkit.clock import Clock
from tcpproto import Event, Log, PeerInfo, Reply, Status
from tcpproto.greetings import Hello
from telegram.bridge.intake import Connected, Disconnected, Intake

log = logging.getLogger(__name__)

# A peer that is turned away tries again for ever; it is worth a line only so often.
REFUSAL_LOGGED_EVERY_S = 600.0
_REFUSALS_KEPT_MAX = 256


class LinkEars:
    """Hear the peers (tcpproto.ServerCallbacks)."""

    def __init__(self, intake: Intake, last_seq: Callable[[str, str], int], clock: Clock) -> None:
        self._intake = intake
        self._last_seq = last_seq
        self._clock = clock
        self._refusals: OrderedDict[tuple[str, str], float] = OrderedDict()

    def on_hello(self, hello: Hello) -> int:
        """Return how far the hello's bot and epoch are stored."""
        return self._last_seq(hello.bot, hello.epoch)

    def on_connected(self, peer: PeerInfo) -> None:
        """Queue that a peer is there."""
        self._intake.add_link(Connected(peer))

    def on_disconnected(self, peer: PeerInfo, reason: str, clean: bool) -> None:
        """Queue that a peer is gone."""
        self._intake.add_link(Disconnected(peer, reason, clean))

    def on_refused(self, name: str, address: str, code: str, text: str) -> None:
        """Log that a peer was turned away."""
        key, now = (name or address.rpartition(":")[0], code), self._clock.monotonic()
        if now - self._refusals.get(key, float("-inf")) < REFUSAL_LOGGED_EVERY_S:
            return
        self._refusals[key] = now
        if len(self._refusals) > _REFUSALS_KEPT_MAX:
            self._refusals.popitem(last=False)
        log.warning("refused %s from %s: %s (%s)", name or "a peer", address, text, code)

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        """Queue a durable event."""
        self._intake.add_event(peer.name, event)

    def on_reply(self, peer: PeerInfo, reply: Reply) -> None:
        """Queue an answer."""
        self._intake.add_reply(peer.name, reply)

    def on_log(self, peer: PeerInfo, log: Log) -> None:
        """Queue a log line."""
        self._intake.add_log(peer.name, log)

    def on_status(self, peer: PeerInfo, status: Status) -> None:
        """Queue a status."""
        self._intake.add_status(peer.name, status)

    def on_text(self, peer: PeerInfo, text: str) -> None:
        """Queue a text for the chats."""
        self._intake.add_text(peer.name, text)
