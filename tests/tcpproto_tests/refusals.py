"""Turns the one error that reading may raise into a value; any other error fails the test."""

from collections.abc import Callable
from typing import TypeVar

from tcpproto.errors import RemoteProtocolError

T = TypeVar("T")


def read_or_refusal(read: Callable[[], T]) -> T | RemoteProtocolError:
    """Return what was read or how it was refused."""
    try:
        return read()
    except RemoteProtocolError as refusal:
        # It goes into a `bye`, whose text is bounded.
        if len(refusal.text) > 300 or not 0 < len(refusal.code) <= 32:
            raise AssertionError(f"no good for a goodbye: {refusal.text!r}") from refusal
        return refusal
