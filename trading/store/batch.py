"""A batch: many units of effects that go into one transaction, and what is released after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from types import MappingProxyType
from typing import Any, Final

from tcpproto import OutboxRow, Reply, ReplyState
from trading.engine.effects import (
    CancelOrder,
    CommittedEffect,
    DropPosition,
    RaiseEvent,
    RecordOutcome,
    SaveFill,
    SaveOrder,
    SavePosition,
    SaveState,
    SaveTrade,
    SendReply,
    SubmitOrder,
)
from trading.model.account import MarketKey
from trading.model.event import DurableEvent
from trading.model.order import Fill, Order
from trading.model.outcome import CommandOutcome
from trading.model.position import Position, Trade
from trading.risk.approval import ApprovedOrder

NOT_KEPT = "state.db is damaged: what became of this command is not kept"

BrokerEffect = SubmitOrder | CancelOrder


@dataclass(slots=True)
class Batch:
    """Collect effects in order; numbering its events fills `rows`, once.

    Of an order and of a position only the last word is kept; None is a position that is gone.
    `releases` is what leaves after the commit, in order.
    """

    units: int = 0
    values: dict[str, str] = field(default_factory=dict)
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    positions: dict[MarketKey, Position | None] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    events: list[DurableEvent] = field(default_factory=list)
    outcomes: list[CommandOutcome] = field(default_factory=list)
    releases: list[Reply | BrokerEffect] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    rows: Sequence[OutboxRow] = ()
    marks: list[Event] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is to be written or released."""
        return not (self.units or self.acknowledged)

    @property
    def has_trading(self) -> bool:
        """Tell whether orders, fills, positions or trades are to be written."""
        return bool(self.orders or self.fills or self.positions or self.trades)

    def add_unit(self, unit: Sequence[CommittedEffect]) -> None:
        """Add the effects of one engine event; a later value of a key replaces an earlier one."""
        self.units += 1
        for effect in unit:
            _ADD[type(effect)](self, effect)

    def add_acknowledgement(self, epoch: str, seq: int) -> None:
        """Note what the bridge has stored; the highest number of an epoch counts."""
        self.acknowledged[epoch] = max(seq, self.acknowledged.get(epoch, 0))

    def take_broker_effects(self) -> list[BrokerEffect]:
        """Return what is for brokers, which is then no longer released by this batch."""
        taken = [one for one in self.releases if not isinstance(one, Reply)]
        if taken:
            self.releases = [one for one in self.releases if isinstance(one, Reply)]
        return taken

    def first_orders(self) -> list[ApprovedOrder]:
        """Return what each account's broker is to do first, where that is to send an order."""
        first: dict[str, BrokerEffect] = {}
        for one in self.releases:
            if isinstance(one, SubmitOrder):
                first.setdefault(one.approved.order.account, one)
            elif isinstance(one, CancelOrder):
                first.setdefault(one.account, one)
        return [one.approved for one in first.values() if isinstance(one, SubmitOrder)]

    def replies_not_kept(self) -> list[Reply]:
        """Return what may be answered when the batch can never be committed."""
        return [
            Reply(one.reply_to, ReplyState.UNKNOWN, NOT_KEPT)
            for one in self.releases
            if isinstance(one, Reply)
        ]


def _add_outcome(batch: Batch, effect: RecordOutcome) -> None:
    batch.outcomes.append(effect.outcome)
    if effect.announce:
        batch.releases.append(effect.outcome.to_reply())


def _add_state(batch: Batch, effect: SaveState) -> None:
    batch.values[effect.key] = effect.value


def _add_order(batch: Batch, effect: SaveOrder) -> None:
    order = effect.order
    batch.orders[order.account, order.id] = order


def _add_position(batch: Batch, effect: SavePosition) -> None:
    batch.positions[effect.position.key] = effect.position


def _drop_position(batch: Batch, effect: DropPosition) -> None:
    batch.positions[MarketKey(effect.account, effect.symbol)] = None


# By type, because this is done for every effect of every event.
_ADD: Final[Mapping[type, Callable[[Batch, Any], None]]] = MappingProxyType(
    {
        RaiseEvent: lambda batch, effect: batch.events.append(effect.event),
        SaveState: _add_state,
        SaveOrder: _add_order,
        SaveFill: lambda batch, effect: batch.fills.append(effect.fill),
        SavePosition: _add_position,
        DropPosition: _drop_position,
        SaveTrade: lambda batch, effect: batch.trades.append(effect.trade),
        SubmitOrder: lambda batch, effect: batch.releases.append(effect),
        CancelOrder: lambda batch, effect: batch.releases.append(effect),
        RecordOutcome: _add_outcome,
        SendReply: lambda batch, effect: batch.releases.append(effect.reply),
    }
)
