"""Reads fields of a venue's answer exactly; what cannot be read is a bad answer, never a guess.

Numbers come as text, since the answers are decoded without binary fractions, and become Decimal.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from daemonkit.printable import one_line
from daemonkit.secrets import redact
from trading.brokers.venue import CashMove, FailureKind, VenueError, VenueFill
from trading.model.order import Side

ZERO: Final = Decimal(0)
_FOUND_LENGTH_MAX: Final = 80
Booked = TypeVar("Booked", VenueFill, CashMove)


def bad_answer(what: str, found: object) -> VenueError:
    """Return the error for an answer that is not what the venue documents."""
    shown = one_line(redact(repr(found)), _FOUND_LENGTH_MAX)
    return VenueError(f"{what}: found {shown}", FailureKind.BAD_ANSWER)


def mapping_of(value: Any, what: str) -> Mapping[str, Any]:
    """Return a value that must be a mapping."""
    if not isinstance(value, dict):
        raise bad_answer(f"{what} is no object", value)
    return value


def mapping_at(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a field that must be a mapping."""
    return mapping_of(data.get(key), key)


def rows_of(value: Any, what: str) -> list[Mapping[str, Any]]:
    """Return a value that must be a list of mappings."""
    if not isinstance(value, list):
        raise bad_answer(f"{what} is no list", value)
    return [mapping_of(each, what) for each in value]


def text_at(data: Mapping[str, Any], key: str) -> str:
    """Return a field that must be a text (or a whole number, as some ids are) and not empty."""
    value = text_or(data, key)
    if not value:
        raise bad_answer(f"{key} is missing", data.get(key))
    return value


def text_or(data: Mapping[str, Any], key: str, default: str = "") -> str:
    """Return a field as text, or the default where it is missing, null or empty."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return default
    return str(value) or default


def flag_or_none(data: Mapping[str, Any], key: str) -> bool | None:
    """Return a field that is true or false, or None where it is neither."""
    value = data.get(key)
    return value if isinstance(value, bool) else None


def number_at(data: Mapping[str, Any], key: str) -> Decimal:
    """Return a field that must be a finite number."""
    return number_of(data.get(key), key)


def number_or(data: Mapping[str, Any], key: str, default: Decimal = ZERO) -> Decimal:
    """Return a field as a number, or the default where it is missing, null or empty."""
    value = data.get(key)
    return default if value is None or value == "" else number_of(value, key)


def positive_at(data: Mapping[str, Any], key: str) -> Decimal:
    """Return a field that must be a number above zero."""
    value = number_at(data, key)
    if value <= 0:
        raise bad_answer(f"{key} is not above zero", data.get(key))
    return value


def price_or_none(data: Mapping[str, Any], key: str) -> Decimal | None:
    """Return a price, or None where it is missing or zero, as venues write "no price"."""
    return number_or(data, key) or None


def figure_or_none(data: Mapping[str, Any], key: str) -> Decimal | None:
    """Return a number that is only shown, or None where there is none that can be read."""
    try:
        return number_of(data.get(key), key)
    except VenueError:
        return None


def number_of(value: Any, what: str) -> Decimal:
    """Return a value that must be a finite number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise bad_answer(f"{what} is no number", value)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise bad_answer(f"{what} is no number", value) from None
    if not number.is_finite():
        raise bad_answer(f"{what} is no number", value)
    return number


def seconds_at(data: Mapping[str, Any], key: str, per_second: int = 1) -> float:
    """Return a time in Unix seconds; `per_second` is 1000 for milliseconds."""
    return float(number_at(data, key) / per_second)


def iso_at(data: Mapping[str, Any], key: str) -> float:
    """Return a time that is written as text, in Unix seconds."""
    text = text_at(data, key)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad_answer(f"{key} is no time", text) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def side_at(data: Mapping[str, Any], key: str) -> Side:
    """Return which side an order or execution is on."""
    text = text_at(data, key).lower()
    if text not in {"buy", "sell"}:
        raise bad_answer(f"{key} is neither buy nor sell", text)
    return Side(text)


def booked_since(since: float, booked: Iterable[Booked]) -> list[Booked]:
    """Return what was booked since a time, oldest first."""
    return sorted((each for each in booked if each.at >= since), key=lambda each: each.at)


def iso_text(at: float) -> str:
    """Return a time as venues take it: UTC, to the millisecond."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def plain(number: Decimal) -> str:
    """Return a number as venues take it: no exponent and no zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
