"""The client's shell: the sockets and the two threads of the trading process's end.

`tcp-recv` connects, shakes hands, reads and keeps the heartbeat; `tcp-send` writes. No call of
this class waits for the network, save `offer(wait_s=…)` and `stop`.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Final

from tcpproto.authentication import NONCE_BYTES
from tcpproto.backoff import Backoff
from tcpproto.client_callbacks import ClientCallbacks, ClientSettings, Identity, LinkState
from tcpproto.client_connection import ClientConnection
from tcpproto.client_queue import ClientQueue
from tcpproto.client_stream import QUIET_S, ClientStream
from tcpproto.connection import Closed, ConnectionEvent, Noticed, Opened
from tcpproto.errors import RemoteProtocolError
from tcpproto.greetings import Bye, Hello
from tcpproto.messages import Message, encode_message
from tcpproto.outbox import OutboxReader
from tcpproto.payloads import Ack, Command
from tcpproto.timing import Clock, Now, read_clock

logger = logging.getLogger(__name__)

_STEADY_AFTER_S: Final = 1.0
# Trying again changes nothing about these: somebody must act. Either side may have said so.
_REFUSALS: Final = frozenset({"bot_name", "name_taken", "secret", "tls", "version"})


class LinkClient:
    """Keep one connection to the bridge alive and send and receive over it."""

    def __init__(
        self,
        settings: ClientSettings,
        identity: Identity,
        outbox: OutboxReader,
        callbacks: ClientCallbacks,
        *,
        last_seq: Callable[[], int],
        clock: Clock,
        rng: Random,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._callbacks = callbacks
        self._last_seq = last_seq
        self._clock = clock
        self._queue = ClientQueue(outbox, settings.bulk_frames_max)
        self._backoff = Backoff(cap_s=settings.backoff_cap_s, rng=rng)
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._progress = threading.Event()
        self._stream: ClientStream | None = None
        self._state = LinkState("connecting", clock.wall())
        self._ahead_s = 0.0
        self._reader = threading.Thread(target=self._read_for_ever, name="tcp-recv", daemon=True)
        self._writer = threading.Thread(target=self._write_for_ever, name="tcp-send", daemon=True)

    @property
    def ahead_s(self) -> float:
        """Return how far our clock is ahead of the bridge's, by the last frame; for callbacks."""
        return self._ahead_s

    @property
    def state(self) -> LinkState:
        """Return the present state of the link."""
        return self._state

    @property
    def is_alive(self) -> bool:
        """Tell whether both threads run."""
        return self._reader.is_alive() and self._writer.is_alive()

    @property
    def frames_refused(self) -> int:
        """Count the frames that found their queue full or were dropped with their connection."""
        return self._queue.frames_refused

    def start(self) -> None:
        """Start both threads; they connect by themselves, for ever."""
        self._reader.start()
        self._writer.start()

    def offer(self, message: Message, wait_s: float = 0.0) -> bool:
        """Send best effort; False when offline or, after `wait_s`, still full."""
        queue = self._queue
        if queue.sink is None:
            return False  # and the message need not be encoded
        return queue.put_bulk(encode_message(message), wait_s)

    def send(self, message: Message) -> bool:
        """Send before best-effort messages; False, and dropped, when offline.

        What the socket takes at once goes out on the caller's thread, which spares two thread
        switches; it never blocks.
        """
        return self._queue.send_urgent(encode_message(message))

    def set_status(self, message: Message) -> None:
        """Replace the status: the latest wins, and is sent first after a reconnect."""
        self._queue.put_status(encode_message(message))

    def wake_outbox(self) -> None:
        """Say that the outbox has new committed rows."""
        self._queue.want_rows()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was given is sent and durable rows are acknowledged."""
        deadline = self._clock.monotonic() + timeout_s
        while self._queue.is_open and not self._queue.is_drained:
            left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                return False
            self._progress.wait(min(left_s, 0.02))
            self._progress.clear()
        return self._queue.is_drained

    def stop(self, reason: str, timeout_s: float) -> None:
        """Flush, say goodbye, close, and end both threads within `timeout_s`."""
        deadline = self._clock.monotonic() + timeout_s
        if self._reader.ident is not None:
            self.flush(timeout_s * 0.7)
            self._stopping.set()
            self._end_threads(reason, deadline)
        self._set_state("stopped", reason)

    def _end_threads(self, reason: str, deadline: float) -> None:
        bye = Bye("stopping", reason).to_message(self._clock.wall())
        is_said = self._queue.put_urgent(encode_message(bye))
        # Not before the goodbye is in its queue: the writer ends as soon as that is empty.
        self._ending.set()
        self._queue.wake()
        if is_said:
            self._writer.join(max(0.0, deadline - self._clock.monotonic()) * 0.5)
        stream = self._stream
        if stream is not None:
            stream.shut()
        for thread in (self._writer, self._reader):
            thread.join(max(0.1, deadline - self._clock.monotonic()))

    def _set_state(self, phase: str, detail: str = "", reconnects: int | None = None) -> None:
        before = self._state
        if reconnects is None:
            reconnects = before.reconnects
        if (phase, detail) != (before.phase, before.detail):
            self._state = LinkState(phase, self._clock.wall(), detail, None, reconnects)
            logger.info("link %s%s", phase, f": {detail}" if detail else "")
            try:
                self._callbacks.on_state(self._state)
            except Exception:
                # Foreign code at the thread's boundary: the link goes on without it.
                logger.exception("fault in on_state")

    def _write_for_ever(self) -> None:
        while True:
            sink, data = self._queue.next_batch()
            if sink is not None and (data or sink.rest):
                try:
                    sink.send(data)
                except OSError as error:
                    # The reader sees the same break and ends the connection.
                    logger.debug("cannot send: %s", error)
            self._queue.settle()
            self._progress.set()
            if self._ending.is_set() and (sink is None or not self._queue.is_pending):
                return

    def _read_for_ever(self) -> None:
        while not self._stopping.wait(self._backoff.next_wait_s()):
            try:
                closed = self._converse()
            except OSError as error:
                closed = Closed("unreachable", str(error), is_clean=False)
            except RemoteProtocolError as error:
                closed = Closed(error.code, error.text, is_clean=False)
            except Exception:
                # The thread's boundary: a fault of ours in one conversation must not end the link.
                logger.exception("link fault, the connection is closed")
                closed = Closed("fault", "internal fault, see the log", is_clean=False)
            finally:
                self._hang_up()
            self._after(closed)

    def _after(self, closed: Closed) -> None:
        if self._stopping.is_set():
            return
        self._set_state("refused" if closed.code in _REFUSALS else "connecting", closed.text)
        if closed.retry_after_s is not None:
            self._stopping.wait(min(closed.retry_after_s, 60.0))

    def _hang_up(self) -> None:
        self._queue.close()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _converse(self) -> Closed:
        """Hold one conversation, from connecting to its end."""
        settings = self._settings
        stream = ClientStream.connect(
            settings.address(),
            settings.tls,
            timeout_s=settings.limits.handshake_s,
            stopping=self._stopping,
        )
        self._stream = stream
        if self._stopping.is_set():  # stop() may have come too early to see the stream
            return Closed("stopping", "stopped while connecting", is_clean=True)
        nonce = secrets.token_hex(NONCE_BYTES) if self._settings.secret is not None else None
        identity = self._identity
        hello = Hello(
            bot=identity.bot,
            instance=identity.instance,
            epoch=identity.epoch,
            last_seq=self._last_seq(),
            software=identity.software,
            nonce=nonce,
        )
        connection = ClientConnection(
            hello, self._settings.secret, self._settings.limits, read_clock(self._clock)
        )
        stream.send(connection.data_to_send())
        opened_at = polled_at = self._clock.monotonic()
        closed = None
        while closed is None:
            data = stream.receive()
            now = read_clock(self._clock)
            if data:
                events = connection.receive_data(data, now)
            else:
                events = [] if data is None else connection.receive_end()
            if now.monotonic - polled_at >= QUIET_S:
                polled_at = now.monotonic
                events += self._poll(connection, now)
            closed = self._act_on(events, stream, connection, now)
        if self._clock.monotonic() - opened_at >= _STEADY_AFTER_S:
            self._backoff.reset()
        return closed

    def _poll(self, connection: ClientConnection, now: Now) -> list[ConnectionEvent]:
        """Do what is due with time and not with bytes."""
        self._queue.retry_rows()
        if connection.rtt_s != self._state.rtt_s and self._state.phase == "connected":
            self._state = replace(self._state, rtt_s=connection.rtt_s)
        return connection.poll(now)

    def _act_on(
        self,
        events: list[ConnectionEvent],
        stream: ClientStream,
        connection: ClientConnection,
        now: Now,
    ) -> Closed | None:
        """Act on what was heard; return how the conversation ended, if it did."""
        closed = None
        try:
            for event in events:
                if type(event) is Message:
                    self._receive(event, now)
                else:
                    closed = self._change(event, stream) or closed
        except RemoteProtocolError as error:
            closed = connection.fail(error.code, error.text, now)
        if not connection.has_data_to_send:
            return closed
        out = connection.data_to_send()
        if connection.is_closed:
            # Not at any price: the writer may be stuck in a socket that takes nothing more.
            stream.try_send(out)
        elif connection.is_open:
            # A heartbeat that finds no room is not missed beside all that waits before it, and
            # waiting here for a peer that reads nothing would never find it dead.
            self._queue.send_urgent(out)
        else:
            stream.send(out)
        return closed

    def _receive(self, message: Message, now: Now) -> None:
        self._ahead_s = now.wall - message.timestamp
        if message.tag == "command":
            command = Command.parse(message)
            try:
                self._callbacks.on_command(command)
            except Exception:
                # The bridge sends it again after a reconnect: it must not cost the connection.
                logger.exception("fault in on_command id=%s verb=%s", command.id, command.verb)
        else:
            ack = Ack.parse(message)
            self._acknowledge(ack.epoch, ack.seq)

    def _change(self, event: ConnectionEvent, stream: ClientStream) -> Closed | None:
        if isinstance(event, Opened):
            self._open(event, stream)
        elif isinstance(event, Noticed):
            logger.warning("the bridge says: %s", event.text)
        elif isinstance(event, Closed):
            return event
        return None

    def _open(self, event: Opened, stream: ClientStream) -> None:
        epoch, last_seq = self._identity.epoch, event.welcome.last_seq
        self._queue.open(stream, epoch, last_seq)
        if last_seq:
            self._tell_stored(epoch, last_seq)
        self._set_state("connected", "", reconnects=self._state.reconnects + 1)

    def _acknowledge(self, epoch: str, seq: int) -> None:
        stored_seq = self._queue.acknowledge(epoch, seq)
        if stored_seq:
            self._tell_stored(epoch, stored_seq)
        self._progress.set()

    def _tell_stored(self, epoch: str, seq: int) -> None:
        try:
            self._callbacks.on_ack(epoch, seq)
        except Exception:
            # The rows stay; a later acknowledgement or the next start covers them.
            logger.exception("fault in on_ack epoch=%s seq=%d", epoch, seq)
