"""How long the WebSocket of an account may say nothing, and what of it counts as a sign of life."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from trading.brokers.account_stream import Hint
from trading.brokers.exchanges.binance_stream import BinanceWords
from trading.brokers.exchanges.krakenfutures_stream import KrakenFuturesWords
from trading.brokers.exchanges.stream_ear import Ear
from trading.brokers.exchanges.stream_words import StreamWords
from trading.brokers.venue import VenueError

SILENCE_S = 5.0
CHALLENGE = {"event": "challenge", "message": "2d7f4c1a-3b5e-4f60-8a9b-0c1d2e3f4a5b"}
HEARTBEAT = {"feed": "heartbeat", "time": 1}


class HandClock(asyncio.SelectorEventLoop):
    """A loop whose time is moved by hand."""

    now = 0.0

    def time(self) -> float:
        return self.now


@dataclass
class Client:
    """What is seen of ccxt's client."""

    last_message_at: float | None = None
    lastPong: float | None = None  # noqa: N815 - ccxt's own name


class Listening:
    """An ear to which the test speaks."""

    def __init__(self, loop: HandClock, words: StreamWords) -> None:
        self.loop = loop
        self.client = Client()
        self.hints: list[Hint] = []
        self.ear = Ear(words, self.hints.append, SILENCE_S)

    def say(self, *messages: Any) -> None:
        for message in messages:
            self.client.last_message_at = self.loop.now
            self.ear.hear(self.client, message)

    def answer_ping(self) -> None:
        self.client.last_message_at = self.loop.now

    def check(self) -> None:
        self.ear.check(self.client, is_over=False)

    def pass_s(self, seconds: int, *, answers_pings: bool = False) -> None:
        """Let time pass, second by second."""
        for _ in range(seconds):
            self.loop.now += 1
            if answers_pings:
                self.answer_ping()
            self.check()


def listen(words: StreamWords, story: Callable[[Listening], object]) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HandClock)
        story(Listening(loop, words))

    with asyncio.Runner(loop_factory=HandClock) as runner:
        runner.run(run())


def subscribe(one: Listening) -> None:
    one.say(
        {"event": "subscribed", "feed": "fills"}, {"event": "subscribed", "feed": "open_orders"}
    )
    assert one.ear.is_on


def test_answers_to_ping_frames_and_rare_heartbeats_keep_a_quiet_account() -> None:
    def story(one: Listening) -> None:
        subscribe(one)
        for _ in range(30):
            one.pass_s(10, answers_pings=True)
            one.say(HEARTBEAT)
        # Heard of within any silence, so that it counts as healthy.
        assert len(one.hints) >= 300

    listen(KrakenFuturesWords(), story)


def test_answers_to_ping_frames_alone_keep_it_for_a_minute() -> None:
    def story(one: Listening) -> None:
        subscribe(one)
        one.pass_s(60, answers_pings=True)
        with pytest.raises(VenueError, match="nothing is said"):
            one.pass_s(1, answers_pings=True)

    listen(KrakenFuturesWords(), story)


def test_without_any_frame_it_ends_after_a_silence() -> None:
    def story(one: Listening) -> None:
        subscribe(one)
        one.pass_s(5)
        with pytest.raises(VenueError, match="no message for 5 s"):
            one.pass_s(1)

    listen(KrakenFuturesWords(), story)


def test_where_messages_are_answered_answers_to_ping_frames_count_for_nothing() -> None:
    def story(one: Listening) -> None:
        one.say({"id": "subscription", "status": 200, "result": {}})
        one.pass_s(5, answers_pings=True)
        with pytest.raises(VenueError, match="no message for 5 s"):
            one.pass_s(1, answers_pings=True)

    listen(BinanceWords(), story)


def test_one_that_is_not_let_in_ends_after_two_silences() -> None:
    def story(one: Listening) -> None:
        one.say(CHALLENGE, {"event": "subscribed", "feed": "fills"})
        one.pass_s(10, answers_pings=True)
        with pytest.raises(VenueError, match="was not answered"):
            one.pass_s(1, answers_pings=True)
        assert one.hints == []

    listen(KrakenFuturesWords(), story)


def test_a_challenge_is_taken_once() -> None:
    def story(one: Listening) -> None:
        one.say(HEARTBEAT)
        assert not one.ear.challenge.done()
        one.say(CHALLENGE, {"event": "challenge", "message": "something else"}, CHALLENGE)
        assert one.ear.challenge.result() == CHALLENGE["message"]
        one.check()

    listen(KrakenFuturesWords(), story)


def test_what_is_no_challenge_ends_it() -> None:
    def story(one: Listening) -> None:
        one.say({"event": "challenge", "message": "side=buy/api/v3/sendorder"}, CHALLENGE)
        assert not one.ear.challenge.done()
        with pytest.raises(VenueError, match="no challenge"):
            one.check()

    listen(KrakenFuturesWords(), story)


def test_what_failed_in_reading_a_message_ends_it_and_shows_nothing_of_it() -> None:
    def story(one: Listening) -> None:
        def read() -> None:
            raise ValueError("the message said so and so")

        handle = one.loop.call_soon(read)
        handle.cancel()
        try:
            read()
        except ValueError as error:
            one.ear.note_fault(one.loop, {"handle": handle, "exception": error})
        with pytest.raises(VenueError, match="cannot be read: ValueError") as raised:
            one.check()
        assert "so and so" not in str(raised.value)

    listen(KrakenFuturesWords(), story)
