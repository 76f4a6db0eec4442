"""The durable outbox: events wait here, numbered, until the bridge has stored them too.

Writing belongs to the store thread; reading and counting may happen on others. A full outbox
refuses the lesser events and counts them; the grave ones are always taken.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import Connection, func, select

from daemonkit.secrets import redact, redact_values
from tcpproto import Event, LocalProtocolError, OutboxRow, encode_event
from tcpproto.messages import encode_payload
from trading.model.event import DurableEvent
from trading.store.schema import OUTBOX
from trading.store.statements import DELETE_ACKNOWLEDGED, INSERT_OUTBOX, READ_OUTBOX

# Opens the database to read one moment of it.
Read = Callable[[], AbstractContextManager[Connection]]

# Far below the limit of a frame: an event that could not be sent would block all later ones.
BODY_LEN_MAX: Final = 64 * 1024
# An event of ours can be wrong for the wire in its size and its nesting only, and with so few
# brackets not in its nesting: then it is not read back to check it, which is most of the cost.
PLAIN_BRACKETS_MAX: Final = 16


class OutboxReader:
    """Read committed rows for the link, on whatever thread asks."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def read_after(self, row_id: int, limit: int) -> Sequence[OutboxRow]:
        """Return up to `limit` rows with a greater row id, oldest first."""
        with self._read() as connection:
            rows = connection.exec_driver_sql(READ_OUTBOX, (row_id, limit))
            return [OutboxRow._make(row) for row in rows]


class OutboxWriter:
    """Number events and write them; `rows` counts what waits, as far as it is committed."""

    def __init__(self, connection: Connection, *, epoch: str, rows_max: int) -> None:
        counted = connection.execute(select(func.count(), func.max(OUTBOX.c.row_id))).one()
        self._epoch = epoch
        self._rows_max = rows_max
        self.rows: int = counted[0]
        self._row_id: int = counted[1] or 0
        self._seq = 0
        self.committed_seq = 0
        self.refused = 0

    @property
    def room(self) -> int:
        """Count the events that fit before lesser ones are refused."""
        return max(0, self._rows_max - self.rows)

    def number(self, events: Sequence[DurableEvent], timestamp: float) -> list[OutboxRow]:
        """Give events their rows, in order; lesser ones that find the outbox full get none."""
        rows: list[OutboxRow] = []
        for event in events:
            if event.is_evictable and self.rows + len(rows) >= self._rows_max:
                self.refused += 1
                continue
            self._seq += 1
            self._row_id += 1
            body = _encode(event, self._epoch, self._seq, timestamp)
            rows.append(OutboxRow(self._row_id, self._epoch, self._seq, body))
        return rows

    def write(self, connection: sqlite3.Connection, rows: Sequence[OutboxRow]) -> None:
        """Insert numbered rows."""
        connection.executemany(INSERT_OUTBOX, rows)

    def delete(self, connection: sqlite3.Connection, acknowledged: Mapping[str, int]) -> int:
        """Delete what the bridge has stored and return how many rows that were."""
        return sum(
            connection.execute(DELETE_ACKNOWLEDGED, (epoch, seq)).rowcount
            for epoch, seq in acknowledged.items()
        )

    def note_committed(self, rows: Sequence[OutboxRow], deleted: int) -> None:
        """Count what a transaction changed, once it is through."""
        self.rows += len(rows) - deleted
        if rows:
            self.committed_seq = rows[-1].seq


def _encode(event: DurableEvent, epoch: str, seq: int, timestamp: float) -> bytes:
    # Here, because only this process knows its secrets: the bridge cannot find them.
    wire = _to_wire(event, epoch, seq, redact_values(event.fields))
    try:
        body = encode_payload(wire.to_message(timestamp))
        if body.count(b"{") + body.count(b"[") > PLAIN_BRACKETS_MAX:
            body = encode_event(wire, timestamp)
    except LocalProtocolError:
        body = b""
    if not body or len(body) > BODY_LEN_MAX:
        # The text is bounded and always fits; fields that do not are left out and named so.
        wire = _to_wire(event, epoch, seq, {"fields_left_out": True})
        body = encode_event(wire, timestamp)
    return body


def _to_wire(event: DurableEvent, epoch: str, seq: int, fields: dict[str, object]) -> Event:
    return Event(
        epoch=epoch,
        seq=seq,
        kind=event.kind,
        severity=event.severity,
        text=redact(event.text),
        at=event.at,
        fields=fields,
    )
