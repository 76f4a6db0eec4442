"""The thread that polls: it ends in a moment, runs jobs, and outlives what fails in it."""

import asyncio
import threading
from contextlib import suppress

import pytest

from daemonkit.clock import SystemClock
from telegram.bridge.bot_api.state import Standing
from telegram.bridge.bot_api.threads import BesideLoop
from telegram.bridge.messenger import MessengerError, Place, Trouble
from tests.bridge_tests.telegram_tests.bot_rig import PATIENCE_S, BotRig
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.waiting import wait_until


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
