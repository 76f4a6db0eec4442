"""The private WebSocket of an account wakes its worker, and its worker does without it."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.binance import BinanceDialect
from tests.fakes.exchange.books import OrderChanged
from tests.fakes.exchange.coinbase import CoinbaseDialect
from tests.fakes.exchange.kraken import CallCounter, KrakenDialect
from tests.fakes.exchange.kraken_futures import KrakenFuturesDialect
from tests.fakes.exchange.terms import OrderState as TheirState
from tests.fakes.exchange.terms import Trade
from tests.fakes.exchange.venues import KEY
from tests.fakes.exchange.wire import Kind, Word
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from tests.trading_tests.brokers.live.live_desk import SETTINGS, LiveDesk, market, second_venue
from tests.waiting import wait_until
from trading.brokers.account_stream import Hint
from trading.brokers.exchanges.account_stream import build_stream
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.stream_thread import StreamThread, StreamWish, TokenWanted
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue import FailureKind, Venue, VenueError
from trading.live_accounts import worker_settings
from trading.model.order import Order, OrderType, Purpose, Side
from trading.model.order_states import ENDED, OrderState
from trading.model.report import OrderFilled, Report
from trading.model.venue_news import VenueNews, VenueTrouble
from trading.settings.live import LiveSection

# So rare that what is seen soon was seen because of the stream.
RARE = replace(SETTINGS, poll_s=30.0, poll_stream_s=31.0, fills_s=30.0, stream_silence_s=3.0)
TOKEN = "GetWebSocketsToken"
EXCHANGES = ("kraken", "binance", "coinbase", "krakenfutures-swap")
LOGGER = "trading.brokers.live.stream_thread"


class StreamDesk(LiveDesk):
    """A worker with a stream at a fake exchange; each execution of an entry gets its stop."""

    def __init__(self, desk: Any, settings: LiveSettings, reads: Venue | None = None) -> None:
        self.settings = settings
        self.exchange = desk.running.exchange
        self.protects = False
        self.unprotected_s: list[float] = []
        super().__init__(desk, reads)

    def _make_worker(self) -> AccountWorker:
        name = self.exchange.dialect.name
        stream = build_stream(
            name,
            "swap" if name == "krakenfutures" else "spot",
            self.desk.running.ccxt_config,
            timeout_s=1.0,
            silence_s=self.settings.stream_silence_s,
        )
        return AccountWorker(
            "main",
            self.desk.venue,
            settings=self.settings,
            clock=SystemClock(),
            rng=Random(1),
            tell=self._hear,
            reads=self._reads,
            stream=stream,
        )

    def _hear(self, told: Report | VenueNews) -> None:
        super()._hear(told)
        if self.protects and isinstance(told, OrderFilled) and told.fill.side is Side.BUY:
            self.send(stop_for(self, told.fill.symbol, told.fill.quantity))
            self.unprotected_s.append(SystemClock.wall() - told.fill.at)

    def wait_heard(self) -> None:
        """Wait until the stream is heard of."""
        stream = worker_stream(self)
        wait_until(lambda: stream.is_healthy(SystemClock.monotonic()), 5, "the stream")

    def rest(self) -> Order:
        """Have an entry rest, and wait until nothing is asked of it any more."""
        order = self.send(self.desk.limit("60000", quantity=Decimal("0.02")))
        wait_until(lambda: self.state(order).venue_id, 5, "the acceptance")
        return order


def worker_stream(desk: LiveDesk) -> StreamThread:
    stream = desk.worker._stream
    assert stream is not None
    return stream


def stop_for(desk: LiveDesk, symbol: str, quantity: Decimal) -> Order:
    return desk.desk.order(
        symbol=symbol,
        side=Side.SELL,
        type=OrderType.STOP,
        purpose=Purpose.PROTECTION,
        quantity=quantity,
        reduce_only=True,
        stop_price=Decimal(1000),
    )


def wait_passed(seconds: float) -> None:
    ends_at = SystemClock.monotonic() + seconds
    wait_until(lambda: SystemClock.monotonic() > ends_at, seconds + 5, "the time")


@contextmanager
def stream_desk(
    exchange: str,
    settings: LiveSettings = RARE,
    *,
    has_read_key: bool = False,
    refusals: int = 0,
    keep_alive_ms: int | None = None,
) -> Iterator[StreamDesk]:
    with open_desk(exchange) as desk:
        if keep_alive_ms is not None:
            desk.running.ccxt_config["streaming"] = {"keepAlive": keep_alive_ms}
        if refusals:
            refuse_streams(desk, refusals)
        made = StreamDesk(desk, settings, second_venue(desk) if has_read_key else None)
        made.start()
        try:
            yield made
        finally:
            made.stop()
        assert made.exchange.recorder.crashes == []


def refuse_streams(desk: Desk, times: int) -> None:
    """Have the exchange refuse to tell of the account, in its own words."""
    dialect = desk.running.exchange.dialect
    if isinstance(dialect, KrakenDialect):
        faults = desk.running.faults
        faults.say(Word.KEY, acts=False, when=lambda asked: asked.name == TOKEN, times=times)
    elif isinstance(dialect, KrakenFuturesDialect):
        dialect.feeds.refusals = times
    else:
        assert isinstance(dialect, BinanceDialect | CoinbaseDialect)
        dialect.refuse_subscriptions(times)


def check_nonces(desk: StreamDesk) -> None:
    """Hold that no request of the key came out of order."""
    records = desk.exchange.requests()
    assert not [one.describe() for one in records if b"Invalid nonce" in one.body]


def fall(desk: StreamDesk) -> None:
    """Have every entry that rests below the market executed."""
    desk.desk.engine.price(desk.desk.symbol, Decimal(59_000), Decimal(1))


def execution_of(desk: StreamDesk, order: Order) -> OrderChanged:
    """Return the news of an execution that has never been."""
    account, engine = desk.desk.account, desk.desk.engine
    theirs = copy(next(one for one in engine.orders(account) if one.client_id == order.id))
    price, at = Decimal(60_000), SystemClock.wall()
    cost = price * theirs.quantity
    theirs.state, theirs.filled, theirs.cost = TheirState.FILLED, theirs.quantity, cost
    trade = Trade(
        id="T999999",
        number=999_999,
        account=account.name,
        order_id=theirs.id,
        client_id=theirs.client_id,
        symbol=theirs.symbol,
        side=theirs.side,
        quantity=theirs.quantity,
        price=price,
        cost=cost,
        fee=Decimal(0),
        fee_currency=desk.desk.quote,
        at=at,
        is_maker=True,
    )
    return OrderChanged(theirs, trade)


@pytest.mark.parametrize("has_read_key", [False, True])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_execution_is_read_at_once_although_polls_are_rare(
    exchange: str, has_read_key: bool
) -> None:
    with stream_desk(exchange, has_read_key=has_read_key) as desk:
        desk.wait_heard()
        order = desk.rest()
        desk.look(1)
        fall(desk)
        desk.wait_ended(order, within_s=2)
        desk.check_against_the_exchange()
        check_nonces(desk)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_order_that_was_cancelled_elsewhere_is_seen_at_once_although_polls_are_rare(
    exchange: str,
) -> None:
    with stream_desk(exchange) as desk:
        desk.wait_heard()
        order = desk.rest()
        desk.look(1)
        engine, account = desk.desk.engine, desk.desk.account
        (theirs,) = engine.open_orders(account)
        engine.cancel(account, order_id=theirs.id)
        desk.wait_ended(order, within_s=2)
        assert desk.state(order).state is OrderState.CANCELLED


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_nothing_is_concluded_from_what_is_heard(exchange: str) -> None:
    with stream_desk(exchange) as desk:
        desk.wait_heard()
        order = desk.rest()
        desk.look(1)
        asked = desk.desk.sent(Kind.TRADES)
        desk.exchange.pretend(execution_of(desk, order))
        wait_until(lambda: desk.desk.sent(Kind.TRADES) > asked, 5, "a read of the executions")
        desk.look(2)
        assert desk.state(order).state not in ENDED
        desk.check_against_the_exchange()


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_stream_that_breaks_is_opened_anew_and_what_happened_meanwhile_is_read(
    exchange: str,
) -> None:
    with stream_desk(exchange) as desk:
        desk.wait_heard()
        order = desk.rest()
        desk.look(1)
        rule = desk.desk.running.faults.close_sockets(times=1)
        wait_until(lambda: rule.met, 5, "the cut")
        fall(desk)
        desk.wait_ended(order, within_s=4)
        wait_until(lambda: desk.exchange.connections >= 2, 5, "another connection")
        desk.wait_heard()
        desk.check_against_the_exchange()


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_tokens_and_orders_of_one_key_go_out_in_the_order_of_their_nonces(exchange: str) -> None:
    with stream_desk(exchange) as desk:
        for _ in range(4):
            desk.wait_heard()
            desk.desk.running.faults.close_sockets(times=1)
            # While the next token is asked for.
            desk.wait_ended(*(desk.send(market(desk)) for _ in range(3)))
        desk.wait_heard()
        check_nonces(desk)
        desk.check_against_the_exchange()


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_stream_that_is_quiet_stays_open(exchange: str) -> None:
    with stream_desk(exchange, keep_alive_ms=100) as desk:
        desk.wait_heard()
        wait_passed(1.0)
        desk.wait_heard()
        assert desk.exchange.connections == 1


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_mute_stream_leaves_it_to_the_polls(
    exchange: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    settings = replace(RARE, poll_s=0.2, stream_silence_s=1.3)
    with stream_desk(exchange, settings) as desk:
        desk.wait_heard()
        order = desk.rest()
        desk.look(1)
        # What answers to nothing but ping frames counts as mute as well, a while later.
        is_pinged = exchange == "krakenfutures-swap"
        rule = desk.desk.running.faults.mute_sockets(times=20, answers_pings=not is_pinged)
        wait_until(lambda: rule.met, 5, "silence")
        fall(desk)
        desk.wait_ended(order, within_s=4)
        desk.check_against_the_exchange()
        assert not [one for one in desk.told if isinstance(one, VenueTrouble)]
        wait_until(lambda: "no account stream" in caplog.text, 5, "a line of the log")
    assert caplog.text.count("no account stream") == 1


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_refused_token_is_no_trouble_and_is_asked_for_again(
    exchange: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(RARE, poll_s=0.2)
    with stream_desk(exchange, settings, refusals=3) as desk:
        order = desk.rest()
        fall(desk)
        desk.wait_ended(order)
        desk.wait_heard()
        assert not [one for one in desk.told if isinstance(one, VenueTrouble)]
        desk.check_against_the_exchange()
    said = [one for one in caplog.records if "no account stream" in one.getMessage()]
    assert len(said) == 1


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_neither_key_nor_what_was_signed_with_it_is_written_anywhere(
    exchange: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with stream_desk(exchange, refusals=1) as desk:
        desk.wait_heard()
        desk.desk.running.faults.close_sockets(times=1)
        wait_until(lambda: desk.exchange.connections >= 2, 5, "another connection")
        desk.wait_heard()
        secret = desk.desk.engine.keys[KEY].secret
        assert worker_stream(desk).stream.ask_token(desk.desk.venue, "")
    written = caplog.text + "".join(capfd.readouterr())
    assert "no account stream" in written
    for planted in (KEY, *(secret.splitlines()[1:-1] or [secret]), "signature", "eyJ"):
        assert planted not in written


def test_only_what_was_tried_has_a_stream() -> None:
    for exchange, kind in (("binance", "margin"), ("bybit", "spot"), ("kraken", "swap")):
        assert build_stream(exchange, kind, {}, timeout_s=1.0, silence_s=1.0) is None


def test_a_stream_that_is_cut_again_and_again_is_opened_ever_more_rarely() -> None:
    wishes: list[StreamWish] = []

    def put(wish: StreamWish) -> None:
        wishes.append(wish)
        if isinstance(wish, TokenWanted):
            wish.give("token")

    thread = StreamThread(
        "main",
        CutStream(),
        settings=replace(SETTINGS, retry_first_s=0.02, retry_longest_s=30.0),
        clock=SystemClock(),
        rng=Random(1),
        put=put,
    )
    thread.start()
    wait_passed(1.0)
    thread.stop()
    assert thread.join(5)
    assert 2 <= sum(isinstance(one, TokenWanted) for one in wishes) <= 8


class CutStream:
    """A stream that says something and ends."""

    def ask_token(self, _venue: Venue, _challenge: str, /) -> str:
        return "token"

    def listen(
        self,
        _token: str,
        _answer: Callable[[str], Future[str]],
        tell: Callable[[Hint], None],
        _stop: threading.Event,
        /,
    ) -> None:
        tell(Hint.EXECUTION)
        raise VenueError("cut", FailureKind.UNREACHABLE)


@pytest.mark.long
@pytest.mark.timeout(120)
def test_five_entries_within_ten_seconds_have_their_stops_at_the_budget_of_the_lowest_tier() -> (
    None
):
    settings = worker_settings(LiveSection(), "kraken")
    with open_desk("kraken") as first:
        dialect = first.running.exchange.dialect
        assert isinstance(dialect, KrakenDialect)
        dialect.counter = CallCounter(SystemClock(), at=SystemClock.monotonic())
        desk = StreamDesk(first, settings)
        desk.worker.start([])
        try:
            wait_until(lambda: desk.looks, 40, "the first look, with the money that came in")
            desk.protects = True
            entries = [
                first.limit(str(60_000 - 100 * number), quantity=Decimal("0.01"))
                for number in range(5)
            ]
            for entry in entries:
                desk.send(entry)
            desk.wait_heard()
            # Until the points of the start are back.
            wait_passed(40)
            for number in range(5):
                first.engine.price(first.symbol, Decimal(59_999 - 100 * number), Decimal("0.01"))
                wait_passed(1.9)
            wait_until(lambda: len(desk.unprotected_s) == 5, 20, "five stops")
            assert max(desk.unprotected_s) < 2, desk.unprotected_s
            assert not [one for one in desk.told if isinstance(one, VenueTrouble)]
        finally:
            desk.stop()
