"""What Binance tells of its count, in headers and in words, is shared by all who ask from here."""

from types import SimpleNamespace

import ccxt  # type: ignore[import-untyped]
import pytest
from requests.structures import CaseInsensitiveDict

from daemonkit.clock import ManualClock
from trading.brokers.allowance import ROUTINE_SHARE, URGENT_SHARE
from trading.brokers.exchanges.address_count import AddressCount, count_of

MINUTE = 1_800_000_000.0
BANNED_MS = int((MINUTE + 40 + 150) * 1000)
BAN = (
    f'binance 418 I\'m a teapot {{"code":-1003,"msg":"Way too much; IP banned until {BANNED_MS}."}}'
)
ORDERS = (
    'binance 429 {"code":-1015,"msg":"Too many new orders; current limit is 100 orders per %s."}'
)


def counting(clock: ManualClock, address: str = "https://api.example/api/v3") -> AddressCount:
    exchange = SimpleNamespace(urls={"api": {"public": address}})
    count = count_of(exchange, "binance", "spot", venue_at=clock.wall, now=clock.monotonic)
    assert count is not None
    return count


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MINUTE + 40, 100.0)


@pytest.mark.parametrize(
    "headers",
    [
        CaseInsensitiveDict({"X-Mbx-Used-Weight-1m": "5990"}),
        {"x-mbx-used-weight-1m": "5990"},
    ],
)
def test_a_count_that_one_connection_is_told_holds_the_reads_of_another(
    clock: ManualClock, headers: dict[str, str]
) -> None:
    accounts, feed, elsewhere = counting(clock), counting(clock), counting(clock, "https://else")
    accounts.note(headers)
    now = clock.monotonic()
    assert feed.allowance.read_wait_s(2, URGENT_SHARE, now) == 22.0
    assert elsewhere.allowance.read_wait_s(2, ROUTINE_SHARE, now) == 0.0


def test_an_answer_that_tells_no_count_changes_nothing(clock: ManualClock) -> None:
    count = counting(clock)
    for headers in (None, {}, {"x-sapi-used-ip-weight-1m": "9000"}, {"x-mbx-used-weight-1m": "?"}):
        count.note(headers)
    count.note(None, ccxt.RequestTimeout("binance GET"))
    assert count.allowance.read_wait_s(2, ROUTINE_SHARE, clock.monotonic()) == 0.0


def test_nothing_is_remembered_of_an_address_that_nobody_asks_at_any_more(
    clock: ManualClock,
) -> None:
    count = counting(clock)
    count.note({"Retry-After": "60"}, ccxt.DDoSProtection("binance 429"))
    del count
    assert counting(clock).allowance.pause_s(clock.monotonic()) == 0.0


def test_a_refusal_pauses_for_as_long_as_its_header_asks_and_all_hear_of_it_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = counting(clock), counting(clock)
    error = ccxt.DDoSProtection("binance 429 Too Many Requests")
    for count in (first, second, first):
        count.note({"Retry-After": "37"}, error)
    assert first.asked_wait_s({"Retry-After": "37"}, error) == 37.0
    assert second.allowance.pause_s(clock.monotonic()) == 37.0
    assert second.allowance.order_wait_s(clock.monotonic()) == 37.0
    assert [one.message for one in caplog.records] == [
        "binance: asks this address to wait for 37 s"
    ]


def test_a_ban_of_three_days_is_believed(clock: ManualClock) -> None:
    count = counting(clock)
    count.note({"Retry-After": "259200"}, ccxt.DDoSProtection("binance 418"))
    assert count.allowance.pause_s(clock.monotonic()) == 259_200


def test_until_when_an_address_is_banned_is_read_from_the_words_where_no_header_says_it(
    clock: ManualClock,
) -> None:
    count = counting(clock)
    count.note({}, ccxt.DDoSProtection(BAN))
    assert 150 <= count.allowance.pause_s(clock.monotonic()) <= 152


@pytest.mark.parametrize(
    ("per", "wait_s"), [("10 SECOND", 6.0), ("1 MINUTE", 16.0), ("1 DAY", 16.0)]
)
def test_too_many_orders_hold_back_one_account_until_the_next_count_and_no_other(
    per: str, wait_s: float
) -> None:
    clock = ManualClock(MINUTE + 45, 100.0)
    count, error = counting(clock), ccxt.DDoSProtection(ORDERS % per)
    count.note({}, error)
    assert count.allowance.pause_s(clock.monotonic()) == 0.0
    assert count.asked_wait_s({}, error) == wait_s


def test_a_refusal_for_another_reason_asks_for_no_wait(clock: ManualClock) -> None:
    count = counting(clock)
    error = ccxt.InsufficientFunds("binance -2010 IP banned until 1800000190000")
    count.note({}, error)
    assert count.asked_wait_s({}, error) is None
    assert count.allowance.pause_s(clock.monotonic()) == 0.0


@pytest.mark.parametrize(
    ("name", "market_type"), [("kraken", "spot"), ("coinbase", "spot"), ("binance", "swap")]
)
def test_elsewhere_nothing_is_counted_by_address(
    clock: ManualClock, name: str, market_type: str
) -> None:
    exchange = SimpleNamespace(urls={"api": {"public": "https://api.example"}})
    assert count_of(exchange, name, market_type, venue_at=clock.wall, now=clock.monotonic) is None
