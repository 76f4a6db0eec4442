"""The seam to the bots: the link as commands need it, and a command as it is sent."""

from typing import Protocol

from tcpproto import Command, Message
from telegram.bridge.records import CommandRecord


class Link(Protocol):
    """Reach the bots (tcpproto.LinkServer)."""

    def send(self, name: str, message: Message) -> bool:
        """Send now, or say that it cannot be sent."""
        ...

    def ack(self, name: str, epoch: str, seq: int) -> bool:
        """Acknowledge events."""
        ...

    def rtt_s(self, name: str) -> float | None:
        """Return the last heartbeat's round trip."""
        ...


def message_of(record: CommandRecord, now: float) -> Message:
    """Return a command as its bot reads it."""
    command = Command(
        id=record.id,
        verb=record.verb,
        args=record.args,
        author=record.author,
        role=record.role.value,
        chat=record.chat,
        issued_at=record.issued_at,
        expires_at=record.expires_at,
        account=record.account,
        confirmed=record.confirmed,
    )
    return command.to_message(now)
