"""Short lines on standard error, in whatever state it is: closed, full, or stuck."""

import os
import select
import sys
from typing import Final

_PATIENCE_S: Final = 1.0


def write_standard_error(text: str) -> bool:
    """Write a short text; False, and lost, when it is closed or nobody reads it.

    A terminal that was stopped or a frozen reader must not keep a process from starting or ending.
    """
    try:
        if not _has_room():
            return False
        _write(text)
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _write(text: str) -> None:
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):
        sys.stderr.write(text)  # no file: a text in memory
        return
    # Past the buffer: what it could not deliver it would try again at the very end, and exit 120.
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]


def _has_room() -> bool:
    try:
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError):
        return True  # no file: a text in memory takes everything
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(_PATIENCE_S * 1_000))
