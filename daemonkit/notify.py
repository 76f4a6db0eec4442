"""What systemd is told: ready, alive, stopping; nothing at all when nobody listens."""

import logging
import os
import socket
from collections.abc import Mapping

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from daemonkit.secrets import redact
from daemonkit.standard_error import write_standard_error

log = logging.getLogger(__name__)

_STATUS_LENGTH_MAX = 200

# A lost READY=1 would make systemd kill the process; all other news may be lost.
_PATIENCE_S = 1.0


class Notifier:
    """Send sd_notify datagrams; a missing or broken listener changes nothing."""

    def __init__(self, environ: Mapping[str, str], clock: Clock) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._clock = clock
        self._interval_s = _watchdog_interval_s(environ)
        self._fed_at: float | None = None

    @property
    def watchdog_interval_s(self) -> float | None:
        """Return how often to call watchdog(), half of what systemd allows; None when it is off."""
        return self._interval_s

    def ready(self) -> None:
        """Say that the start is complete."""
        self._send("READY=1", timeout_s=_PATIENCE_S)

    def announce_ready(self) -> None:
        """Say that the start is complete, also as one line `ready` on standard error."""
        self.ready()
        if not write_standard_error("ready\n"):
            log.debug("standard error takes nothing")

    def reloading(self) -> None:
        """Say that the configuration is being read again; ready() ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")

    def stopping(self) -> None:
        """Say that the process is on its way out."""
        self._send("STOPPING=1", timeout_s=_PATIENCE_S)

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`."""
        self._send(f"STATUS={one_line(redact(text), _STATUS_LENGTH_MAX)}")

    def watchdog(self) -> None:
        """Say that the process is alive; call it as often as you like, it sends what is due."""
        if self._interval_s is None:
            return
        now = self._clock.monotonic()
        if self._fed_at is None or now - self._fed_at >= self._interval_s / 2:
            self._fed_at = now
            self._send("WATCHDOG=1")

    def _send(self, state: str, timeout_s: float = 0.0) -> None:
        if self._address[:1] not in {"/", "@"}:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                # A listener that reads nothing must not hold up the caller.
                sender.settimeout(timeout_s)
                sender.sendto(state.encode("utf-8", "replace"), address)
        except (OSError, ValueError) as error:
            log.debug("systemd was not told %s: %s", state.split("\n", maxsplit=1)[0], error)


def _watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    try:
        limit_us = int(environ.get("WATCHDOG_USEC", "0"))
        pid = int(environ.get("WATCHDOG_PID") or os.getpid())
    except ValueError:
        return None
    return limit_us / 2e6 if limit_us > 0 and pid == os.getpid() else None
