"""Every trouble of the script, as a caller without a library meets it."""

import http.client
import socket
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.bot_api.faults import BAD_GATEWAY_PAGE, Faults, Rule
from tests.fakes.bot_api.flood import FloodLimits
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import RawCaller


@pytest.mark.parametrize(
    ("script", "status", "body"),
    [
        (
            lambda faults: faults.too_many_requests(7),
            429,
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 7",
                "parameters": {"retry_after": 7},
            },
        ),
        (
            lambda faults: faults.server_error(503),
            503,
            {"ok": False, "error_code": 503, "description": "Internal Server Error"},
        ),
        (lambda faults: faults.bad_gateway(), 502, BAD_GATEWAY_PAGE),
        (lambda faults: faults.captive_portal(), 404, b"<html>Please sign in</html>"),
        (
            lambda faults: faults.unauthorized(),
            401,
            {"ok": False, "error_code": 401, "description": "Unauthorized"},
        ),
        (
            lambda faults: faults.not_found(),
            404,
            {"ok": False, "error_code": 404, "description": "Not Found"},
        ),
        (lambda faults: faults.odd_json(None), 200, None),
    ],
)
def test_another_answer_comes_once_and_nothing_is_done(
    api: FakeBotApi, caller: RawCaller, ann: Phone, script: object, status: int, body: object
) -> None:
    assert callable(script)
    rule = script(api.faults)
    assert isinstance(rule, Rule)
    answer = caller.call("sendMessage", chat_id=ann.chat.id, text="x")
    assert (answer.status, answer.body) == (status, body)
    assert ann.messages == []
    assert caller.call("sendMessage", chat_id=ann.chat.id, text="x").status == 200
    first, second = api.requests()
    assert rule.met == [first]
    assert (first.fault, first.has_acted, second.fault) == (f"answer {status}", False, "")
    assert api.refused == [], "what is scripted is not the caller's mistake"


def test_a_rule_meets_only_its_method_its_chat_and_so_many(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    bob = api.phone(api.person("Bob"), has_met_bot=True)
    api.faults.server_error(method=("sendMessage", "sendPhoto"), chat=ann.chat.id, times=2)

    def send(phone: Phone, text: str = "x") -> int:
        return caller.call("sendMessage", chat_id=phone.chat.id, text=text).status

    assert caller.call("getMe").status == 200
    assert [send(bob), send(ann), send(ann), send(ann)] == [200, 500, 500, 200]
    rule = api.faults.bad_gateway(
        times=None, when=lambda record: record.parameters.get("text") == "bad"
    )
    assert [send(ann, text) for text in ("bad", "good", "bad")] == [502, 200, 502]
    rule.clear()
    assert send(ann, "bad") == 200
    api.faults.server_error(times=None)
    api.faults.clear()
    assert send(ann) == 200


@pytest.mark.parametrize("acts", [True, False])
def test_a_dropped_connection_gives_no_answer_whether_or_not_it_was_done(
    api: FakeBotApi, caller: RawCaller, ann: Phone, acts: bool
) -> None:
    api.faults.drop(acts=acts)
    with pytest.raises(http.client.RemoteDisconnected):
        caller.call("sendMessage", chat_id=ann.chat.id, text="x")
    assert ann.texts == (["x"] if acts else [])
    assert caller.call("getMe").status == 200
    assert api.requests()[0].has_acted is acts


def test_a_truncated_answer_ends_in_the_middle(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    api.faults.truncate()
    with pytest.raises(http.client.IncompleteRead):
        caller.call("sendMessage", chat_id=ann.chat.id, text="x")
    assert ann.texts == ["x"]


def test_a_trickling_answer_is_whole_in_the_end(api: FakeBotApi, caller: RawCaller) -> None:
    api.faults.trickle(0.1)
    assert caller.call("getMe").result["is_bot"] is True


def test_a_hanging_request_goes_on_when_told(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    rule = api.faults.hang(method="sendMessage")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(caller.call, "sendMessage", chat_id=ann.chat.id, text="x")
        api.wait(lambda: rule.met, "the request")
        assert (ann.messages, waiting.done()) == ([], False)
        rule.clear()
        assert waiting.result(10).status == 200
    assert ann.texts == ["x"]


def test_a_hanging_request_goes_on_after_its_time(api: FakeBotApi, caller: RawCaller) -> None:
    api.faults.hang(0.05)
    assert caller.call("getMe").status == 200


@pytest.mark.parametrize("acts", [True, False])
def test_a_request_whose_caller_gave_up_is_done_only_if_it_was_done_before(
    api: FakeBotApi, ann: Phone, acts: bool
) -> None:
    rule = api.faults.hang(acts=acts)
    with RawCaller(api, timeout_s=0.05) as impatient, pytest.raises(TimeoutError):
        impatient.call("sendMessage", chat_id=ann.chat.id, text="x")
    with RawCaller(api) as caller:
        assert caller.call("getMe").status == 200
    rule.clear()
    assert ann.texts == (["x"] if acts else [])


def test_a_server_that_is_down_refuses_connections_and_comes_up_at_the_same_port(
    api: FakeBotApi, caller: RawCaller
) -> None:
    assert caller.call("getMe").status == 200
    port = urllib.parse.urlsplit(api.base_url).port
    with api.is_down():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port or 0), 5)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            caller.call("getMe")
    assert caller.call("getMe").status == 200
    assert urllib.parse.urlsplit(api.base_url).port == port


def test_a_server_can_begin_by_being_down() -> None:
    with FakeBotApi(is_up=False) as api, RawCaller(api) as caller:
        with pytest.raises(ConnectionRefusedError):
            caller.call("getMe")
        api.come_up()
        assert caller.call("getMe").status == 200


def test_connections_can_be_cut_while_the_server_stays(api: FakeBotApi) -> None:
    with RawCaller(api) as caller, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(caller.call, "getUpdates", timeout=30)
        api.wait_for_poll()
        api.end_connections()
        assert isinstance(waiting.exception(10), http.client.RemoteDisconnected)
        assert caller.call("getMe").status == 200


def test_closing_ends_what_hangs() -> None:
    with FakeBotApi() as api, RawCaller(api) as caller, ThreadPoolExecutor(2) as pool:
        rule = api.faults.hang(method="getMe")
        hanging = pool.submit(caller.call, "getMe")
        api.wait(lambda: rule.met, "the request")
        api.close()
        assert hanging.exception(10) is not None or hanging.result().status == 200


def test_the_limits_of_speed_are_those_of_telegram() -> None:
    clock = ManualClock(wall=1_800_000_000.0)
    with FakeBotApi(clock=clock) as api, RawCaller(api) as caller:
        ann = api.phone(api.person("Ann"), has_met_bot=True)
        group = api.rooms.group("Desk", [ann.person])

        def send(chat_id: int) -> int:
            answer = caller.call("sendMessage", chat_id=chat_id, text="x")
            return 0 if answer.status == 200 else int(answer.body["parameters"]["retry_after"])

        assert [send(ann.chat.id) for _ in range(5)] == [0] * 5, "off until switched on"
        api.limit_speed()
        assert [send(ann.chat.id) for _ in range(4)] == [0, 0, 0, 3]
        assert send(group.id) == 0, "another chat is not concerned"
        clock.advance(1)
        assert send(ann.chat.id) == 2
        clock.advance(2)
        assert send(ann.chat.id) == 0
        assert [send(group.id) for _ in range(20)] == [0] * 19 + [57]
        clock.advance(60)
        assert [send(group.id) for _ in range(2)] == [0, 0]
        api.limit_speed(FloodLimits(overall=(2, 1.0)))
        clock.advance(60)
        assert [send(ann.chat.id), send(group.id), send(ann.chat.id)] == [0, 0, 1]
        assert send(group.id) == 1, "over the limit of all, everything waits"
        assert caller.call("sendChatAction", chat_id=ann.chat.id, action="typing").status == 200
        assert caller.call("getUpdates").status == 200
        api.limit_speed(None)
        assert send(ann.chat.id) == 0


def test_a_script_is_read_in_order(api: FakeBotApi, caller: RawCaller) -> None:
    faults: Faults = api.faults
    faults.server_error(500)
    faults.bad_gateway()
    faults.unauthorized()
    assert [caller.call("getMe").status for _ in range(4)] == [500, 502, 401, 200]
