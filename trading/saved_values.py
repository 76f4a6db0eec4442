"""Whether the values that earlier runs left can be read, before anything is made of them.

A value that cannot is a damaged database: it ends the start in words and is left untouched.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Final

import orjson

from daemonkit.errors import StateError
from trading.engine.cash_moves import KEY as MOVES_KEY
from trading.engine.cash_moves import load_moves
from trading.engine.conditions import KILL_KEY, LIMITS_KEY
from trading.engine.desks import CAPITAL_KEY, CASH_KEY
from trading.engine.flags import KEY as FLAGS_KEY
from trading.engine.flags import Flags
from trading.engine.flatten import KEY as FLATTEN_KEY
from trading.engine.instrument_texts import KEY as INSTRUMENTS_KEY
from trading.engine.instrument_texts import load_instruments
from trading.engine.loss_watch import KEY as DAY_KEY
from trading.engine.marks import KEY as MARKS_KEY
from trading.engine.quarantine import PREFIX as QUARANTINE_PREFIX
from trading.engine.residues import KEY as RESIDUES_KEY
from trading.engine.residues import load_residues
from trading.engine.trader import TIME_KEY
from trading.engine.unvalued_fees import KEY as FEES_KEY
from trading.engine.unvalued_fees import load_fees
from trading.engine.venue_desk import MONEY_KEY
from trading.risk.kill_latch import KillLatch
from trading.risk.limits import LimitBook
from trading.risk.settings import LimitSettings

_SHOWN_MAX: Final = 80
# The last moment that a calendar of four digits knows.
_TIME_MAX: Final = 253_402_300_799.0


def check_saved_values(values: Mapping[str, str], path: Path, *, restore_hint: str = "") -> None:
    """Raise a StateError for the first value that no engine can have kept."""
    hint = f"; restore a backup: {restore_hint}" if restore_hint else ""
    for key, value in values.items():
        check = _check_of(key)
        try:
            check(value)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:_SHOWN_MAX]
            raise StateError(
                f"{path}: state_value {key}: found {value[:_SHOWN_MAX]!r} ({reason}), allowed a "
                f"value that this version can read; left untouched{hint}"
            ) from error


def _check_of(key: str) -> Callable[[str], object]:
    if check := _CHECKS.get(key):
        return check
    return next((one for prefix, one in _PREFIXES.items() if key.startswith(prefix)), _anything)


def _anything(_value: str) -> None:
    return


def _money(value: str) -> None:
    if not Decimal(value).is_finite():
        raise ValueError("not a finite number")


def _capital(value: str) -> None:
    _money(value)
    if Decimal(value) <= 0:
        raise ValueError("not more than 0")


def _time(value: str) -> None:
    if not 0 <= float(value) <= _TIME_MAX:
        raise ValueError("not a moment")


def _marks(value: str) -> None:
    _check_numbers(orjson.loads(value))


def _day(value: str) -> None:
    saved = orjson.loads(value)
    _check_text(saved["day"])
    for of_account in saved["realised"].values():
        _check_numbers(of_account)


def _flattenings(value: str) -> None:
    for row in orjson.loads(value):
        for text in (row["command_id"], row["author"], *row["accounts"]):
            _check_text(text)
        positions, orders = row["counts"]
        _check_numbers({"positions": positions, "orders": orders})


def _quarantine(value: str) -> None:
    saved = orjson.loads(value)
    _check_text(saved["reason"])
    _check_text(saved["fingerprint"])


def _check_numbers(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"{name} is no number")


def _check_text(value: object) -> None:
    if not isinstance(value, str):
        raise TypeError("no text where there must be one")


_CHECKS: Final[Mapping[str, Callable[[str], object]]] = {
    TIME_KEY: _time,
    FLAGS_KEY: Flags,
    KILL_KEY: KillLatch,
    LIMITS_KEY: lambda value: LimitBook(LimitSettings(), value),
    DAY_KEY: _day,
    FLATTEN_KEY: _flattenings,
    INSTRUMENTS_KEY: load_instruments,
    FEES_KEY: load_fees,
}
_PREFIXES: Final[Mapping[str, Callable[[str], object]]] = {
    CASH_KEY: _money,
    CAPITAL_KEY: _capital,
    MARKS_KEY: _marks,
    QUARANTINE_PREFIX: _quarantine,
    RESIDUES_KEY: load_residues,
    MOVES_KEY: load_moves,
    MONEY_KEY: _time,
}
