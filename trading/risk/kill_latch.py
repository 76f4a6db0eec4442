"""The kill latch: once set, nothing new is risked until a person resets it with confirmation.

Nothing resets it by itself. Its owner persists `to_json()` after every change.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from daemonkit.errors import StateError


class LatchReset(StrEnum):
    """Name what became of a wish to reset the latch."""

    RESET = "reset"
    NEEDS_CONFIRMATION = "needs confirmation"
    NOT_SET = "not set"


@dataclass(frozen=True, slots=True)
class Latched:
    """Tell why the latch is set, by whom and when."""

    reason: str
    author: str
    at: float


@dataclass(frozen=True, slots=True)
class Unlatched:
    """Tell who reset the latch the last time, and when."""

    author: str
    at: float


class KillLatch:
    """Hold whether the latch is set; the first reason is kept until it is reset."""

    def __init__(self, saved_json: str | None = None) -> None:
        self._latched: Latched | None = None
        self._unlatched: Unlatched | None = None
        if saved_json:
            self._load(saved_json)

    @property
    def latched(self) -> Latched | None:
        """Return why, by whom and when it was set, or None."""
        return self._latched

    @property
    def unlatched(self) -> Unlatched | None:
        """Return who reset it last and when, or None."""
        return self._unlatched

    @property
    def why(self) -> str:
        """Return one line that says why it is set, or nothing."""
        if self._latched is None:
            return ""
        by = f" by {self._latched.author}" if self._latched.author else ""
        return f"the kill latch is set{by}: {self._latched.reason}"

    def set(self, reason: str, author: str, at: float) -> bool:
        """Set it; tell whether it was not set before."""
        if self._latched is not None:
            return False
        self._latched = Latched(reason or "no reason given", author, at)
        return True

    def reset(self, author: str, at: float, confirmed: bool) -> LatchReset:
        """Reset it if a person confirmed that."""
        if self._latched is None:
            return LatchReset.NOT_SET
        if not confirmed:
            return LatchReset.NEEDS_CONFIRMATION
        self._latched = None
        self._unlatched = Unlatched(author, at)
        return LatchReset.RESET

    def to_json(self) -> str:
        """Return what a later latch is made of."""
        latched, unlatched = self._latched, self._unlatched
        saved = {
            "latched": asdict(latched) if latched is not None else None,
            "unlatched": asdict(unlatched) if unlatched is not None else None,
        }
        return json.dumps(saved, allow_nan=False)

    def _load(self, saved_json: str) -> None:
        try:
            saved: Mapping[str, Any] = json.loads(saved_json)
            if (latched := saved["latched"]) is not None:
                self._latched = Latched(
                    str(latched["reason"]), str(latched["author"]), float(latched["at"])
                )
            if (unlatched := saved["unlatched"]) is not None:
                self._unlatched = Unlatched(str(unlatched["author"]), float(unlatched["at"]))
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"saved kill latch: found {saved_json[:80]!r}, allowed what this program wrote;"
                " restore the database from a backup"
            ) from error
