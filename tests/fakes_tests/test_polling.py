"""Updates by long polling: order, confirmation, waiting, take-over, expiry, webhooks."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import Answer, RawCaller

NOW = 1_800_000_000.0


def _ids(answer: Answer) -> list[int]:
    return [update["update_id"] for update in answer.result]


def test_updates_come_again_until_an_offset_confirms_them(caller: RawCaller, ann: Phone) -> None:
    for text in ("one", "two", "three"):
        ann.say(text)
    first, second, third = _ids(caller.call("getUpdates"))
    assert _ids(caller.call("getUpdates")) == [first, second, third]
    assert (second, third) == (first + 1, first + 2)
    answer = caller.call("getUpdates", offset=second)
    assert [update["message"]["text"] for update in answer.result] == ["two", "three"]
    assert _ids(caller.call("getUpdates")) == [second, third]
    assert _ids(caller.call("getUpdates", offset=third + 1)) == []


def test_at_most_a_hundred_come_at_a_time_or_as_few_as_asked(caller: RawCaller, ann: Phone) -> None:
    for number in range(120):
        ann.say(f"message {number}")
    assert len(_ids(caller.call("getUpdates"))) == 100
    assert len(_ids(caller.call("getUpdates", limit=500))) == 100
    answer = caller.call("getUpdates", limit=7)
    assert [each["message"]["text"] for each in answer.result][-1] == "message 6"
    last = _ids(caller.call("getUpdates"))[-1]
    assert len(_ids(caller.call("getUpdates", offset=last + 1))) == 20


def test_a_negative_offset_forgets_all_but_the_newest(caller: RawCaller, ann: Phone) -> None:
    for number in range(5):
        ann.say(f"message {number}")
    answer = caller.call("getUpdates", offset=-2)
    assert [each["message"]["text"] for each in answer.result] == ["message 3", "message 4"]
    assert len(_ids(caller.call("getUpdates"))) == 2


def test_a_poll_waits_until_something_happens(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(caller.call, "getUpdates", timeout=30)
        api.wait_for_poll()
        ann.say("now")
        assert waiting.result(10).result[0]["message"]["text"] == "now"
    assert api.requests("getUpdates")[0].has_acted


def test_a_poll_without_news_ends_after_its_timeout(caller: RawCaller) -> None:
    assert caller.call("getUpdates", timeout=1).result == []


def test_a_second_poll_ends_the_first_with_409(api: FakeBotApi) -> None:
    with RawCaller(api) as first, RawCaller(api) as second, ThreadPoolExecutor(2) as pool:
        old = pool.submit(first.call, "getUpdates", timeout=30)
        api.wait_for_poll()
        new = pool.submit(second.call, "getUpdates", timeout=30)
        answer = old.result(10)
        assert answer.status == 409
        assert answer.description == (
            "Conflict: terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        api.wait_for_poll()
        taken_back = pool.submit(first.call, "getUpdates", timeout=30)
        assert new.result(10).status == 409
        api.wait_for_poll()
        api.phone(api.person("Ann")).say("for the last one")
        assert len(taken_back.result(10).result) == 1


def test_a_rival_takes_over_again_and_again(api: FakeBotApi, caller: RawCaller, ann: Phone) -> None:
    with api.rival(pause_s=0.01) as rival:
        for _ in range(3):
            api.wait_for_poll()
            assert caller.call("getUpdates", timeout=30).status == 409
        assert rival.conflicts >= 2
        ann.say("for whom?")
        api.wait(lambda: rival.heard, "the rival hears it")
        assert len(caller.call("getUpdates").result) == 1, "and it is still there"
    with api.rival(steals=True):
        api.wait(lambda: not api.world.updates.pending, "everything is stolen")
    assert caller.call("getUpdates").result == []


def test_a_poll_whose_caller_has_gone_ends_and_takes_nothing_along(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    with RawCaller(api) as gone:
        gone.connection.request("GET", f"/bot{api.token}/getUpdates?timeout=30")
        api.wait_for_poll()
    api.wait(lambda: api.world.updates.waiting == 0, "the poll ends")
    ann.say("still there")
    assert caller.call("getUpdates").result[0]["message"]["text"] == "still there"


def test_only_the_kinds_that_were_asked_for_are_kept(caller: RawCaller, ann: Phone) -> None:
    caller.call("getUpdates", allowed_updates=["message"])
    message = ann.say("one")
    ann.edit(message, "changed")
    caller.call("sendMessage", chat_id=ann.chat.id, text="x", reply_markup=_keyboard("Yes", "y"))
    ann.press("Yes")
    assert [set(each) - {"update_id"} for each in caller.call("getUpdates").result] == [{"message"}]
    caller.call("getUpdates", allowed_updates=[])
    ann.edit(message, "again")
    kinds = [set(each) - {"update_id"} for each in caller.call("getUpdates").result]
    assert kinds == [{"message"}, {"edited_message"}]


def test_what_waits_for_a_day_is_lost() -> None:
    clock = ManualClock(wall=NOW)
    with FakeBotApi(clock=clock) as api, RawCaller(api) as caller:
        ann = api.phone(api.person("Ann"))
        ann.say("long ago")
        clock.advance(3600)
        ann.say("an hour later")
        clock.advance(23 * 3600)
        assert [each["message"]["text"] for each in caller.call("getUpdates").result] == [
            "an hour later"
        ]
        assert api.world.updates.expired == 1


@pytest.mark.parametrize(("age_s", "date"), [(3600.0, NOW - 3600), (-90.0, NOW + 90)])
def test_messages_of_the_past_and_the_future_carry_their_date(age_s: float, date: float) -> None:
    with FakeBotApi(clock=ManualClock(wall=NOW)) as api, RawCaller(api) as caller:
        api.phone(api.person("Ann")).say("/buy", age_s=age_s)
        assert caller.call("getUpdates").result[0]["message"]["date"] == date


def test_a_webhook_stops_polling_until_it_is_deleted(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    api.expect_refusal("HTTPS URL must be provided")
    assert caller.call("setWebhook", url="http://x.y").status == 400
    with RawCaller(api) as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.call, "getUpdates", timeout=30)
        api.wait_for_poll()
        assert caller.call("setWebhook", url="https://x.y/hook").result is True
        assert waiting.result(10).description == "Conflict: terminated by setWebhook request"
    ann.say("unheard")
    info = caller.call("getWebhookInfo").result
    assert (info["url"], info["pending_update_count"]) == ("https://x.y/hook", 1)
    answer = caller.call("getUpdates")
    assert (answer.status, "deleteWebhook" in answer.description) == (409, True)
    assert caller.call("deleteWebhook", drop_pending_updates=True).result is True
    assert caller.call("getUpdates").result == []


def test_an_update_shows_its_message_as_it_was_then(caller: RawCaller, ann: Phone) -> None:
    message = ann.say("first")
    ann.edit(message, "second")
    first, second = caller.call("getUpdates").result
    assert first["message"]["text"] == "first"
    assert second["edited_message"]["text"] == "second"
    assert "edit_date" in second["edited_message"]


def _keyboard(text: str, data: str) -> dict[str, object]:
    return {"inline_keyboard": [[{"text": text, "callback_data": data}]]}
