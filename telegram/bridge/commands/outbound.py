"""Commands on their way to bots: written down, sent, repeated, answered, given up.

A command is in bridge.db before it is on the wire. After a reconnect or a restart of the bridge
the same id is sent again while it has not expired, so a bot never does it twice. Belongs to the
thread `forward`; receipts.py says which steps there are.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from daemonkit.clock import Clock
from daemonkit.secrets import redact, redact_values
from tcpproto import Reply, ReplyState
from tcpproto.vocabulary import MAX_AGE_S, QUEUED_MAX_AGE_S, Risk, legacy_text, risk_of
from telegram.bridge.commands.journal import CommandJournal
from telegram.bridge.commands.outbound_texts import (
    NOT_SENT,
    away_text,
    clock_hint,
    lost_text,
    why_away,
)
from telegram.bridge.commands.wire import Link, message_of
from telegram.bridge.disk import DiskState
from telegram.bridge.errors import IllegalStepError
from telegram.bridge.receipts import OPEN, STEP_OF_REPLY, State, Step, advance
from telegram.bridge.records import CommandRecord
from telegram.bridge.sessions import Sessions
from telegram.bridge.store.inbound import InboundRow

log = logging.getLogger(__name__)

_UNKNOWN_KEPT_MAX = 1_000
# What is not sent while the disk takes no word of it.
_RISKY = frozenset({Risk.RAISING, Risk.SETTING})


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Hold how long and how much is waited for."""

    grace_s: float = 5.0
    reading_wait_s: float = 20.0
    show_after_s: float = 0.7
    open_max: int = 500


@dataclass(slots=True)
class _Open:
    record: CommandRecord
    show_at: float
    is_shown: bool = False


class Outbound:
    """Take commands to bots through their life; `show` puts a receipt into its chat."""

    def __init__(
        self,
        journal: CommandJournal,
        *,
        link: Link,
        sessions: Sessions,
        disk: DiskState,
        clock: Clock,
        limits: OutboundLimits,
        show: Callable[[CommandRecord], int | None],
    ) -> None:
        self._journal = journal
        self._link = link
        self._sessions = sessions
        self._disk = disk
        self._clock = clock
        self._limits = limits
        self._show = show
        self._open: dict[str, _Open] = {}
        self._lost: OrderedDict[str, CommandRecord] = OrderedDict()

    def restore(self) -> None:
        """Take up the commands that were open when the bridge ended."""
        now = self._clock.wall()
        for record in self._journal.read_open():
            entry = self._open[record.id] = _Open(record, now, is_shown=True)
            if record.state is State.QUEUED:
                self._announce(entry)
        if self._open:
            log.info("%d commands are taken up again", len(self._open))

    def issue_all(self, records: Sequence[CommandRecord]) -> None:
        """Issue what one person wants of several bots; a kill in between leaves none of it out."""
        if len(records) > 1:
            self._journal.save([one for one in map(self._first_form, records) if one is not None])
        for record in records:
            self.issue(record)

    def issue(self, record: CommandRecord) -> None:
        """Send a new command, keep it for a bot that is away, or refuse it."""
        risk = risk_of(record.verb, record.args)
        session = self._sessions.get(record.bot)
        if len(self._open) >= self._limits.open_max:
            self._refuse(record, f"too many commands are waiting; {NOT_SENT}")
        elif session is not None and session.is_connected:
            if session.legacy:
                self._issue_legacy(record)
            else:
                self._issue_now(record, risk)
        elif risk is Risk.REDUCING:
            self._queue(record)
        else:
            self._refuse(record, why_away(session, self._clock.wall()))

    def write_with(self, record: CommandRecord, row: InboundRow) -> Callable[[], None] | None:
        """Write a new command and what it came of as one; return what sends it.

        None when it is known, cannot be sent at once or not be written: then nothing was done.
        """
        session = self._sessions.get(record.bot)
        if session is None or not session.is_connected or session.legacy:
            return None
        if len(self._open) >= self._limits.open_max or self._is_at_hand(record.id):
            return None
        risk = risk_of(record.verb, record.args)
        if risk in _RISKY and self._disk.problem:
            return None
        sent = self._as_sent(record, _expiry_of(record, risk, self._limits))
        if not self._journal.add(sent, row):
            return None
        return lambda: self._send_written(record, sent, risk)

    def answer(self, bot: str, reply: Reply) -> None:
        """Note a bot's answer; one to a command of another bot is not believed."""
        record = self._find(reply.reply_to)
        if record is None or record.bot != bot:
            log.warning("%s answers %s, which was not asked of it", bot, reply.reply_to)
            return
        try:
            text = redact(reply.text) + clock_hint(record, reply, self._clock.wall())
            changes = {"text": text, "fields": redact_values(reply.fields)}
            self._step(self._lasting(record, reply), STEP_OF_REPLY[reply.state], **changes)
        except IllegalStepError as error:
            log.warning("%s answers %s a second time, differently: %s", bot, record.id, error)

    def _lasting(self, record: CommandRecord, reply: Reply) -> CommandRecord:
        """Let a bot take its time with what reduces risk, once it has accepted it."""
        is_reducing = risk_of(record.verb, record.args) is Risk.REDUCING
        if reply.state is not ReplyState.ACCEPTED or not is_reducing:
            return record
        expires_at = max(record.expires_at, record.issued_at + QUEUED_MAX_AGE_S)
        return replace(record, expires_at=expires_at)

    def connect(self, bot: str) -> None:
        """Send what waits for a bot, and again what it has not answered."""
        for entry in [one for one in self._open.values() if one.record.bot == bot]:
            if self._clock.wall() <= entry.record.expires_at:
                self._send_waiting(entry)

    def disconnect(self, bot: str) -> None:
        """Keep unanswered commands that reduce risk for as long as queued ones."""
        for entry in [one for one in self._open.values() if one.record.bot == bot]:
            record = entry.record
            is_reducing = risk_of(record.verb, record.args) is Risk.REDUCING
            if is_reducing and record.state is not State.QUEUED:
                expires_at = max(record.expires_at, record.issued_at + QUEUED_MAX_AGE_S)
                so_far = "accepted" if record.state is State.ACCEPTED else "sent"
                what = f"{so_far}, but not {'finished' if so_far == 'accepted' else 'answered'}"
                away = away_text(self._sessions.get(bot), self._clock.wall())
                text = f"{what}; {away}, sent again when it is back"
                self._keep(replace(record, expires_at=expires_at, text=text))
                self._announce(entry)

    def knows(self, command_id: str) -> bool:
        """Tell whether a command with this id was ever taken."""
        return self._is_at_hand(command_id) or self._journal.knows(command_id)

    def show_again(self, command_id: str) -> None:
        """Show how far a command has come where that was perhaps not seen before a restart."""
        if (entry := self._open.get(command_id)) is not None:
            self._announce(entry)
        elif (record := self._find(command_id)) is not None and not _is_told(record):
            self._show(record)

    def cancel(self, command_id: str) -> bool:
        """Give up a command that was not sent yet; False when it is too late."""
        entry = self._open.get(command_id)
        if entry is None or entry.record.state is not State.QUEUED:
            return False
        self._step(entry.record, Step.CANCEL, text=f"cancelled; {NOT_SENT}")
        return True

    def tick(self) -> None:
        """Let time pass: expire, give up waiting, show what takes long, save what was not saved."""
        now = self._clock.wall()
        for entry in tuple(self._open.values()):
            record = entry.record
            if record.state is State.QUEUED and now > record.expires_at:
                self._step(record, Step.EXPIRE, text=f"the bot was away too long; {NOT_SENT}")
            elif record.state is not State.QUEUED and now > self._given_up_at(record):
                self._step(record, Step.LOSE, text=lost_text(record))
            elif not entry.is_shown and now >= entry.show_at:
                self._announce(entry)
        self._journal.tick()

    def next_due(self) -> float | None:
        """Return the wall time at which tick() has something to do."""
        due = [self._due(entry) for entry in self._open.values()]
        if (save_at := self._journal.next_due()) is not None:
            due.append(save_at)
        return min(due, default=None)

    def open_in(self, chat: str) -> list[CommandRecord]:
        """Return the commands of a chat that have no outcome yet."""
        return [one.record for one in self._open.values() if one.record.chat == chat]

    @property
    def open_count(self) -> int:
        """Count the commands without an outcome."""
        return len(self._open)

    def _first_form(self, record: CommandRecord) -> CommandRecord | None:
        """Return a command as it will be written first; None if it may be refused unwritten."""
        session = self._sessions.get(record.bot)
        risk = risk_of(record.verb, record.args)
        if session is not None and session.is_connected:
            if session.legacy or (risk in _RISKY and self._disk.problem):
                return None
            return self._as_sent(record, _expiry_of(record, risk, self._limits))
        return self._as_queued(record) if risk is Risk.REDUCING else None

    def _issue_now(self, record: CommandRecord, risk: Risk) -> None:
        # Written as sent: after a crash in between, "perhaps sent" is the truth.
        sent = self._as_sent(record, _expiry_of(record, risk, self._limits))
        is_risky = risk in _RISKY
        if (is_risky and self._disk.problem) or (not self._journal.save((sent,)) and is_risky):
            # Also over what could not be written: a restart must not find it as sent.
            text = f"the bridge's disk: {self._disk.problem}; {NOT_SENT}"
            self._finish(record, Step.REJECT, text)
            return
        self._send_written(record, sent, risk)

    def _send_written(self, record: CommandRecord, sent: CommandRecord, risk: Risk) -> None:
        if self._put_on_the_wire(sent):
            self._open[sent.id] = _Open(sent, self._clock.wall() + self._limits.show_after_s)
        elif risk is Risk.REDUCING:
            self._queue(record)
        else:
            self._finish(record, Step.REJECT, f"cannot be sent now; {NOT_SENT}")

    def _issue_legacy(self, record: CommandRecord) -> None:
        if record.account:
            self._refuse(record, f"a three-field peer knows no accounts; {NOT_SENT}")
            return
        if legacy_text(record.verb, record.args) is None:
            self._refuse(record, f"a three-field peer does not know this command; {NOT_SENT}")
            return
        sent = self._as_sent(record, record.issued_at)
        self._journal.save((sent,))
        if self._put_on_the_wire(sent):
            self._finish(sent, Step.LOSE, "sent; this peer gives no answers")
        else:
            self._finish(record, Step.REJECT, f"cannot be sent now; {NOT_SENT}")

    def _queue(self, record: CommandRecord) -> None:
        record = self._as_queued(record)
        if not self._journal.save((record,)):
            text = f"{record.text} (kept in memory only: {self._disk.problem})"
            record = replace(record, text=text)
        entry = self._open[record.id] = _Open(record, self._clock.wall())
        self._announce(entry)

    def _refuse(self, record: CommandRecord, text: str) -> None:
        finished_at = self._clock.wall()
        state = advance(record.state, Step.REJECT)
        record = replace(record, state=state, text=text, finished_at=finished_at)
        _log_outcome(record)
        self._show(record)

    def _as_queued(self, record: CommandRecord) -> CommandRecord:
        away = away_text(self._sessions.get(record.bot), self._clock.wall())
        text = f"{away}; kept for 24 h and sent when it is back"
        return replace(record, expires_at=record.issued_at + QUEUED_MAX_AGE_S, text=text)

    def _as_sent(self, record: CommandRecord, expires_at: float) -> CommandRecord:
        return replace(
            record,
            state=advance(record.state, Step.SEND),
            text="" if record.state is State.QUEUED else record.text,
            sent_at=self._clock.wall(),
            expires_at=expires_at,
        )

    def _put_on_the_wire(self, record: CommandRecord) -> bool:
        return self._link.send(record.bot, message_of(record, self._clock.wall()))

    def _send_waiting(self, entry: _Open) -> None:
        was_queued = entry.record.state is State.QUEUED
        sent = self._as_sent(entry.record, entry.record.expires_at)
        if was_queued:
            self._journal.save((sent,))
        if self._put_on_the_wire(sent):
            entry.record = sent
            if was_queued:
                self._announce(entry)
        elif was_queued:
            self._journal.save((entry.record,))

    def _step(self, record: CommandRecord, step: Step, **changes: Any) -> None:
        state = advance(record.state, step)
        if state in OPEN:
            self._progress(replace(record, state=state, **changes))
        elif state is not record.state or step is Step.LOSE:
            self._end(replace(record, state=state, **changes))

    def _finish(self, record: CommandRecord, step: Step, text: str) -> None:
        self._end(replace(record, state=advance(record.state, step), text=text))

    def _end(self, record: CommandRecord) -> None:
        # A message that says less may stand in the chat, and what was done has to be told.
        is_looking = risk_of(record.verb, record.args) is Risk.READING
        is_owed = record.message_id is not None or not is_looking
        record = replace(record, finished_at=self._clock.wall(), receipt_owed=is_owed)
        self._open.pop(record.id, None)
        self._lost.pop(record.id, None)
        # The outcome is on the disk before a person reads it, as far as the disk allows.
        self._journal.save((record,))
        message_id = self._show(record)
        # Only now: the thread that writes the line would be in the way of the answer.
        _log_outcome(record)
        if message_id != record.message_id:
            record = replace(record, message_id=message_id)
            self._journal.note(record)
        if record.state is State.UNKNOWN:
            self._remember_lost(record)

    def _progress(self, record: CommandRecord) -> None:
        if record.id not in self._open:
            return
        self._keep(record)
        entry = self._open[record.id]
        if entry.is_shown:
            self._announce(entry)

    def _announce(self, entry: _Open) -> None:
        entry.is_shown = True
        message_id = self._show(entry.record)
        if message_id != entry.record.message_id:
            self._keep(replace(entry.record, message_id=message_id))

    def _keep(self, record: CommandRecord) -> None:
        """Note a change that may reach the disk a little later, with the next one."""
        self._open[record.id].record = record
        self._journal.note(record)

    def _is_at_hand(self, command_id: str) -> bool:
        return command_id in self._open or command_id in self._lost

    def _find(self, command_id: str) -> CommandRecord | None:
        entry = self._open.get(command_id)
        if entry is not None:
            return entry.record
        if command_id in self._lost:
            return self._lost[command_id]
        return self._journal.read_one(command_id)

    def _remember_lost(self, record: CommandRecord) -> None:
        self._lost[record.id] = record
        while len(self._lost) > _UNKNOWN_KEPT_MAX:
            self._lost.popitem(last=False)

    def _given_up_at(self, record: CommandRecord) -> float:
        return record.expires_at + self._limits.grace_s

    def _due(self, entry: _Open) -> float:
        if entry.record.state is State.QUEUED:
            return entry.record.expires_at
        given_up_at = self._given_up_at(entry.record)
        return given_up_at if entry.is_shown else min(entry.show_at, given_up_at)


def _expiry_of(record: CommandRecord, risk: Risk, limits: OutboundLimits) -> float:
    wait_s = limits.reading_wait_s if risk is Risk.READING else MAX_AGE_S[risk]
    return record.issued_at + min(wait_s, MAX_AGE_S[risk])


def _is_told(record: CommandRecord) -> bool:
    """Tell whether an outcome was shown in a message of its own, or is about to be shown."""
    is_looking = risk_of(record.verb, record.args) is Risk.READING
    return record.receipt_owed or (record.message_id is None and not is_looking)


def _log_outcome(record: CommandRecord) -> None:
    # The lines that follow the first are what was asked for, and for the chat alone.
    text = record.text.partition("\n")[0]
    log.info(
        "command %s of %s to %s: %s %s", record.line, record.author, record.bot, record.state, text
    )
