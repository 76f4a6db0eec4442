"""A process that does nothing but send the events of a bridge.db; it is there to be killed."""

import asyncio
import sys
from pathlib import Path
from random import Random

from daemonkit.clock import SystemClock
from daemonkit.secrets import Secret
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.chat_outbox.pacing import Pace, PaceLimits
from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.messenger import Place
from telegram.bridge.store.database import Database

_FAST = Pace(10_000, 1.0, 10_000)
_LOOK_S = 0.01


async def _send(folder: Path, base_url: str, token: str, chat_id: int) -> None:
    clock = SystemClock()
    database = Database(folder / "bridge.db")
    messenger = PtbMessenger(BotSettings(Secret(token), base_url), clock)
    chat = open_chat(Place(chat_id), database, clock)
    limits = PaceLimits(_FAST, _FAST, _FAST)
    sender = Sender(messenger, [chat], database, clock=clock, rng=Random(1), limits=limits)
    running = asyncio.ensure_future(sender.run())
    while not running.done():
        chat.wake()
        await asyncio.sleep(_LOOK_S)
    await running


if __name__ == "__main__":
    asyncio.run(_send(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
