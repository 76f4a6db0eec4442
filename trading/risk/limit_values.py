"""What a tripped limit is, and its words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# A loss of more than this is told as this: figures stay numbers that JSON has.
VALUE_MAX: Final = 1e6


class Limit(StrEnum):
    """Name a bound of losses; the first three are of a whole account."""

    DRAWDOWN = "drawdown"
    ACCOUNT_DAILY = "account daily loss"
    ACCOUNT_TOTAL = "account total loss"
    SYMBOL_DAILY = "daily loss"
    SYMBOL_TOTAL = "total loss"
    LOSING_STREAK = "losing streak"

    @property
    def is_daily(self) -> bool:
        """Tell whether the next trading day lifts it."""
        return self in (Limit.ACCOUNT_DAILY, Limit.SYMBOL_DAILY)

    @property
    def needs_confirmation(self) -> bool:
        """Tell whether a person must confirm that it is lifted."""
        return self is not Limit.LOSING_STREAK


@dataclass(frozen=True, slots=True)
class Tripped:
    """Tell which bound was passed; `symbol` is empty for a limit of the whole account.

    `value` and `bound` are fractions (0.05 is 5 %), of a losing streak numbers of trades.
    """

    limit: Limit
    account: str
    symbol: str
    value: float
    bound: float
    at: float
    text: str
    lifted_by: str


@dataclass(frozen=True, slots=True)
class LiftResult:
    """Tell which limits were lifted, and which need a confirmation first."""

    lifted: list[Tripped]
    refused: list[Tripped]


_WORDS: Final = {
    Limit.DRAWDOWN: "equity fell {value} from its peak",
    Limit.ACCOUNT_DAILY: "{value} of equity lost today",
    Limit.ACCOUNT_TOTAL: "{value} of the starting equity lost",
    Limit.SYMBOL_DAILY: "{value} lost today",
    Limit.SYMBOL_TOTAL: "{value} lost in all",
    Limit.LOSING_STREAK: "{value} trades lost in a row",
}


def make_tripped(
    limit: Limit, account: str, symbol: str, value: float, bound: float, at: float
) -> Tripped:
    """Return a limit that was just passed, with its words."""
    value = min(value, VALUE_MAX)
    where = f"{symbol} on {account}" if symbol else f"account {account}"
    figure, allowed = _figure(limit, value), _figure(limit, bound)
    lifted_by = _lifted_by(limit, symbol)
    text = (
        f"{where}: {_WORDS[limit].format(value=figure)}, limit {allowed};"
        f" nothing new is risked until it is lifted ({lifted_by})"
    )
    return Tripped(limit, account, symbol, float(value), float(bound), at, text, lifted_by)


def _figure(limit: Limit, value: float) -> str:
    return f"{value:.0f}" if limit is Limit.LOSING_STREAK else f"{round(value * 100, 2):g} %"


def _lifted_by(limit: Limit, symbol: str) -> str:
    command = f"/startbuying {symbol or 'ALL'}"
    if not limit.needs_confirmation:
        return command
    by_person = f"{command} and a yes"
    if limit.is_daily:
        return f"the next trading day, or {by_person}"
    return f"by a person only: {by_person}"
