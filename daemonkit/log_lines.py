"""One shape for every log line of both processes: redacted, visible, and hard to forge.

A record is one line that starts with a time; whatever follows it is indented, so no text inside a
message can pass for a record of its own.
"""

import logging
import time
from traceback import format_exception

from daemonkit.printable import printable
from daemonkit.secrets import redact

_INDENT = "\n    "
_YEAR_10000 = 253_402_300_800

# A megabyte of somebody's answer in one record would push everything else out of the files.
TEXT_LENGTH_MAX = 65_536


def timestamp_text(at: float) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds."""
    # A peer may send any number as a time; the line counts more than its time.
    if not 0 <= at < _YEAR_10000:
        return "unknown-time"
    seconds, milliseconds = divmod(int(at * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}Z"


def raw_message(record: logging.LogRecord) -> str:
    """Return the message of a record with its arguments put in, as it is; never raise."""
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments are foreign code; the line says so
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        place = f"{record.pathname}:{record.lineno}"
        return f"{template} [{type(error).__name__} while formatting, at {place}]"


def message_text(record: logging.LogRecord) -> str:
    """Return the message of a record with its traceback, redacted and visible; never raise."""
    text = raw_message(record)
    for detail in (_traceback_text(record), record.stack_info):
        if detail:
            text = f"{text}\n{detail}"
    return _bounded(printable(redact(text)))


def format_line(*, at: float, level: str, logger: str, text: str, thread: str = "") -> str:
    """Return one record as a line with its continuation lines indented, without a last newline."""
    place = f"{logger} [{thread}]" if thread else logger
    head = printable(redact(f"{level:<8} {place}")).replace("\n", "\\n").replace("\t", "\\t")
    body = _bounded(printable(redact(text))).replace("\n", _INDENT)
    return f"{timestamp_text(at)} {head}: {body}"


class RedactingFormatter(logging.Formatter):
    """Format records the way of format_line; belongs on every handler of the process."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line with indented continuation lines; never raise."""
        return format_line(
            at=record.created,
            level=record.levelname,
            logger=record.name,
            thread=record.threadName or "",
            text=message_text(record),
        )


def _traceback_text(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        try:
            return "".join(format_exception(*record.exc_info)).rstrip("\n")
        except Exception as error:  # noqa: BLE001 - an exception's own __str__ may be broken
            return f"[the traceback of {record.exc_info[0].__name__} failed: {error!r:.200}]"
    return record.exc_text or ""


def _bounded(text: str) -> str:
    if len(text) <= TEXT_LENGTH_MAX:
        return text
    half = TEXT_LENGTH_MAX // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
