"""The WebSocket of a Kraken Futures account: each connection is let in by its own challenge."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.kraken_futures import KrakenFuturesDialect
from tests.fakes.exchange.kraken_futures_private import FeedScript
from tests.fakes.exchange.venues import KEY, KRAKEN_SECRET
from tests.fakes.exchange.wire import Kind
from tests.trading_tests.brokers.ccxt_fake_desks import Desk, open_desk
from tests.trading_tests.brokers.live.live_desk import SETTINGS
from tests.trading_tests.brokers.live.test_account_stream import (
    LOGGER,
    RARE,
    StreamDesk,
    fall,
    wait_passed,
)
from tests.waiting import wait_until
from trading.brokers.exchanges.account_stream import build_stream
from trading.brokers.live.settings import LiveSettings
from trading.brokers.live.stream_thread import StreamThread, StreamWish, TokenWanted
from trading.model.venue_news import VenueTrouble

EXCHANGE = "krakenfutures-swap"
QUICK = replace(RARE, poll_s=0.2, stream_silence_s=0.5)


def script_of(desk: Desk) -> FeedScript:
    dialect = desk.running.exchange.dialect
    assert isinstance(dialect, KrakenFuturesDialect)
    return dialect.feeds


@contextmanager
def futures_desk(
    prepare: Callable[[FeedScript], object], settings: LiveSettings = RARE
) -> Iterator[StreamDesk]:
    """Run a worker at an exchange whose WebSockets follow a script."""
    with open_desk(EXCHANGE) as desk:
        prepare(script_of(desk))
        made = StreamDesk(desk, settings)
        made.start()
        try:
            yield made
        finally:
            made.stop()
        assert made.exchange.recorder.crashes == []
        assert made.exchange.complaints == []
        assert not [one for one in made.told if isinstance(one, VenueTrouble)]


@pytest.mark.parametrize(
    "said",
    [
        None,
        {"event": "challenge", "message": "orderType=mkt&side=buy/api/v3/sendorder"},
        {"event": "error", "message": "Json Error"},
    ],
)
def test_without_a_challenge_nothing_is_signed_and_polls_do_the_work(
    said: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    with futures_desk(lambda script: script.challenges.extend([said] * 50), QUICK) as desk:
        script = script_of(desk.desk)
        order = desk.rest()
        fall(desk)
        desk.wait_ended(order)
        wait_until(lambda: script.challenged > 1, 5, "another challenge")
        assert script.signatures == []
        assert caplog.text.count("no account stream") == 1
        script.challenges.clear()
        desk.wait_heard()
        desk.check_against_the_exchange()


@pytest.mark.parametrize(
    "frames",
    [
        ['{"feed": '],
        ["[" * 100_000],
        ["x" * (11 * 1024 * 1024)],
        ["no JSON", "[]", '"fills"', {"feed": None, "event": None}, {"feed": {}}, {"fills": 1}],
        [{"feed": "fills", "fills": [{"qty": "much"}]}] * 200,
        [{"event": "challenge", "message": "2d7f4c1a-3b5e-4f60-8a9b-0c1d2e3f4a5b"}] * 50,
        [{"event": "subscribed_failed", "feed": "fills"}],
        [{"event": "unsubscribed", "feed": "open_orders"}],
    ],
)
def test_odd_frames_change_nothing_but_when_is_read(
    frames: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    with futures_desk(lambda script: script.frames.extend(frames)) as desk:
        desk.wait_heard()
        order = desk.rest()
        wait_until(lambda: not script_of(desk.desk).frames, 5, "the frames")
        fall(desk)
        desk.wait_ended(order, within_s=2)
        desk.check_against_the_exchange()
        assert len(script_of(desk.desk).signatures) == 2 * desk.exchange.connections
        assert desk.desk.sent(Kind.TRADES) < 20
    assert "Traceback" not in caplog.text
    assert "Exception in callback" not in caplog.text


def test_an_execution_that_the_lists_show_late_is_known_once_they_do() -> None:
    # No poll is spared here, and so they follow each other closely where something was heard.
    settings = replace(RARE, poll_stream_s=RARE.poll_s)
    with futures_desk(lambda _script: None, settings) as desk:
        desk.wait_heard()
        order = desk.rest()
        desk.look(1)
        # Longer than the lists lag behind: the entry itself is shown.
        wait_passed(0.5)
        for kind in (Kind.TRADES, Kind.OPEN_ORDERS, Kind.CLOSED_ORDERS, Kind.ORDER):
            desk.desk.running.faults.stale(0.3, kind=kind, times=None)
        fall(desk)
        desk.wait_ended(order, within_s=3)
        desk.check_against_the_exchange()


def test_what_the_exchange_repeats_of_a_subscription_is_in_no_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(script: FeedScript) -> None:
        script.refusals, script.echoes = 2, True

    caplog.set_level(logging.DEBUG)
    with futures_desk(refuse) as desk:
        desk.wait_heard()
        script = script_of(desk.desk)
    written = caplog.text + "".join(capfd.readouterr())
    assert "no account stream" in written
    assert "original_challenge" in written
    for planted in (KEY, KRAKEN_SECRET, *script.signatures):
        assert planted
        assert planted not in written


@pytest.mark.long
def test_one_that_answers_to_pings_alone_counts_as_mute_after_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def beat(script: FeedScript) -> None:
        script.heartbeat_beats = 1

    settings = replace(RARE, poll_s=0.2, stream_silence_s=0.4)
    with futures_desk(beat, settings) as desk:
        desk.wait_heard()
        rule = desk.desk.running.faults.mute_sockets()
        wait_until(lambda: "nothing is said" in caplog.text, 9, "the end of it")
        order = desk.rest()
        fall(desk)
        desk.wait_ended(order)
        rule.clear()
        desk.wait_heard()
        desk.check_against_the_exchange()


class Waiting:
    """A stream at the fake exchange, whose tokens the test hands out."""

    def __init__(self, desk: Desk, settings: LiveSettings) -> None:
        stream = build_stream(
            "krakenfutures",
            "swap",
            desk.running.ccxt_config,
            timeout_s=1.0,
            silence_s=settings.stream_silence_s,
        )
        assert stream is not None
        self.desk = desk
        self.wishes: list[StreamWish] = []
        self.thread = StreamThread(
            "main",
            stream,
            settings=settings,
            clock=SystemClock(),
            rng=Random(1),
            put=self.wishes.append,
        )
        self.thread.start()

    def next_challenge(self, number: int) -> TokenWanted:
        """Let connections begin until one has so many challenges before it, and return its own."""
        wait_until(lambda: self._take(number), 5, f"challenge {number}")
        return self._challenged[number]

    def give(self, wanted: TokenWanted) -> None:
        """Hand out what the key makes of a challenge."""
        wanted.give(self.thread.stream.ask_token(self.desk.venue, wanted.challenge))

    def is_let_in(self) -> bool:
        """Hand out what the newest connection waits for, whichever that is by now."""
        self._take(0)
        self.give(self._challenged[-1])
        return self.is_heard

    @property
    def is_heard(self) -> bool:
        return self.thread.is_healthy(SystemClock.monotonic())

    @property
    def _challenged(self) -> list[TokenWanted]:
        return [one for one in self.wishes if isinstance(one, TokenWanted) and one.challenge]

    def _take(self, number: int) -> bool:
        for wish in list(self.wishes):
            if isinstance(wish, TokenWanted) and not wish.challenge:
                self.give(wish)
        return len(self._challenged) > number


@contextmanager
def waiting(**changes: Any) -> Iterator[Waiting]:
    with open_desk(EXCHANGE) as desk:
        made = Waiting(desk, replace(SETTINGS, **changes))
        try:
            yield made
        finally:
            made.thread.stop()
            assert made.thread.join(2)


def test_a_signature_that_comes_late_serves_its_own_connection_and_no_other() -> None:
    with waiting(stream_silence_s=0.4) as stream:
        late = stream.next_challenge(0)
        # As long as the first connection is waited for, and another has begun.
        new = stream.next_challenge(1)
        assert new.challenge != late.challenge
        stream.give(late)
        assert not stream.is_heard
        wait_until(stream.is_let_in, 5, "a connection of its own")


def test_a_signature_that_is_given_up_costs_a_connection_and_no_more() -> None:
    with waiting(stream_silence_s=1.0) as stream:
        stream.next_challenge(0).token.cancel()
        stream.next_challenge(1)
        wait_until(stream.is_let_in, 5, "another connection")


def test_a_connection_waits_for_its_signature_longer_than_it_may_be_silent() -> None:
    with waiting(stream_silence_s=1.0) as stream:
        wanted = stream.next_challenge(0)
        wait_passed(1.3)
        stream.give(wanted)
        wait_until(lambda: stream.is_heard, 5, "the stream")
        assert stream.desk.running.exchange.connections == 1


@pytest.mark.parametrize("is_challenged", [False, True])
def test_it_ends_while_it_waits_for_what_lets_it_in(
    is_challenged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with waiting() as stream:
        if is_challenged:
            stream.next_challenge(0)
        else:
            wait_until(lambda: stream.wishes, 5, "the wish")
        stream.thread.stop()
        assert stream.thread.join(2)
    assert caplog.text == ""
