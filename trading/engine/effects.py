"""What the engine wants done: values only, carried out by others.

Committed effects go to the store thread, one unit for each event, all or nothing, and are acted
on after the commit, in order. Immediate effects promise nothing and are carried out at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tcpproto import Reply, Status
from trading.engine.events import TimerName
from trading.model.event import DurableEvent
from trading.model.order import Fill, Order
from trading.model.outcome import CommandOutcome
from trading.model.position import Position, Trade
from trading.model.values import quickly_made
from trading.risk.approval import ApprovedOrder


@quickly_made
@dataclass(frozen=True, slots=True)
class SaveState:
    """Keep a value of the engine over restarts."""

    key: str
    value: str


@quickly_made
@dataclass(frozen=True, slots=True)
class SaveOrder:
    """Keep an order as it is now."""

    order: Order


@quickly_made
@dataclass(frozen=True, slots=True)
class SaveFill:
    """Keep an execution."""

    fill: Fill


@quickly_made
@dataclass(frozen=True, slots=True)
class SavePosition:
    """Keep a position as it is now."""

    position: Position


@quickly_made
@dataclass(frozen=True, slots=True)
class DropPosition:
    """Forget a position that is closed."""

    account: str
    symbol: str


@quickly_made
@dataclass(frozen=True, slots=True)
class SaveTrade:
    """Keep a closed trade, and write its line into trades.jsonl once it is committed."""

    trade: Trade


@quickly_made
@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Send an order to its broker, once everything that came before is committed."""

    approved: ApprovedOrder


@quickly_made
@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask a broker to cancel an order, once everything that came before is committed."""

    account: str
    order_id: str


@quickly_made
@dataclass(frozen=True, slots=True)
class RaiseEvent:
    """Put an event into the outbox."""

    event: DurableEvent


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Keep the outcome of a command and, once it is kept, answer with it if wanted."""

    outcome: CommandOutcome
    announce: bool = True


@dataclass(frozen=True, slots=True)
class SendReply:
    """Answer after everything that came before is committed."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class AnswerNow:
    """Answer at once, with something that is not kept: the store does not write."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """Show the present state, the latest one only."""

    status: Status


@dataclass(frozen=True, slots=True)
class SayNow:
    """Tell the chat by the best-effort way, when the durable one is closed."""

    text: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Fire a timer every `interval_s` from now on; starting it again changes its interval."""

    name: TimerName
    interval_s: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Let a timer rest."""

    name: TimerName


@dataclass(frozen=True, slots=True)
class ReportBug:
    """Log an error of our own that was contained."""

    text: str
    error: Exception


@dataclass(frozen=True, slots=True)
class WriteLog:
    """Write a line into the log for somebody else, such as a strategy instance."""

    level: str
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class AskAccount:
    """Have an account's worker look at all of it; an AccountSeen of this number answers."""

    account: str
    number: int


@dataclass(frozen=True, slots=True)
class ShowState:
    """Show the present state in state.json, the latest one only."""

    view: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShowEquity:
    """Show what an account was worth after each candle of its markets within a run of candles."""

    account: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class EntriesGone:
    """Say that nothing is open at a real venue any more that could enter while nobody watches."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Say that the engine has stopped and nothing follows."""


CommittedEffect = (
    SaveState
    | SaveOrder
    | SaveFill
    | SavePosition
    | DropPosition
    | SaveTrade
    | SubmitOrder
    | CancelOrder
    | RaiseEvent
    | RecordOutcome
    | SendReply
)
ImmediateEffect = (
    AnswerNow
    | PublishStatus
    | SayNow
    | StartTimer
    | StopTimer
    | ReportBug
    | WriteLog
    | AskAccount
    | ShowState
    | ShowEquity
    | EntriesGone
    | Finish
)
Effect = CommittedEffect | ImmediateEffect
