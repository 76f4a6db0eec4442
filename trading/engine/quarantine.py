"""Instances that were stopped stay so over restarts, until their file or parameters change."""

from collections.abc import Mapping
from typing import Final

import orjson

PREFIX: Final = "quarantine."


def quarantine_of(values: Mapping[str, str], instance: str, fingerprint: str) -> str:
    """Return why an instance is not to be loaded, or nothing."""
    saved = values.get(PREFIX + instance)
    if not saved:
        return ""
    stored = orjson.loads(saved)
    return str(stored["reason"]) if stored["fingerprint"] == fingerprint else ""


def dump_quarantine(reason: str, fingerprint: str) -> str:
    """Return what is kept of an instance that is stopped."""
    return orjson.dumps({"reason": reason, "fingerprint": fingerprint}).decode()
