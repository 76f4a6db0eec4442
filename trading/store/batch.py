"""A batch: many units of effects that go into one transaction, and what is released after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

from tcpproto import OutboxRow, Reply, ReplyState
from trading.engine.effects import (
    CommittedEffect,
    RaiseEvent,
    RecordOutcome,
    SaveState,
    SendReply,
)
from trading.model.event import DurableEvent
from trading.model.outcome import CommandOutcome

NOT_KEPT = "state.db is damaged: what became of this command is not kept"


@dataclass(slots=True)
class Batch:
    """Collect effects in order; numbering its events fills `rows`, once."""

    units: int = 0
    values: dict[str, str] = field(default_factory=dict)
    events: list[DurableEvent] = field(default_factory=list)
    outcomes: list[CommandOutcome] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    rows: Sequence[OutboxRow] = ()
    marks: list[Event] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is to be written or released."""
        return not (self.units or self.acknowledged)

    def add_unit(self, unit: Sequence[CommittedEffect]) -> None:
        """Add the effects of one engine event; a later value of a key replaces an earlier one."""
        self.units += 1
        for effect in unit:
            if isinstance(effect, RaiseEvent):
                self.events.append(effect.event)
            elif isinstance(effect, SaveState):
                self.values[effect.key] = effect.value
            elif isinstance(effect, RecordOutcome):
                self.outcomes.append(effect.outcome)
                if effect.announce:
                    self.replies.append(effect.outcome.to_reply())
            elif isinstance(effect, SendReply):
                self.replies.append(effect.reply)

    def add_acknowledgement(self, epoch: str, seq: int) -> None:
        """Note what the bridge has stored; the highest number of an epoch counts."""
        self.acknowledged[epoch] = max(seq, self.acknowledged.get(epoch, 0))

    def replies_not_kept(self) -> list[Reply]:
        """Return what may be answered when the batch can never be committed."""
        return [Reply(one.reply_to, ReplyState.UNKNOWN, NOT_KEPT) for one in self.replies]
