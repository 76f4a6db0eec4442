"""The wire between engine, store and link client: who is told what, on which thread.

Commands come on `tcp-recv`: one that has a committed outcome is answered from the store, all
others go to the engine. Nothing here makes the engine or the store wait for the network.
"""

import logging
from collections.abc import Callable
from random import Random
from typing import Final, Protocol

from daemonkit.clock import Clock
from daemonkit.fault_log import FaultLog
from daemonkit.secrets import redact, redact_values
from tcpproto import (
    ClientSettings,
    Command,
    Identity,
    LinkClient,
    LinkState,
    LocalProtocolError,
    Log,
    Message,
    OutboxReader,
    Reply,
    Status,
    Text,
)
from tcpproto.arguments import CommandError
from tcpproto.vocabulary import Risk, risk_of
from trading.engine.events import UncheckedCommand
from trading.model.outcome import CommandOutcome

log = logging.getLogger(__name__)

# What a frame may take on its way, and clocks that agree may differ by.
_CLOCKS_AGREE_S: Final = 1.0
# Written as JSON a character takes at most six bytes, so this fits into any frame.
SHORTENED_LEN_MAX: Final = 100_000


class Outcomes(Protocol):
    """Find committed outcomes."""

    def find(self, command_id: str) -> CommandOutcome | None:
        """Return the outcome of a command, if it has one."""
        ...


class Committed(Protocol):
    """Read what the store has committed, on any thread."""

    @property
    def outbox(self) -> OutboxReader:
        """The events that wait for the bridge."""
        ...

    @property
    def outcomes(self) -> Outcomes:
        """The commands that were answered."""
        ...


class Uplink:
    """Speak to the bridge for engine and store; without a bridge everything goes on."""

    def __init__(
        self,
        settings: ClientSettings,
        identity: Identity,
        *,
        committed: Committed,
        take_command: Callable[[Command | UncheckedCommand], bool],
        acknowledge: Callable[[str, int], None],
        last_seq: Callable[[], int],
        clock: Clock,
        rng: Random,
    ) -> None:
        self._outcomes = committed.outcomes
        self._take_command = take_command
        self._acknowledge = acknowledge
        self._clock = clock
        self._is_refusing = False
        self._is_started = False
        self._faults = FaultLog(log, clock)
        self._client = LinkClient(
            settings,
            identity,
            committed.outbox,
            self,
            last_seq=last_seq,
            clock=clock,
            rng=rng,
        )

    @property
    def state(self) -> LinkState:
        """Return how the link is."""
        return self._client.state

    @property
    def is_alive(self) -> bool:
        """Tell whether the threads of the link run, or are still to be started."""
        return not self._is_started or self._client.is_alive

    def start(self) -> None:
        """Connect, and connect again, from now on."""
        self._client.start()
        # Only now: whoever looks in between would take a link that starts for one that ended.
        self._is_started = True

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is sent and acknowledged; False when it is not."""
        return self._client.flush(timeout_s)

    def stop(self, reason: str, timeout_s: float) -> None:
        """Say goodbye and end."""
        self._client.stop(reason, timeout_s)

    def answer(self, reply: Reply) -> None:
        """Send a reply; offline it is dropped, and the bridge asks again with the same id."""
        self._answer_by(self._client.send, reply)

    def answer_now(self, reply: Reply) -> None:
        """Send a reply from the engine's thread, which must not touch a socket itself."""
        self._answer_by(self._client.offer, reply)

    def _answer_by(self, send: Callable[[Message], bool], reply: Reply) -> None:
        at = self._clock.wall()
        reply = reply._replace(text=redact(reply.text), fields=redact_values(reply.fields))
        try:
            send(reply.to_message(at))
        except LocalProtocolError as error:
            # Too big for a frame; the outcome itself must arrive, or it is asked for for ever.
            log.warning("reply to %s is shortened: %s", reply.reply_to, error)
            text = reply.text[:SHORTENED_LEN_MAX]
            send(reply._replace(text=text, fields={"fields_left_out": True}).to_message(at))

    def show(self, status: Status) -> None:
        """Replace the status."""
        self._client.set_status(status.to_message(self._clock.wall()))

    def say(self, text: str) -> None:
        """Send a text for the chat, best effort."""
        self._client.offer(Text(redact(text)).to_message(self._clock.wall()))

    def forward(self, line: Log, wait_s: float) -> bool:
        """Send a log line, best effort, waiting for room if need be."""
        return self._client.offer(line.to_message(self._clock.wall()), wait_s)

    def wake_outbox(self) -> None:
        """Say that there are new committed events."""
        self._client.wake_outbox()

    def on_command(self, command: Command) -> None:
        """Answer what was answered before, and give the engine everything else."""
        command = _kept_alive(command, self._client.ahead_s)
        try:
            outcome = self._outcomes.find(command.id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine decides what to do
            self._faults.note(
                error, "cannot look up command id=%s verb=%s", command.id, command.verb
            )
            self._pass_on(UncheckedCommand(command))
            return
        if outcome is not None:
            self.answer(outcome.to_reply(repeat=True))
        else:
            self._pass_on(command)

    def _pass_on(self, command: Command | UncheckedCommand) -> None:
        if not self._take_command(command) and not self._is_refusing:
            # Once: there may be thousands behind it, and the bridge asks again for each.
            self._is_refusing = True
            log.info("the engine is stopping, commands are left to the next start")

    def on_ack(self, epoch: str, seq: int) -> None:
        """Let the store delete what the bridge has."""
        self._acknowledge(epoch, seq)

    def on_state(self, state: LinkState) -> None:
        """Take note; the status reads the state when it is made."""
        log.debug("link phase=%s", state.phase)


def _kept_alive(command: Command, ahead_s: float) -> Command:
    """Have what reduces risk expire by the bridge's clock: ours may be minutes ahead of it.

    The bridge sends nothing that has expired there.
    """
    if ahead_s <= _CLOCKS_AGREE_S:
        return command
    try:
        is_reducing = risk_of(command.verb, command.args) is Risk.REDUCING
    except CommandError:
        return command
    return command._replace(expires_at=command.expires_at + ahead_s) if is_reducing else command
