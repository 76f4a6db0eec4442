"""HTTP as the Bot API speaks it, byte by byte where that matters."""

import socket
import threading
import urllib.parse
from contextlib import ExitStack

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG, RawCaller
from tests.waiting import wait_until


def test_parameters_come_as_json_form_multipart_or_in_the_address(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    chat_id = ann.chat.id
    assert caller.call("sendMessage", chat_id=chat_id, text="as JSON").status == 200
    assert caller.form("sendMessage", chat_id=chat_id, text="as a förm").status == 200
    assert caller.multipart("sendMessage", {}, chat_id=chat_id, text="as ünits").status == 200
    query = urllib.parse.urlencode({"chat_id": chat_id, "text": "in the address"})
    assert caller.send("GET", f"sendMessage?{query}").status == 200
    assert ann.texts == ["as JSON", "as a förm", "as ünits", "in the address"]
    assert api.connections == 1, "the connection was kept"


def test_methods_do_not_care_for_capitals(caller: RawCaller, api: FakeBotApi) -> None:
    assert caller.call("GETME").result["username"] == "desk_bot"
    assert [record.method for record in api.requests()] == ["getMe"]


def test_files_arrive_byte_by_byte_also_with_boundaries_inside(
    caller: RawCaller, ann: Phone
) -> None:
    content = bytes(range(256)) * 40 + b"\r\n--X\r\n\r\n"
    files = {"document": ("trädes.csv", content)}
    answer = caller.multipart("sendDocument", files, chat_id=ann.chat.id, caption="all")
    assert answer.result["document"]["file_name"] == "trädes.csv"
    assert ann.last.document == content
    assert ann.last.file_name == "trädes.csv"
    assert ann.last.text == "all"


def test_a_body_in_chunks_is_read(caller: RawCaller, ann: Phone) -> None:
    body = f'{{"chat_id": {ann.chat.id}, "text": "in pieces"}}'.encode()
    pieces = (body[at : at + 7] for at in range(0, len(body), 7))
    caller.connection.request(
        "POST",
        f"/bot{caller._api.token}/sendMessage",
        pieces,
        {"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        encode_chunked=True,
    )
    assert caller.connection.getresponse().status == 200
    assert ann.texts == ["in pieces"]


def test_a_request_trickling_in_is_read(api: FakeBotApi) -> None:
    port = urllib.parse.urlsplit(api.base_url).port
    request = f"GET /bot{api.token}/getMe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port or 0), 10) as sock:
        for byte in request.encode():
            sock.sendall(bytes((byte,)))
        answer = b"".join(iter(lambda: sock.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x16\x03\x01 this is no HTTP\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Header: x\r\n" * 200 + b"\r\n",
    ],
)
def test_rubbish_ends_the_connection_and_harms_nobody(
    api: FakeBotApi, caller: RawCaller, rubbish: bytes
) -> None:
    port = urllib.parse.urlsplit(api.base_url).port
    with socket.create_connection(("127.0.0.1", port or 0), 10) as sock:
        sock.sendall(rubbish)
        try:
            assert sock.recv(100) == b""
        except ConnectionResetError:
            assert len(rubbish) > 1000, "only what was not read to its end is reset"
    assert caller.call("getMe").status == 200


def test_a_body_that_is_no_json_is_refused(api: FakeBotApi, caller: RawCaller) -> None:
    api.expect_refusal("can't parse")
    answer = caller.send("POST", "getMe", b"{", {"Content-Type": "application/json"})
    assert (answer.status, answer.body["error_code"]) == (400, 400)


def test_a_body_over_50_mb_is_refused_with_413(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    api.expect_refusal("too large")
    files = {"document": ("big", b"\0" * (51 * 1024 * 1024))}
    answer = caller.multipart("sendDocument", files, chat_id=ann.chat.id)
    assert (answer.status, answer.description) == (413, "Request Entity Too Large")
    assert ann.messages == []


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [
        ("7001234567:" + "A" * 35, 401, "Unauthorized"),
        ("nonsense", 404, "Not Found"),
    ],
)
def test_a_wrong_token_is_401_and_a_malformed_one_404(
    api: FakeBotApi, caller: RawCaller, token: str, status: int, description: str
) -> None:
    api.expect_refusal("not found")
    answer = caller.send("GET", "getMe", token=token)
    assert (answer.status, answer.description) == (status, description)


def test_an_unknown_method_is_404(api: FakeBotApi, caller: RawCaller) -> None:
    api.expect_refusal("method not found")
    answer = caller.call("sendNonsense")
    assert (answer.status, answer.description) == (404, "Not Found: method not found")


def test_an_uploaded_file_can_be_downloaded_with_the_token_alone(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    caller.multipart("sendPhoto", {"photo": ("chart.png", PNG)}, chat_id=ann.chat.id)
    photo = ann.last.to_json()["photo"][0]
    assert (photo["width"], photo["height"]) == (3, 2)
    path = caller.call("getFile", file_id=photo["file_id"]).result["file_path"]
    file_path = urllib.parse.urlsplit(api.base_file_url).path
    for token, status in ((api.token, 200), ("7001234567:" + "A" * 35, 404)):
        caller.connection.request("GET", f"{file_path}{token}/{path}")
        response = caller.connection.getresponse()
        assert (response.status, response.read() == PNG) == (status, status == 200)


def test_a_caller_may_take_the_server_for_its_proxy(api: FakeBotApi, caller: RawCaller) -> None:
    caller.connection.request("GET", f"http://api.invalid/bot{api.token}/getMe")
    assert caller.connection.getresponse().status == 200
    assert api.requests()[-1].is_proxied


def test_no_thread_and_no_port_is_left_behind() -> None:
    with FakeBotApi() as api, RawCaller(api) as caller:
        caller.call("getMe")
        port = urllib.parse.urlsplit(api.base_url).port
        assert port is not None
    left = [each for each in threading.enumerate() if each.name.startswith("bot-api")]
    assert left == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_more_connections_than_it_takes_are_closed_at_once() -> None:
    with FakeBotApi(connections_max=2) as api, ExitStack() as stack:
        address = ("127.0.0.1", urllib.parse.urlsplit(api.base_url).port or 0)
        for _ in range(2):
            stack.enter_context(socket.create_connection(address, 10))
        wait_until(lambda: api.connections == 2, 10, "both are taken")
        with socket.create_connection(address, 10) as one_more:
            assert one_more.recv(1) == b""
