"""A quickened session sends what `requests` would send, to the byte."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter

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
