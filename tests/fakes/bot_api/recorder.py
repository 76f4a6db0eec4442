"""What was asked and answered, in order; what the real API would have refused; what leaked."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from daemonkit.clock import Clock
from tests.fakes.bot_api.wire import HttpRequest

RECORDS_MAX: Final = 100_000
# What a well-made bot meets too: a wrong token, a second poller, a limit of speed.
_CONDITIONS: Final = frozenset({401, 409, 429})


@dataclass(eq=False)
class Record:
    """One request and its answer; `status` is None until (or unless) it is answered."""

    number: int
    at: float
    method: str
    parameters: Mapping[str, object]
    uploads: Mapping[str, int]
    chat_id: int | None
    began_s: float = 0.0  # monotonic, as `ended_s`
    is_proxied: bool = False
    ended_s: float | None = None
    status: int | None = None
    body: Any = None
    fault: str = ""  # the scripted trouble that it met
    has_acted: bool = False

    @property
    def description(self) -> str:
        """The words of an answer other than `ok`."""
        return str(self.body.get("description", "")) if isinstance(self.body, dict) else ""

    @property
    def result(self) -> Any:
        """What the method gave back."""
        return self.body.get("result") if isinstance(self.body, dict) else None

    @property
    def is_refusal(self) -> bool:
        """Say whether the real API would refuse this request for what it is."""
        is_real = isinstance(self.body, dict) and not self.body["ok"]  # not one by script
        return is_real and self.status not in _CONDITIONS

    def describe(self) -> str:
        """Say what happened, in one line of a failed test."""
        parameters = {name: _short(value) for name, value in self.parameters.items()}
        trouble = f" [{self.fault}]" if self.fault else ""
        asked = f"{self.number}. {self.method} {parameters}"
        return f"{asked} -> {self.status} {self.description}{trouble}"


@dataclass(eq=False)
class Recorder:
    """Keep the requests; the world's lock guards it."""

    records: deque[Record] = field(default_factory=lambda: deque(maxlen=RECORDS_MAX))
    leaks: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    expected: list[re.Pattern[str]] = field(default_factory=list)
    count: int = 0

    def begin(self, method: str, request: HttpRequest, clock: Clock) -> Record:
        """Note a request that has come in."""
        self.count += 1
        record = Record(
            self.count,
            clock.wall(),
            method,
            dict(request.parameters),
            {name: len(upload.content) for name, upload in request.uploads.items()},
            _chat_id(request.parameters.get("chat_id")),
            clock.monotonic(),
            request.is_proxied,
        )
        self.records.append(record)
        self._look_for_secrets(method, request)
        return record

    def of(self, *methods: str) -> list[Record]:
        """Return the requests of some methods, or all but the polls."""
        return [
            record
            for record in self.records
            if (record.method in methods if methods else record.method != "getUpdates")
        ]

    @property
    def refused(self) -> list[Record]:
        """Return what the real API would refuse and the test did not expect to be."""
        return [
            record
            for record in self.records
            if record.is_refusal
            and not any(pattern.search(record.description) for pattern in self.expected)
        ]

    def _look_for_secrets(self, method: str, request: HttpRequest) -> None:
        head = " ".join((*request.headers, *request.headers.values())).encode()
        parts = {"body": request.body, "headers": head}
        for secret in self.secrets:
            found = [name for name, data in parts.items() if secret.encode() in data]
            if found:
                self.leaks.append(f"request {self.count} ({method}) has a secret in its {found}")


def _chat_id(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
