"""The life of polling: Telegram absent, refusing, shared with another program, or hanging."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from telegram.bridge.bot_api.state import Standing
from telegram.bridge.messenger import Inbound, Place
from tests.bridge_tests.telegram_tests.bot_rig import PATIENCE_S, BotRig
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.waiting import wait_until

Harm = Callable[[FakeBotApi], object]


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
