"""kill -9 of a process that sends: every event arrives, in order, one message twice at most."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from daemonkit.clock import SystemClock
from telegram.bridge.chat_outbox.sender import open_chat
from telegram.bridge.messenger import Place
from telegram.bridge.records import NewEvent
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from tests.bridge_tests.chat_outbox_tests.desk import arrived
from tests.bridge_tests.chat_outbox_tests.test_outages import check_stream
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.processes import ROOT

_EVENTS = 2_000
_KILLS = 12


@pytest.mark.long
@pytest.mark.timeout(300)
def test_two_thousand_events_survive_every_kill(tmp_path: Path) -> None:
    rng = Random(7)
    database = Database(tmp_path / "bridge.db")
    with FakeBotApi() as api:
        phone = api.phone(api.person("Ann"), has_met_bot=True)
        _open_once(tmp_path, phone)
        stored = 0
        for kill in range(1, _KILLS + 1):
            more = _EVENTS * kill // _KILLS
            with _Sending(tmp_path, api, phone) as process:
                # Some while the last ones are on their way, so that messages are of all sizes.
                while stored < more:
                    count = min(more - stored, rng.randrange(1, 40))
                    _store(database, stored, count)
                    stored += count
                wanted = rng.randrange(max(1, stored - 150), stored + 1)
                api.wait(lambda: _reached(phone, wanted), f"event {wanted}", 60)  # noqa: B023
                process.kill()
        with _Sending(tmp_path, api, phone):
            api.wait(lambda: _reached(phone, _EVENTS), "the last event", 60)
        check_stream(phone, _KILLS)
        assert max(arrived(phone)) == _EVENTS
    database.close()


def _reached(phone: Phone, event_id: int) -> bool:
    numbers = arrived(phone)
    return bool(numbers) and max(numbers) >= event_id


def _open_once(folder: Path, phone: Phone) -> None:
    """Have the chat be known before there are events."""
    database = Database(folder / "bridge.db")
    open_chat(Place(phone.chat.id), database, SystemClock())
    database.close()


def _store(database: Database, first: int, count: int) -> None:
    at = SystemClock.wall()
    events = [
        NewEvent("paper", "epoch", number, "bought", "notice", {}, f"BOUGHT {number}", at)
        for number in range(first + 1, first + count + 1)
    ]
    EventTable(database).append(events, {("paper", "epoch"): first + count}, at)


class _Sending:
    """One process that sends, killed at the end if it was not before."""

    def __init__(self, folder: Path, api: FakeBotApi, phone: Phone) -> None:
        module = "tests.bridge_tests.chat_outbox_tests.sending_process"
        where = [str(folder), api.base_url, api.token, str(phone.chat.id)]
        self._command = [sys.executable, "-m", module, *where]

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(self._command, cwd=ROOT)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
