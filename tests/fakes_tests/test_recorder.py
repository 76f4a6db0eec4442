"""What is written down, what fails a test, and what must not be sent."""

import pytest

from tests.fakes.bot_api import methods
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import TOKEN, FakeBotApi
from tests.fakes_tests.raw_caller import RawCaller


def test_requests_are_kept_in_order_with_answers(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    caller.call("getMe")
    caller.call("getUpdates")
    caller.multipart("sendDocument", {"document": ("a", b"abc")}, chat_id=ann.chat.id)
    me, document = api.requests()
    assert [record.method for record in api.requests("getUpdates")] == ["getUpdates"]
    assert (me.number, document.number, document.chat_id) == (1, 3, ann.chat.id)
    assert (document.status, document.uploads) == (200, {"document": 3})
    assert document.result["document"]["file_size"] == 3
    assert document.ended_s is not None
    assert me.began_s <= document.began_s <= document.ended_s
    assert api.wait_for_request("sendDocument") == [document]
    assert document.describe().startswith("3. sendDocument {'chat_id': ")


def test_leaving_fails_on_what_the_real_api_refuses() -> None:
    def misbehave(expected: str = "") -> None:
        with FakeBotApi() as api, RawCaller(api) as caller:
            if expected:
                api.expect_refusal(expected)
            caller.call("sendMessage", chat_id=5, text="x")

    with pytest.raises(AssertionError, match=r"(?s)the real API would refuse.*chat not found"):
        misbehave()
    misbehave("CHAT NOT FOUND")


def test_a_wrong_token_a_second_poller_and_a_limit_of_speed_are_no_mistakes() -> None:
    with FakeBotApi() as api, RawCaller(api) as caller:
        caller.send("GET", "getMe", token="7001234567:" + "B" * 35)
        caller.call("setWebhook", url="https://x.y")
        assert caller.call("getUpdates").status == 409
        assert api.refused == []


def test_a_failed_test_is_not_hidden_behind_refusals() -> None:
    def fail() -> None:
        with FakeBotApi() as api, RawCaller(api) as caller:
            caller.call("sendMessage", chat_id=5, text="x")
            raise ValueError("the test itself")

    with pytest.raises(ValueError, match="the test itself"):
        fail()


@pytest.mark.parametrize("secret", [TOKEN, "hunter2"])
def test_a_secret_in_a_body_fails_the_test(secret: str) -> None:
    def leak() -> None:
        with FakeBotApi() as api, RawCaller(api) as caller:
            api.plant_secret("hunter2")
            chat_id = api.phone(api.person("Ann"), has_met_bot=True).chat.id
            caller.form("sendMessage", chat_id=chat_id, text="harmless")
            caller.call("sendMessage", chat_id=chat_id, text=f"see {secret}")

    with pytest.raises(AssertionError, match=r"request 2 \(sendMessage\) has a secret in its"):
        leak()


def test_a_fault_of_the_fake_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_anything: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setitem(methods.METHODS, "getMe", fail)

    def meet_it() -> None:
        with FakeBotApi() as api, RawCaller(api) as caller:
            assert caller.call("getMe").status == 500

    with pytest.raises(AssertionError, match=r"(?s)the fake failed.*ZeroDivisionError"):
        meet_it()


def test_a_revoked_token_is_401_and_the_new_one_works(api: FakeBotApi, caller: RawCaller) -> None:
    api.revoke_token("7001234567:BBAnotherTokenForTestsOnly-Never_0123")
    assert caller.send("GET", "getMe", token=TOKEN).status == 401
    assert caller.call("getMe").status == 200
