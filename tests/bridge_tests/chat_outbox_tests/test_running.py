"""The senders as they run in a loop of their own, in real time and spoken to from other threads."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from daemonkit.clock import SystemClock
from daemonkit.secrets import Secret
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.chat_outbox.settings import OutboxSection
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Place
from telegram.bridge.records import NewEvent
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from tests.bridge_tests.chat_outbox_tests.desk import arrived
from tests.fakes.bot_api.server import FakeBotApi
from tests.waiting import wait_until


@contextmanager
def _running(
    folder: Path, api: FakeBotApi, *chat_ids: int
) -> Iterator[tuple[list[TelegramChat], Sender, asyncio.AbstractEventLoop, Database]]:
    """Run a sender in a thread with a loop, as the thread `poll` does."""
    database, clock, section = Database(folder / "bridge.db"), SystemClock(), OutboxSection()
    messenger = PtbMessenger(BotSettings(Secret(api.token), api.base_url), clock)
    chats = [open_chat(Place(one), database, clock, section.bounds) for one in chat_ids]
    sender = Sender(messenger, chats, database, clock=clock, rng=Random(1), limits=section.limits)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="poll")
    thread.start()
    running = asyncio.run_coroutine_threadsafe(sender.run(), loop)
    try:
        yield chats, sender, loop, database
    finally:
        running.cancel()
        wait_until(running.done, 5, "the end of the sender")
        asyncio.run_coroutine_threadsafe(messenger.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
        for chat in chats:
            chat.send("nobody is there any more")
        database.close()


def test_what_another_thread_says_is_sent_at_once(tmp_path: Path) -> None:
    with FakeBotApi() as api:
        phone = api.phone(api.person("Ann"), has_met_bot=True)
        with _running(tmp_path, api, phone.chat.id) as (chats, sender, loop, database):
            number = chats[0].send("queued")
            phone.wait_for("^queued$")
            chats[0].edit(number, "applied")
            phone.wait_for("^applied$")
            event = NewEvent("paper", "e", 1, "bought", "notice", {}, "BOUGHT", SystemClock.wall())
            EventTable(database).append([event], {("paper", "e"): 1}, SystemClock.wall())
            chats[0].wake()
            phone.wait_for("^#1 paper notice: BOUGHT$")
            drained = asyncio.run_coroutine_threadsafe(sender.drain(5), loop)
            assert drained.result(6)
            assert sender.counters()[0].sent_total == 3


@pytest.mark.timeout(30)
def test_a_chat_that_hangs_does_not_delay_another(tmp_path: Path) -> None:
    with FakeBotApi() as api:
        phones = [api.phone(api.person(name), has_met_bot=True) for name in ("Ann", "Bob")]
        slow = api.faults.hang(chat=phones[0].chat.id, times=None)
        with _running(tmp_path, api, *(phone.chat.id for phone in phones)) as (chats, *_):
            for chat in chats:
                chat.send("hello")
            phones[1].wait_for("hello")
            assert phones[0].texts == []
            slow.clear()
            phones[0].wait_for("hello")


def test_a_wake_before_the_loop_runs_is_not_lost(tmp_path: Path) -> None:
    with FakeBotApi() as api:
        phone = api.phone(api.person("Ann"), has_met_bot=True)
        database = Database(tmp_path / "bridge.db")
        open_chat(Place(phone.chat.id), database, SystemClock())
        event = NewEvent("paper", "e", 1, "bought", "notice", {}, "BOUGHT", SystemClock.wall())
        EventTable(database).append([event], {("paper", "e"): 1}, SystemClock.wall())
        database.close()
        with _running(tmp_path, api, phone.chat.id):
            api.wait(lambda: arrived(phone) == [1], "the event")
