"""Times in the zone of whoever reads them: texts say UTC, and here that is put into local time.

Every text of bots and bridge marks UTC with a Z; only what has this form is touched.
"""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MOMENT: Final = re.compile(
    r"(?<![\w-])(?P<year>(?:\d\d)?\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?P<between>[ T])"
    r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<rest>\.\d+)?)?Z\b"
)


def find_zone(name: str) -> ZoneInfo | None:
    """Return a time zone by its name, or None when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def localize(text: str, zone: ZoneInfo | None) -> str:
    """Return a text with its times in a zone; None leaves them as they are."""
    return text if zone is None else _MOMENT.sub(lambda found: _shifted(found, zone), text)


def clock_text(at: float, zone: ZoneInfo | None) -> str:
    """Return the time of day of a moment to the second, with its zone's name."""
    moment = datetime.fromtimestamp(at, zone or UTC)
    return f"{moment:%H:%M:%S} {moment.tzname()}"


def _shifted(found: re.Match[str], zone: ZoneInfo) -> str:
    year, second = found["year"], found["second"]
    try:
        moment = datetime(
            int(year) + (2000 if len(year) == 2 else 0),
            int(found["month"]),
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            int(second or 0),
            tzinfo=UTC,
        ).astimezone(zone)
    except (ValueError, OverflowError):
        return found[0]
    day = f"{moment:%Y-%m-%d}"[-len(year) - 6 :]
    clock = f"{moment:%H:%M:%S}" if second else f"{moment:%H:%M}"
    return f"{day}{found['between']}{clock}{found['rest'] or ''} {moment.tzname()}"
