"""What ends a process, as one line for a person, with the exit code that fits.

DaemonError                 exit 1: stop, say why; systemd starts again
├── ConfigurationError      exit 78: a person must change a setting
├── StateError              exit 78: a file of ours cannot be used; it was left untouched
└── UnavailableError        exit 1: something outside is missing or full; try again later
"""

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import ClassVar

from daemonkit.printable import one_line
from daemonkit.secrets import looks_secret, redact

_FOUND_LENGTH_MAX = 200
_ALLOWED_LENGTH_MAX = 800

# What may be said of any key, as it tells nothing of the value.
FOUND_NOTHING = "nothing"
FOUND_EMPTY = "an empty value"
FOUND_UNKNOWN_KEY = "an unknown key"
_TELLS_NOTHING = frozenset({FOUND_NOTHING, FOUND_EMPTY, FOUND_UNKNOWN_KEY, "a list", "a mapping"})


class ExitCode(IntEnum):
    """Say how a process ended; systemd restarts on FAILURE only."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    CONFIGURATION = 78


class DaemonError(Exception):
    """End the process with one line for a person; systemd starts it again."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILURE

    def __str__(self) -> str:
        return one_line(redact(super().__str__()))


class ConfigurationError(DaemonError):
    """Refuse a setting: `FILE: KEY: found X, allowed Y`; a person must change it."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(
        self,
        file: Path | str,
        key: str = "",
        found: str = "",
        allowed: str = "",
        hint: str = "",
    ) -> None:
        self.file = str(file)
        self.key = key
        self.found = found
        if looks_secret(key) and found not in _TELLS_NOTHING:
            self.found = found and "a value that is not shown"
        self.allowed = allowed
        self.hint = hint
        self.others: Sequence[str] = ()
        super().__init__(self._text())

    def _text(self) -> str:
        found = one_line(redact(self.found), _FOUND_LENGTH_MAX)
        allowed = one_line(redact(self.allowed), _ALLOWED_LENGTH_MAX)
        verdict = ", ".join(
            f"{word} {text}" for word, text in (("found", found), ("allowed", allowed)) if text
        )
        text = ": ".join(part for part in (self.file, self.key, verdict) if part)
        if not self.hint:
            return text
        return f"{text} ({self.hint})" if verdict else f"{text}: {self.hint}"


class StateError(DaemonError):
    """Refuse a file of ours that cannot be used as it is; it was left untouched."""

    exit_code = ExitCode.CONFIGURATION


class UnavailableError(DaemonError):
    """Give up for now: something outside is missing, in use or full."""
