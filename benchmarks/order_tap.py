"""Stamps on the way of an order, for benchmarks.order_path: where it is by the monotonic clock.

The program is the real one. What a stamp costs is a microsecond; all are written to a file once
the program has ended. Without a bot it stamps what plain ccxt sends.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

FILE_VARIABLE: Final = "ORDER_TAP_FILE"
ADD_ORDER: Final = b"/AddOrder"

_stamps: dict[str, list[tuple[float, str]]] = {}
_sending = threading.local()


def stamp(what: str, of: str) -> None:
    """Note that something is somewhere now."""
    _stamps.setdefault(what, []).append((time.monotonic(), of))


def tap_requests() -> None:
    """Stamp the first byte of each order that leaves, with its body."""
    send = http.client.HTTPConnection.send

    def timed_send(self: http.client.HTTPConnection, data: Any) -> None:
        head = data if isinstance(data, bytes) else b""
        if ADD_ORDER in head[:200]:
            _sending.began_s = time.monotonic()
        elif (began_s := getattr(_sending, "began_s", None)) is not None:
            _stamps.setdefault("wire", []).append((began_s, head.decode()))
            _sending.began_s = None
        send(self, data)

    _replace(http.client.HTTPConnection, "send", timed_send)


def write() -> None:
    """Write down all stamps."""
    Path(os.environ[FILE_VARIABLE]).write_bytes(orjson.dumps(_stamps))


def run() -> None:
    """Run a bot as its script does, with stamps from the inbox to the wire."""
    from trading.brokers.live.worker import AccountWorker
    from trading.engine.effects import SubmitOrder
    from trading.engine.inbox import Inbox
    from trading.main import main
    from trading.store.writer import StoreThread

    def stamp_unit(unit: Any) -> None:
        for one in unit:
            if isinstance(one, SubmitOrder):
                stamp("decided", one.approved.order.id)

    _before(Inbox, "_publish_live", lambda event: stamp("event", repr(getattr(event, "price", 0))))
    _before(Inbox, "put_command", lambda command: stamp("event", str(command.id)))
    _before(StoreThread, "submit", stamp_unit)
    _before(AccountWorker, "submit", lambda approved: stamp("committed", approved.order.id))
    tap_requests()
    try:
        main()
    finally:
        write()
        sys.stderr.flush()


def _before(cls: type, name: str, note: Callable[[Any], None]) -> None:
    """Have a method note what it is given before it does what it does."""
    method = getattr(cls, name)

    def noted(self: Any, value: Any) -> Any:
        note(value)
        return method(self, value)

    _replace(cls, name, noted)


def _replace(cls: type, name: str, method: Callable[..., Any]) -> None:
    setattr(cls, name, method)
