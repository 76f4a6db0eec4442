"""Accounts and a feed at one address of the fake Binance: what one is told, all keep to."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest

from daemonkit.clock import ManualClock, SystemClock
from tests.fakes.exchange.binance import BinanceDialect
from tests.fakes.exchange.wire import Kind
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from trading.brokers.allowance import ROUTINE_SHARE, URGENT_SHARE
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.market_reads import MarketReads
from trading.brokers.venue import FailureKind, Refused, Taken, VenueError
from trading.market.errors import SourceError
from trading.market.exchange_source import ExchangeSource

INTO_S = 20.0


@pytest.fixture
def desk() -> Iterator[Desk]:
    """An account at an exchange whose clock stands still in the middle of a minute."""
    began = SystemClock.wall() // 60 * 60 + INTO_S
    with open_desk("binance", clock=ManualClock(began)) as made:
        yield made


def use_up(desk: Desk, weight: int) -> None:
    dialect = desk.running.exchange.dialect
    assert isinstance(dialect, BinanceDialect)
    dialect.use_up(weight)


def read_wait_s(venue: CcxtVenue, share: float) -> float:
    assert venue.allowance is not None
    return venue.allowance.read_wait_s(20, share, SystemClock.monotonic())


def ban(desk: Desk) -> None:
    """Have an account ask on until its address is banned."""
    use_up(desk, 6_000)
    for _ in range(6):
        with pytest.raises(VenueError):
            desk.venue.holdings()


def feed_reads(desk: Desk) -> MarketReads:
    return MarketReads(
        ExchangeSource("binance", "spot", {**desk.running.ccxt_config, "timeout_on_exit": 1}),
        [desk.symbol],
        60,
        clock=SystemClock(),
        timeout_s=2.0,
    )


def test_what_others_have_used_is_known_from_any_answer_even_that_to_an_order(desk: Desk) -> None:
    second = desk.build()
    assert read_wait_s(second, ROUTINE_SHARE) == 0.0
    use_up(desk, 5_800)
    assert isinstance(desk.venue.submit(desk.order()), Taken)
    assert 35 < read_wait_s(second, URGENT_SHARE) <= 60 - INTO_S + 2.1
    assert second.allowance is desk.venue.allowance
    second.close()


def test_a_refusal_at_one_account_pauses_the_other_one_for_the_rest_of_the_minute(
    desk: Desk,
) -> None:
    second = desk.build()
    use_up(desk, 6_000)
    with pytest.raises(VenueError) as failed:
        desk.venue.holdings()
    assert failed.value.kind is FailureKind.BUSY
    assert failed.value.retry_after_s == 60 - INTO_S + 1
    assert second.allowance is not None
    assert 39 < second.allowance.order_wait_s(SystemClock.monotonic()) <= 41
    second.close()


def test_an_order_that_meets_a_ban_is_refused_for_as_long_as_the_ban_lasts(desk: Desk) -> None:
    ban(desk)
    answer = desk.venue.submit(desk.order())
    assert isinstance(answer, Refused)
    assert answer.is_passing
    assert answer.retry_after_s is not None
    assert 119 <= answer.retry_after_s <= 121
    assert desk.engine.orders(desk.account) == []


def test_too_many_orders_pause_their_account_until_the_next_ten_seconds_and_no_other(
    desk: Desk,
) -> None:
    desk.engine.deposit(desk.account, "USDT", Decimal(1_000_000))
    for _ in range(100):
        assert isinstance(desk.venue.submit(desk.limit("60000")), Taken)
    answer = desk.venue.submit(desk.limit("60000"))
    assert isinstance(answer, Refused)
    assert answer.retry_after_s is not None
    assert 9 <= answer.retry_after_s <= 11
    assert desk.venue.allowance is not None
    assert desk.venue.allowance.pause_s(SystemClock.monotonic()) == 0.0


def test_a_feed_does_not_ask_at_an_address_that_was_banned_for_an_account(desk: Desk) -> None:
    ban(desk)
    asked = desk.sent()

    async def ask() -> None:
        reads = feed_reads(desk)
        try:
            await reads.open()
        finally:
            await reads.close()

    with pytest.raises(SourceError, match=r"rate limit: asks to wait for 1\d\d s") as failed:
        asyncio.run(ask())
    assert not failed.value.is_refusal
    assert desk.sent() == asked


def test_a_feed_that_is_refused_pauses_the_account(desk: Desk) -> None:
    async def ask() -> None:
        reads = feed_reads(desk)
        try:
            await reads.open()
            use_up(desk, 6_000)
            await reads.prices([desk.symbol])
        finally:
            await reads.close()

    with pytest.raises(SourceError, match="request weight used"):
        asyncio.run(ask())
    assert desk.venue.allowance is not None
    assert desk.venue.allowance.order_wait_s(SystemClock.monotonic()) > 30


def test_a_feed_waits_while_little_is_left_and_then_goes_on(desk: Desk) -> None:
    use_up(desk, 5_500)
    desk.venue.server_time()
    asked = len(desk.running.exchange.requests(Kind.MARKETS))

    async def ask() -> bool:
        reads = feed_reads(desk)
        opening = asyncio.create_task(reads.open())
        try:
            await asyncio.wait([opening], timeout=0.2)
            was_asked = len(desk.running.exchange.requests(Kind.MARKETS)) > asked
            clock = desk.engine.clock
            assert isinstance(clock, ManualClock)
            clock.advance(60)
            desk.venue.server_time()
            await opening
        finally:
            await reads.close()
        return was_asked

    assert not asyncio.run(ask())
    assert len(desk.running.exchange.requests(Kind.MARKETS)) > asked
