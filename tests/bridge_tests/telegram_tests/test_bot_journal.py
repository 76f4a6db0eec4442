"""Updates are confirmed once they are on disk: kills, full disks, stops, numbers anew."""

import sys

import pytest

from telegram.bridge.bot_api.state import Standing
from telegram.bridge.messenger import Inbound, Place
from tests.bridge_tests.telegram_tests.bot_rig import PATIENCE_S, BotRig, Gate
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.processes import Processes
from tests.waiting import wait_until


def test_an_update_is_confirmed_only_when_it_is_on_disk(api: FakeBotApi, ann: Phone) -> None:
    gate = Gate()
    first, second = ann.say("first"), ann.say("second")
    with BotRig(api, journal=gate) as rig:
        assert gate.came.wait(PATIENCE_S)
        assert [each.payload["text"] for each in api.world.updates.pending] == ["first", "second"]
        # The loop itself does not wait for the disk.
        rig.call(lambda m: m.send_text(Place(ann.chat.id), "alive", html=False))
        gate.opened.set()
        wait_until(lambda: not api.world.updates.pending, PATIENCE_S, "both are confirmed")
    assert [each.message_id for each in gate.taken] == [first.message_id, second.message_id]


def test_what_was_not_confirmed_comes_again_with_its_number(api: FakeBotApi, ann: Phone) -> None:
    gate = Gate()
    ann.say("/buy BTC")
    with BotRig(api, journal=gate):
        assert gate.came.wait(PATIENCE_S)
        # Journalled, but the process ends before it can confirm.
    gate.opened.set()
    with BotRig(api) as again:
        came = again.wait_text("/buy BTC")
    assert came.update_id == gate.taken[0].update_id


_VICTIM = """
import sys, threading
from daemonkit.clock import SystemClock
from daemonkit.secrets import Secret
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.bot_api.state import BotCallbacks
from telegram.bridge.poll_thread import TelegramThread

def journal(inbound):
    print("journalled", inbound.update_id, flush=True)
    threading.Event().wait()

settings = BotSettings(Secret(sys.argv[2]), sys.argv[1])
TelegramThread(settings, BotCallbacks(journal), SystemClock()).start()
threading.Event().wait()
"""


def test_kill_9_while_journalling_loses_nothing(
    api: FakeBotApi, ann: Phone, processes: Processes
) -> None:
    victim = processes.start(sys.executable, "-c", _VICTIM, api.base_url, api.token)
    ann.say("/buy BTC")
    line = victim.wait_for(r"journalled \d+", stream="stdout")
    victim.kill()
    with BotRig(api) as again:
        came = again.wait_text("/buy BTC")
    assert line == f"journalled {came.update_id}"


def test_a_journal_that_fails_is_asked_again_in_order(api: FakeBotApi, ann: Phone) -> None:
    taken: list[str] = []
    tries = iter((False, False, True))

    def journal(inbound: Inbound) -> None:
        if not taken and not next(tries):
            raise OSError("no space left on device")
        taken.append(inbound.text)

    ann.say("first")
    ann.say("second")
    with BotRig(api, journal=journal) as rig:
        wait_until(lambda: taken == ["first", "second"], PATIENCE_S, "both")
        wait_until(lambda: not api.world.updates.pending, PATIENCE_S, "both are confirmed")
        assert rig.standing is Standing.POLLING


def test_an_update_that_no_journal_takes_blocks_the_others_only_for_a_while(
    api: FakeBotApi, ann: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[str] = []

    def journal(inbound: Inbound) -> None:
        if inbound.text == "poison":
            raise ValueError("cannot be stored")
        taken.append(inbound.text)

    ann.say("poison")
    ann.say("/stop")
    with BotRig(api, journal=journal, offers_max=3) as rig:
        wait_until(lambda: taken == ["/stop"], PATIENCE_S, "the next one")
        assert [each.text for each in rig.lost] == ["poison"]
    assert "is given up" in caplog.text


def test_numbers_that_start_anew_after_silence_are_not_missed(api: FakeBotApi, ann: Phone) -> None:
    with BotRig(api, poll_s=1) as rig:
        ann.say("before")
        rig.wait_text("before")
        api.wait_for_request("getUpdates", count=len(api.requests("getUpdates")) + 2)
        api.world.updates.skip_ids(-1_000_000)
        ann.say("after")
        rig.wait_text("after")


def test_stopping_confirms_what_was_taken(api: FakeBotApi, ann: Phone) -> None:
    api.faults.hang(method="getUpdates", when=lambda record: "offset" in record.parameters)
    with BotRig(api) as rig:
        ann.say("/stop")
        rig.wait_text("/stop")
        api.wait_for_request("getUpdates", count=2)
    assert api.world.updates.pending == []


def test_what_comes_while_the_bridge_ends_is_left_for_the_next_start(
    api: FakeBotApi, ann: Phone
) -> None:
    ann.say("heard")
    with BotRig(api) as rig:
        rig.wait_text("heard")
        rig.thread.stop_hearing()
        api.wait(lambda: not api.world.updates.waiting, "no poll")
        ann.say("/stop")
        # What is to be said at the end is still said.
        rig.call(lambda m: m.send_text(Place(ann.chat.id), "goodbye", html=False))
    assert [each.text for each in rig.inbounds] == ["heard"]
    assert [each.payload["text"] for each in api.world.updates.pending] == ["/stop"]
    with BotRig(api) as again:
        again.wait_text("/stop")
