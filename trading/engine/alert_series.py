"""Numbered alerts, the aid that proves the whole event path: `run --alerts N --interval S`.

A number is saved in the same unit as its event, so after a kill the series goes on with the
next one. A series is known by its length and raised once in the life of a database.
"""

from collections.abc import Mapping

from trading.engine.effects import Effect, RaiseEvent, SaveState
from trading.model.event import DurableEvent, Severity


class AlertSeries:
    """Raise alerts 1 to `total`, each exactly once."""

    def __init__(self, total: int, saved: Mapping[str, str]) -> None:
        self._key = f"alert_series.{total}"
        self._total = total
        self._raised = int(saved.get(self._key, "0"))

    @property
    def is_over(self) -> bool:
        """Tell whether the last number has been raised."""
        return self._raised >= self._total

    def next_alert(self, at: float) -> list[Effect]:
        """Raise the next alert."""
        self._raised += 1
        event = DurableEvent(
            kind="alert",
            severity=Severity.NOTICE,
            text=f"alert {self._raised} of {self._total}",
            at=at,
            fields={"number": self._raised, "total": self._total},
        )
        return [SaveState(self._key, str(self._raised)), RaiseEvent(event)]
