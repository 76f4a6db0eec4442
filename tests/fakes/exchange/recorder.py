"""What was asked of the fake exchange and what was answered, in order."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from daemonkit.clock import SystemClock
from tests.fakes.exchange.wire import Asked, Kind

RECORDS_MAX: Final = 100_000


@dataclass(eq=False)
class Record:
    """One request; `status` is None until (or unless) it is answered."""

    number: int
    kind: Kind
    name: str
    parameters: dict[str, Any]
    client_id: str
    began_s: float  # monotonic
    status: int | None = None
    body: bytes = b""
    fault: str = ""
    has_acted: bool = False

    def describe(self) -> str:
        trouble = f" [{self.fault}]" if self.fault else ""
        answer = self.body[:200].decode(errors="replace")
        return f"{self.number}. {self.name} {self.parameters} -> {self.status} {answer}{trouble}"


@dataclass(eq=False)
class Recorder:
    """Keep the requests; may be read from any thread."""

    records: deque[Record] = field(default_factory=lambda: deque(maxlen=RECORDS_MAX))
    crashes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    def begin(self, asked: Asked) -> Record:
        with self._lock:
            self._count += 1
            record = Record(
                self._count,
                asked.kind,
                asked.name,
                dict(asked.parameters),
                asked.client_id,
                SystemClock.monotonic(),
            )
            self.records.append(record)
            return record

    def of(self, *kinds: Kind) -> list[Record]:
        """Return the requests of some kinds, or all."""
        with self._lock:
            return [record for record in self.records if not kinds or record.kind in kinds]
