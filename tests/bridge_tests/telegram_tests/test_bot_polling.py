"""The life of polling: Telegram absent, refusing, shared with another program, or hanging."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from daemonkit.clock import SystemClock
from telegram.bridge.bot_api.state import Standing
from telegram.bridge.bot_api.threads import BesideLoop
from telegram.bridge.messenger import Inbound, MessengerError, Place, Trouble
from tests.bridge_tests.telegram_tests.bot_rig import PATIENCE_S, BotRig, Gate
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.processes import Processes
from tests.waiting import wait_until

Harm = Callable[[FakeBotApi], object]


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as running:
        yield running


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann"), has_met_bot=True)


def test_polling_starts_and_says_who_the_bot_is(api: FakeBotApi) -> None:
    with BotRig(api) as rig:
        api.wait_for_poll()
        rig.wait_standing(Standing.POLLING)
        assert [each.user_name for each in rig.greetings] == ["desk_bot"]
        assert any(each.name == "poll" for each in threading.enumerate())
    assert rig.standing is Standing.STOPPED
    assert not rig.thread.is_alive
    assert [each.method for each in api.requests()] == ["getMe", "deleteWebhook"]


def test_a_webhook_that_is_set_is_taken_away_and_what_waits_is_kept(
    api: FakeBotApi, ann: Phone
) -> None:
    api.world.updates.set_webhook("https://example.org", drop_pending=False)
    ann.say("/stop")
    with BotRig(api) as rig:
        rig.wait_text("/stop")


def test_what_was_sent_while_the_bridge_was_down_comes(api: FakeBotApi, ann: Phone) -> None:
    # Whoever decides refuses what is stale and says so; here nothing may vanish.
    ann.say("/stop", age_s=3600)
    with BotRig(api) as rig:
        rig.wait_text("/stop")


def test_telegram_may_be_absent_at_the_start() -> None:
    with FakeBotApi(is_up=False) as api:
        ann = api.phone(api.person("Ann"), has_met_bot=True)
        with BotRig(api) as rig:
            rig.wait_standing(Standing.AWAY)
            assert rig.thread.last_poll_at is None
            ann.say("/stop")
            api.come_up()
            rig.wait_text("/stop")
            rig.wait_standing(Standing.POLLING)
            assert rig.thread.last_poll_at is not None


def test_telegram_may_go_and_come_back(api: FakeBotApi, ann: Phone) -> None:
    with BotRig(api) as rig:
        api.wait_for_poll()
        with api.is_down():
            rig.wait_standing(Standing.AWAY)
            assert rig.thread.state.detail
            ann.say("/stop")
        rig.wait_text("/stop")
        rig.wait_standing(Standing.POLLING)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", ["unauthorized", "not_found"])
def test_polling_goes_on_after_a_refused_token_is_accepted_again(
    api: FakeBotApi, ann: Phone, name: str, times: int
) -> None:
    getattr(api.faults, name)(method="getUpdates", times=times)
    ann.say("/stop")
    with BotRig(api) as rig:
        rig.wait_text("/stop")
        rig.wait_standing(Standing.POLLING)
        assert Standing.TOKEN_REFUSED in [each.standing for each in rig.states]


def test_a_revoked_token_is_tried_again_and_again(api: FakeBotApi, ann: Phone) -> None:
    right = api.token
    with BotRig(api) as rig:
        api.wait_for_poll()
        api.revoke_token("7001234567:AAAnotherTokenForTestsOnly-Never_Real01")
        api.end_connections()
        rig.wait_standing(Standing.TOKEN_REFUSED)
        api.wait_for_request("getMe", count=4)
        ann.say("/stop")
        api.revoke_token(right)
        rig.wait_text("/stop")
        rig.wait_standing(Standing.POLLING)


@pytest.mark.parametrize(
    "harm",
    [
        lambda api: api.faults.captive_portal(times=3),
        lambda api: api.faults.bad_gateway(times=3),
        lambda api: api.faults.server_error(times=3),
        lambda api: api.faults.odd_json(None, times=3),
        lambda api: api.faults.odd_json({"ok": True, "result": 5}, times=3),
        lambda api: api.faults.odd_json({"ok": True, "result": [1, {"x": 2}]}, method="getUpdates"),
        lambda api: api.faults.drop(acts=True, times=3),
        lambda api: api.faults.truncate(times=3),
        lambda api: api.faults.too_many_requests(1),
    ],
)
def test_no_trouble_ends_polling(api: FakeBotApi, ann: Phone, harm: Harm) -> None:
    harm(api)
    ann.say("/stop")
    with BotRig(api) as rig:
        rig.wait_text("/stop")
        rig.wait_standing(Standing.POLLING)


def test_a_portal_that_answers_404_is_absence_and_no_refusal(api: FakeBotApi) -> None:
    with BotRig(api) as rig:
        api.wait_for_poll()
        rule = api.faults.captive_portal(times=None)
        api.end_connections()
        rig.wait_standing(Standing.AWAY)
        rule.clear()
        rig.wait_standing(Standing.POLLING)
    assert Standing.TOKEN_REFUSED not in [each.standing for each in rig.states]


def test_a_second_poller_is_told_and_so_is_its_end(api: FakeBotApi, ann: Phone) -> None:
    with BotRig(api) as rig:
        api.wait_for_poll()
        with api.rival(pause_s=0.05):
            wait_until(lambda: rig.conflicts == [True], PATIENCE_S, "the conflict")
            rig.wait_standing(Standing.CONFLICT)
            ann.say("/stop")
            rig.wait_text("/stop")
            rig.call(lambda m: m.send_text(Place(ann.chat.id), "somebody else", html=False))
        ann.say("after")
        rig.wait_text("after")
        wait_until(
            lambda: (ann.say("tick"), rig.conflicts == [True, False])[1], PATIENCE_S, "its end"
        )
        rig.wait_standing(Standing.POLLING)


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


def test_an_answer_is_sent_before_telegram_is_asked_for_more(api: FakeBotApi, ann: Phone) -> None:
    async def answer() -> None:
        for _ in range(100):
            # As whoever works on it: the loop has turned many times before there is an answer.
            await asyncio.sleep(0)
        await rig.thread.messenger.send_text(Place(ann.chat.id), "pong", html=False)

    def journal(_inbound: Inbound) -> None:
        rig.thread.call(answer())

    with BotRig(api, journal=journal, answer_first_s=60.0) as rig:
        api.wait_for_poll()
        polls = len(api.requests("getUpdates"))
        ann.say("/ping")
        ann.wait_for("pong")
        assert len(api.requests("getUpdates")) == polls


def test_what_came_with_nothing_for_the_bridge_is_followed_by_a_poll_at_once(
    api: FakeBotApi, ann: Phone
) -> None:
    with BotRig(api, answer_first_s=60.0) as rig:
        api.wait_for_poll()
        ann.send_document("without-a-word.txt", b"nothing")
        wait_until(lambda: not api.world.updates.pending, PATIENCE_S, "it is confirmed")
        ann.say("/ping")
        rig.wait_text("/ping")


def test_an_idle_bot_costs_one_request_per_long_poll(api: FakeBotApi) -> None:
    with BotRig(api, poll_s=1) as rig:
        rig.wait_standing(Standing.POLLING)
        polls = api.wait_for_request("getUpdates", count=4)
        assert len({each.number for each in polls}) == len(polls)
        waited = [each.ended_s - each.began_s for each in polls[1:3] if each.ended_s is not None]
        assert min(waited) > 0.9
        assert api.connections == 2


def test_stopping_with_a_hanging_telegram_takes_a_moment(api: FakeBotApi, ann: Phone) -> None:
    with BotRig(api) as rig:
        ann.say("x")
        rig.wait_text("x")
        rule = api.faults.hang(times=None)
        api.end_connections()
        wait_until(lambda: rule.met, PATIENCE_S, "a poll that hangs")
        send = rig.thread.call(
            rig.thread.messenger.send_text(Place(ann.chat.id), "never", html=False)
        )
        wait_until(lambda: len(rule.met) >= 2, PATIENCE_S, "calls that hang")
        began = SystemClock.monotonic()
        assert rig.thread.stop(8.0)
        assert SystemClock.monotonic() - began < 5.0
        assert send.cancelled()


def test_stopping_while_telegram_is_away_takes_a_moment() -> None:
    with FakeBotApi(is_up=False) as api, BotRig(api, retry_min_s=60.0) as rig:
        rig.wait_standing(Standing.AWAY)
        began = SystemClock.monotonic()
        assert rig.thread.stop(8.0)
        assert SystemClock.monotonic() - began < 3.0


def test_a_thread_that_was_never_started_stops_at_once(api: FakeBotApi) -> None:
    rig = BotRig(api)
    assert rig.thread.stop(1.0)
    assert not rig.thread.is_alive
    assert rig.standing is Standing.STARTING


def test_calls_outside_of_its_life_are_refused(api: FakeBotApi, ann: Phone) -> None:
    rig = BotRig(api)
    for _ in range(2):
        work = rig.thread.messenger.send_text(Place(ann.chat.id), "x", html=False)
        with pytest.raises(MessengerError) as raised:
            rig.thread.call(work).result(PATIENCE_S)
        assert raised.value.trouble is Trouble.DOWN
        with suppress(RuntimeError), rig:
            api.wait_for_poll()


def test_jobs_run_in_the_loop_and_again_when_they_fail(api: FakeBotApi) -> None:
    seen: list[str] = []
    rig = BotRig(api)

    async def job() -> None:
        seen.append(threading.current_thread().name)
        if len(seen) == 1:
            raise ValueError("once")

    rig.thread.run(job, "sender")
    with rig:
        wait_until(lambda: seen == ["poll", "poll"], PATIENCE_S, "the second run")
        rig.wait_standing(Standing.POLLING)


def test_a_callback_that_fails_stops_nothing(api: FakeBotApi, ann: Phone) -> None:
    rig = BotRig(api)
    rig.states = None  # type: ignore[assignment]
    with rig:
        ann.say("/stop")
        rig.wait_text("/stop")


def test_a_lookup_that_hangs_does_not_hold_up_the_end() -> None:
    opened = threading.Event()

    async def hang() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(BesideLoop())
        with suppress(TimeoutError):
            await asyncio.wait_for(loop.run_in_executor(None, opened.wait), 0.05)

    began = SystemClock.monotonic()
    asyncio.run(hang())
    assert SystemClock.monotonic() - began < 3.0
    opened.set()


def test_a_call_beside_the_loop_brings_its_result_or_error() -> None:
    pool = BesideLoop()
    assert pool.submit(divmod, 7, 2).result(PATIENCE_S) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 7, 0).result(PATIENCE_S)
    pool.shutdown()


def test_calls_beside_the_loop_share_a_thread_but_none_waits_for_one_that_hangs() -> None:
    pool, before = BesideLoop(), set(threading.enumerate())
    opened = threading.Event()

    def beside() -> set[threading.Thread]:
        return {each for each in threading.enumerate() if each.name == "poll-call"} - before

    def call() -> int:
        return pool.submit(threading.get_ident).result(PATIENCE_S)

    first = call()
    wait_until(lambda: call() == first, PATIENCE_S, "the thread of the first call to be used again")
    wait_until(lambda: len(beside()) == 1, PATIENCE_S, "the threads of the others to end")
    hanging = pool.submit(opened.wait, PATIENCE_S)
    assert call() != first
    assert not hanging.done()
    pool.shutdown()
    opened.set()
    wait_until(lambda: not beside(), PATIENCE_S, "no thread to be left")


def test_the_loop_shows_that_it_turns(api: FakeBotApi) -> None:
    with BotRig(api) as rig:
        before = rig.thread.turned_at
        wait_until(lambda: rig.thread.turned_at > before, PATIENCE_S, "a turn")
