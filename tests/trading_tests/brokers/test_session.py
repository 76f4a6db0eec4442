"""A quickened session sends what `requests` would send, to the byte."""

import gc
from collections.abc import Iterator
from typing import Any
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.exceptions import InvalidHeader

from tests.trading_tests.brokers.ccxt_server import CcxtServer, Reply
from trading.brokers.exchanges.session import quicken

NAMES = st.sampled_from(["API-Key", "user-agent", "User-Agent", "Content-Type", "Accept", "X-A"])
HEADERS = st.dictionaries(NAMES, st.sampled_from(["a", "text/plain", "application/json"]))
URLS = st.sampled_from(
    [
        "https://api.example.com/0/private/AddOrder",
        "https://api.example.com",
        "http://user:pass@127.0.0.1:8080/x y/%7Ez?b=1&a=%2f#end",
        "https://api.example.com/v3/order?symbol=BTCUSDT&signature=ab+cd",
        "https://bücher.example/ü",
    ]
)


class Recorder(BaseAdapter):
    """Keep what would be sent, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Any, ...]] = []

    def send(self, request: PreparedRequest, *args: Any, **settings: Any) -> Response:
        headers = list(request.headers.items())
        self.seen.append(
            (request.method, request.url, headers, request.body, request.hooks, args, settings)
        )
        response = Response()
        response.status_code, response._content = 200, b"{}"
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Hold nothing."""


def sent_by(is_quick: bool, *requests: tuple[str, str, dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what a session like ccxt's sends of these requests."""
    session, recorder = Session(), Recorder()
    session.trust_env = False
    session.mount("https://", recorder)
    session.mount("http://", recorder)
    if is_quick:
        quicken(session)
    for method, url, said in requests:
        session.request(method, url, **said)
    return recorder.seen


@given(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "get"]),
    URLS,
    st.fixed_dictionaries(
        {
            "data": st.sampled_from([None, b"", b"nonce=1&pair=XBT", '{"ü": 1}'.encode()]),
            "headers": HEADERS,
            "timeout": st.just(2.5),
            "proxies": st.sampled_from([None, {"https": "http://127.0.0.1:1"}]),
            "verify": st.booleans(),
            "files": st.none(),
        }
    ),
)
def test_a_request_is_sent_as_it_would_be(method: str, url: str, said: dict[str, Any]) -> None:
    twice = [(method, url, said)] * 2
    assert sent_by(True, *twice) == sent_by(False, *twice)


@pytest.mark.parametrize(
    "said",
    [
        {"headers": {"Accept": None}},
        {"files": (("a", (None, "b")),), "data": None},
        {"data": {"a": "b"}},
        {"params": {"a": "b"}},
        {"cookies": {"a": "b"}},
        {"json": {"a": "b"}},
        {"auth": ("a", "b")},
        {},
    ],
)
def test_what_ccxt_does_not_say_is_left_to_requests(said: dict[str, Any]) -> None:
    request = ("POST", "https://api.example.com/x", said)
    (quick,), (usual,) = sent_by(True, request), sent_by(False, request)
    if "files" in said:
        # The boundary is a new one each time.
        assert len(quick[3]) == len(usual[3])
    else:
        assert quick == usual


def test_a_wrong_address_is_refused_alike() -> None:
    for is_quick in (True, False):
        with pytest.raises(ValueError, match="Invalid URL"):
            sent_by(is_quick, ("GET", "no-scheme", {"headers": {}}))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "a\r\nX-B: b"},
        {"X-A": " a"},
        {"X-A": 1},
        {"X-A:": "a"},
        {" X-A": "a"},
        {"X\nA": "a"},
        {"": "a"},
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_alike(headers: dict[str, Any]) -> None:
    for is_quick in (True, False):
        with pytest.raises(InvalidHeader):
            sent_by(is_quick, ("POST", "https://api.example.com/x", {"headers": headers}))


@pytest.mark.parametrize(
    "headers",
    [{"X-A": b"a"}, {b"X-A": "a"}, {"X-A": "\u00fc"}, {"content-length": "3"}, {"X-A": ""}],
)
def test_an_unusual_header_is_sent_as_it_would_be(headers: dict[Any, Any]) -> None:
    request = ("POST", "https://api.example.com/x", {"data": b"abc", "headers": headers})
    assert sent_by(True, request) == sent_by(False, request)


@pytest.mark.parametrize("status", [200, 302, 303, 307])
@pytest.mark.parametrize(("method", "data"), [("POST", b"a=1"), ("POST", None), ("GET", None)])
def test_a_server_sees_no_difference(method: str, data: bytes | None, status: int) -> None:
    away = Reply(status=status, headers={"Location": "/there", "Set-Cookie": "a=b"})
    server = CcxtServer({"/here": away, "/there": Reply({})})
    try:
        for is_quick in (True, False):
            with Session() as session:
                session.trust_env = False
                if is_quick:
                    quicken(session)
                for path in ("/here?b=%2f&a=1", "//here/x", "/there"):
                    url, headers = f"{server.url}{path}", {"API-Key": "k"}
                    session.request(method, url, data=data, headers=headers, timeout=5.0)
    finally:
        server.stop()
    half = len(server.seen) // 2
    assert half >= 3
    assert server.seen[:half] == server.seen[half:]


def connections(session: Session, url: str, **said: Any) -> object:
    """Return what holds the connections that a request would go by."""
    request = PreparedRequest()
    request.prepare_url(url, None)
    verify = said.pop("verify", True)
    return session.get_adapter(url).get_connection_with_tls_context(request, verify, **said)  # type: ignore[attr-defined]


@pytest.fixture
def quick_session() -> Iterator[Session]:
    with Session() as session:
        quicken(session)
        yield session


def test_the_connections_of_a_host_are_those_that_requests_finds(quick_session: Session) -> None:
    host = "https://api.example.com"
    held = connections(quick_session, f"{host}/0/private/AddOrder")
    usual = quick_session.get_adapter(host).poolmanager.connection_from_url(  # type: ignore[attr-defined]
        host, {"cert_reqs": "CERT_REQUIRED"}
    )
    assert held is connections(quick_session, f"{host}/0/public/Time?x=1")
    assert type(held) is type(usual)
    others = [
        connections(quick_session, "https://api.example.com:444/x"),
        connections(quick_session, "https://example.com/x"),
        connections(quick_session, f"{host}/x", verify=False),
        connections(quick_session, f"{host}/x", proxies={"https": "http://127.0.0.1:1"}),
        connections(quick_session, f"{host}/x", cert="/no/file"),
    ]
    assert held not in others
    assert len(set(map(id, others))) == len(others)


def test_connections_that_were_closed_are_made_anew(quick_session: Session) -> None:
    url = "https://api.example.com/x"
    held = connections(quick_session, url)
    held.close()  # type: ignore[attr-defined]
    quick_session.close()
    anew = connections(quick_session, url)
    assert anew is not held
    assert anew is connections(quick_session, url)


def test_connections_are_not_held_when_the_session_lets_go_of_them(quick_session: Session) -> None:
    held = ref(connections(quick_session, "https://api.example.com/x"))
    assert held() is not None
    quick_session.close()
    gc.collect()
    assert held() is None
