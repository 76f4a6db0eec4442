"""The two files beside the database, as the store thread keeps them: late, but never lost.

Nothing here fails a commit: what cannot be written now is remembered, counted and tried again.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from daemonkit.clock import Clock
from daemonkit.files import file_error, write_atomically
from daemonkit.secrets import redact_values
from trading.ledger.trade_file import TRADES_NAME, TradeFile
from trading.model.position import Trade

log = logging.getLogger(__name__)

VIEW_NAME: Final = "state.json"


class LedgerFiles:
    """Keep trades.jsonl and state.json of one bot; for the store thread alone."""

    def __init__(
        self,
        folder: Path,
        *,
        read_trades: Callable[[int], Iterator[Trade]],
        last_number: int,
        clock: Clock,
        view_interval_s: float = 1.0,
        retry_s: float = 5.0,
    ) -> None:
        self._trades = TradeFile(folder, read_trades, clock)
        self._last_number = last_number
        self._view_path = folder / VIEW_NAME
        self._view: Mapping[str, Any] | None = None
        self._clock = clock
        self._view_interval_s = view_interval_s
        self._retry_s = retry_s
        self._view_at = clock.monotonic()
        self._retry_at = clock.monotonic()
        self._is_repaired = False
        self._is_behind = True
        self._failing: set[str] = set()
        self.failures = 0

    @property
    def is_behind(self) -> bool:
        """Tell whether committed trades are not in trades.jsonl yet."""
        return self._is_behind

    def note_trades(self, trades: Sequence[Trade]) -> None:
        """Write trades that were just committed, or leave them for later."""
        self._last_number = trades[-1].number
        if self._is_behind:
            return
        self._is_behind = not self._try(TRADES_NAME, lambda: self._trades.append(trades))

    def note_view(self, view: Mapping[str, Any]) -> None:
        """Take what state.json is to show; only the latest counts."""
        self._view = view

    def work(self, *, is_last: bool = False) -> None:
        """Write what is due now; at the end, whatever is left."""
        now = self._clock.monotonic()
        if self._is_behind and (is_last or now >= self._retry_at):
            self._is_behind = not self._try(TRADES_NAME, self._catch_up)
        if self._view is not None and (is_last or now >= self._view_at):
            view, self._view = self._view, None
            self._view_at = now + self._view_interval_s
            self._try(VIEW_NAME, lambda: self._write_view(view))

    def due_in_s(self, longest_s: float) -> float:
        """Return how soon there is something to write."""
        times = [self._retry_at] if self._is_behind else []
        if self._view is not None:
            times.append(self._view_at)
        return min([longest_s, *(at - self._clock.monotonic() for at in times)])

    def _catch_up(self) -> None:
        if self._is_repaired:
            self._trades.complete()
        else:
            self._trades.repair(self._last_number)
            self._is_repaired = True

    def _write_view(self, view: Mapping[str, Any]) -> None:
        data = orjson.dumps(
            redact_values(dict(view)),
            default=str,
            option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE,
        )
        write_atomically(self._view_path, data, durable=False)

    def _try(self, name: str, write: Callable[[], None]) -> bool:
        """Do it and tell whether it worked; a failure is told once, and its end too."""
        try:
            write()
        except Exception as error:  # noqa: BLE001 - these files must never stop the store
            self.failures += 1
            self._retry_at = self._clock.monotonic() + self._retry_s
            if name not in self._failing:
                self._failing.add(name)
                log.error("%s is not written, it is tried again: %s", name, error)  # noqa: TRY400
            return False
        if name in self._failing:
            self._failing.discard(name)
            log.warning("%s is written again", name)
        return True


def set_files_aside(folder: Path, stamp: str) -> Path | None:
    """Move trades.jsonl out of the way of a new beginning and remove state.json.

    Return where the trades went, if there were any.
    """
    trades, aside = folder / TRADES_NAME, folder / f"{TRADES_NAME}.before-reset-{stamp}"
    try:
        (folder / VIEW_NAME).unlink(missing_ok=True)
        if not trades.exists():
            return None
        trades.replace(aside)
    except OSError as error:
        raise file_error(trades, error) from error
    return aside
