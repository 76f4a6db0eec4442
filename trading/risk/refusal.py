"""The other answer of the gate: no, and why, in words a person can act on."""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """Name why an intent was refused."""

    NOT_ALLOWED = "not_allowed"
    KILLED = "killed"
    TRADING_OFF = "trading_off"
    PAUSED = "paused"
    BUYING_OFF = "buying_off"
    SELLING_OFF = "selling_off"
    LIMIT = "limit"
    TROUBLE = "trouble"
    LONG_ONLY = "long_only"
    LEVERAGE = "leverage"
    OTHER_OWNER = "other_owner"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    QUOTE = "quote"
    EQUITY = "equity"
    SIZE = "size"
    PRICE = "price"
    EXIT_PLAN = "exit_plan"
    NOTHING_HELD = "nothing_held"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say why an intent does not become an order; `text` is one line."""

    code: RefusalCode
    text: str
