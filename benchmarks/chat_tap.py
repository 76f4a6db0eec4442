"""Launches the bridge with a stopwatch at its seam to the library, for benchmarks.chat.

The program is the real one. Its messenger notes when a poll was answered and read, and when a
message begins to be sent; what it noted is written to a file once the program has ended.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from telegram.bridge import poll_thread
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.state import Arrival
from telegram.bridge.messenger import Place

FILE_VARIABLE = "CHAT_TAP_FILE"

_read_s: dict[str, float] = {}
_sending_s: list[float] = []


class TimedMessenger(PtbMessenger):
    """Be the messenger of the bridge, and remember what the monotonic clock said."""

    async def poll(self, offset: int, wait_s: float) -> Sequence[Arrival]:
        """Poll; note when the updates were read."""
        arrivals = await super().poll(offset, wait_s)
        now = time.monotonic()
        _read_s.update({str(arrival.update_id): now for arrival in arrivals})
        return arrivals

    async def send_text(self, place: Place, text: str, **details: Any) -> int:
        """Note when a message begins to be sent; send it."""
        _sending_s.append(time.monotonic())
        return await super().send_text(place, text, **details)


def run() -> None:
    """Run the bridge as its script does, and write down the times at its end."""
    from telegram.main import main

    setattr(poll_thread, "PtbMessenger", TimedMessenger)  # noqa: B010 - a class, to mypy
    try:
        main()
    finally:
        times = {"read_s": _read_s, "sending_s": _sending_s}
        Path(os.environ[FILE_VARIABLE]).write_bytes(orjson.dumps(times))
        sys.stderr.flush()
