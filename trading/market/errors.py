"""Errors of market data: what the caller must do.

DaemonError (daemonkit)
├── ConfigurationError (daemonkit)  seen at the start: say it and end with 78
├── FeedError                       seen while running: the feed has stopped, no more prices come
└── SourceError                     a live source cannot be reached or read now: try again later
"""

from pathlib import Path

from daemonkit.errors import ConfigurationError, DaemonError

FOUND_LENGTH_MAX = 60


class FeedError(DaemonError):
    """Say which place of a market data file is wrong and what may stand there."""

    def __init__(self, file: Path, place: str, found: str, allowed: str) -> None:
        super().__init__(f"{file}: {place}: found {found}, allowed {allowed}")
        self.file = file
        self.place = place
        self.found = found
        self.allowed = allowed

    def as_configuration_error(self) -> ConfigurationError:
        """Tell the same fault as one of the start."""
        return ConfigurationError(self.file, self.place, self.found, self.allowed)


class SourceError(DaemonError):
    """Say why a live source brings nothing now; it may a little later.

    `is_refusal`: it understood and will not answer this; the same question is of no use.
    """

    def __init__(self, text: str, *, is_refusal: bool = False) -> None:
        super().__init__(text)
        self.is_refusal = is_refusal


def shown(value: object) -> str:
    """Quote a value of a damaged file so that it is short and harmless to print."""
    text = repr(value[: FOUND_LENGTH_MAX + 1]) if isinstance(value, str) else str(value)
    return text if len(text) <= FOUND_LENGTH_MAX else text[:FOUND_LENGTH_MAX] + "…"
