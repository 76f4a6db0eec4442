"""Which moments are written below a picture, and how: round ones, in the zone of its reader."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import partial
from itertools import pairwise
from typing import Final

_MINUTE, _HOUR, DAY = 60, 3_600, 86_400
_STEPS: Final = (
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 4, 7, 14, 28, 61, 122, 244, 365, 730, 1_461)),
)


def round_moments(start: float, end: float, zone: tzinfo, count_max: int = 5) -> list[float]:
    """Return at most so many round moments within a time, the same distance apart."""
    span = end - start
    step = next((one for one in _STEPS if span / one <= count_max), span / count_max)
    shift = _offset(end, zone)
    first = -(-(start + shift) // step) * step - shift
    found = [first + n * step for n in range(count_max + 1)]
    # A label is as wide as a part of the picture, and is not to be cut off at its edges.
    return [one for one in found if start + span * 0.06 <= one <= end - span * 0.02][:count_max]


def even_places(count: int, labels_max: int) -> list[int]:
    """Return which of many things that stand side by side get a label."""
    shown = max(1, min(labels_max, count // 5))
    return sorted({round((n + 0.5) * (count - 1) / shown) for n in range(shown)})


def rounder_places(starts: Sequence[float], places: Sequence[int], zone: tzinfo) -> list[int]:
    """Return places moved to near neighbours that begin at rounder times, all equally round."""
    if len(starts) < 2:
        return list(places)
    reach = len(starts) // (len(places) * 6)
    width = (2 * reach + 1) * min(two - one for one, two in pairwise(starts))
    step = max((one for one in _STEPS if one <= min(width, DAY)), default=1)

    def distance(place: int, one: int) -> tuple[bool, int]:
        return (starts[one] + _offset(starts[one], zone)) % step != 0, abs(one - place)

    found = []
    for place in places:
        near = range(max(0, place - reach), min(len(starts), place + reach + 1))
        found.append(min(near, key=partial(distance, place)))
    return found


def short_text(at: float, span: float, zone: tzinfo) -> str:
    """Return a moment as short as a time of this length allows."""
    moment = moment_of(at, zone)
    if span >= DAY * 300:
        return moment.strftime("%b %Y")
    if span >= DAY * 4:
        return moment.strftime("%d %b")
    return moment.strftime("%H:%M" if span < DAY else "%d %b %H:%M")


def long_text(at: float, zone: tzinfo) -> str:
    """Return a moment with its day and its zone."""
    moment = moment_of(at, zone)
    return f"{moment:%d %b %Y %H:%M} {(moment.tzname() or '')[:8]}".rstrip()


def moment_of(at: float, zone: tzinfo) -> datetime:
    """Return a moment in a zone; one that no calendar has becomes the first."""
    try:
        return datetime.fromtimestamp(at, zone)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, zone)


def gaps(starts: Sequence[float], interval_s: float, gaps_max: int = 5) -> list[int]:
    """Return before which candles some are missing; where that is usual, nothing."""
    found = [n + 1 for n, (one, two) in enumerate(pairwise(starts)) if two - one > interval_s * 1.5]
    return found if len(found) <= gaps_max else []


def _offset(at: float, zone: tzinfo) -> float:
    offset = moment_of(at, zone).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()
