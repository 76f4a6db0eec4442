"""Durable events: what must reach the chat exactly once, before it has an epoch and a number.

The store gives each its place in the outbox; nothing here knows of the store or the link.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

TEXT_LEN_MAX: Final = 4_000
KIND_LEN_MAX: Final = 64


class Severity(StrEnum):
    """Order events by how much they matter; the last two are never refused."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def is_evictable(self) -> bool:
        """Tell whether a full outbox may refuse such an event, unless it is vital."""
        return self in (Severity.INFO, Severity.NOTICE)


@dataclass(frozen=True, slots=True)
class DurableEvent:
    """Hold one event; events with the same non-empty `key` are repeats of each other.

    A vital one, such as a fill, is stored even in a full outbox, however calm its tone.
    """

    kind: str
    severity: Severity
    text: str
    at: float
    fields: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    is_vital: bool = False

    @property
    def is_evictable(self) -> bool:
        """Tell whether it may be refused when the outbox is full."""
        return self.severity.is_evictable and not self.is_vital

    def __post_init__(self) -> None:
        if not 0 < len(self.kind) <= KIND_LEN_MAX:
            raise ValueError(f"kind: found {self.kind!r}, allowed 1 to {KIND_LEN_MAX} characters")
        if len(self.text) > TEXT_LEN_MAX:
            object.__setattr__(self, "text", self.text[: TEXT_LEN_MAX - 1] + "…")
