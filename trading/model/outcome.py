"""The outcome of a command: given once, kept, and given again to whoever repeats the id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tcpproto import Reply, ReplyState


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """Hold the one final answer to a command id."""

    command_id: str
    verb: str
    author: str
    state: ReplyState
    text: str
    at: float
    fields: Mapping[str, Any] = field(default_factory=dict)

    def to_reply(self, *, repeat: bool = False) -> Reply:
        """Return the frame payload that tells this outcome."""
        return Reply(self.command_id, self.state, self.text, dict(self.fields), repeat)
