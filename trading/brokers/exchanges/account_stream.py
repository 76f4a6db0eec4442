"""The private WebSocket of an account through ccxt.pro, for hints alone: nothing of it is read.

Runs asyncio on the calling thread. The class gets no key: only what the account's worker has asked
for or signed, so it can send no request of its own that needs one.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from trading.brokers.account_stream import AccountStream, Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.binance_stream import BinanceWords
from trading.brokers.exchanges.coinbase_stream import CoinbaseWords
from trading.brokers.exchanges.errors import failure_of
from trading.brokers.exchanges.kraken_stream import KrakenWords
from trading.brokers.exchanges.loading import load_pro_exchange
from trading.brokers.exchanges.stream import end_tasks
from trading.brokers.exchanges.stream_words import Message, StreamWords
from trading.brokers.venue import FailureKind, Venue, VenueError

STEP_S: Final = 0.05
CLOSE_S_MAX: Final = 1.0
# Of how long it may be silent, so that a lost answer is not the end.
_PING_SHARE: Final = 1 / 3
# How long it may be heard of before it listens to the account: to so many silences.
_SUBSCRIBING_SILENCES_MAX: Final = 2
_WORDS: Final[Mapping[tuple[str, str], Callable[[], StreamWords]]] = {
    ("kraken", "spot"): KrakenWords,
    ("kraken", "margin"): KrakenWords,
    ("binance", "spot"): BinanceWords,
    ("coinbase", "spot"): CoinbaseWords,
}


class ProStream:
    """Listen to an account in the words of its exchange."""

    def __init__(
        self,
        words: StreamWords,
        settings: Mapping[str, Any],
        *,
        timeout_s: float,
        silence_s: float,
    ) -> None:
        self._words = words
        self._settings = settings
        self._timeout_s = timeout_s
        self._silence_s = silence_s

    def ask_token(self, venue: Venue) -> str:
        """Ask for what lets the stream in, or have it signed."""
        assert isinstance(venue, CcxtVenue), "the token is asked for where the key is"
        return self._words.ask_token(venue)

    def listen(self, token: str, tell: Callable[[Hint], None], stop: threading.Event) -> None:
        """Listen until `stop` is set or the connection breaks or is mute."""
        with asyncio.Runner() as runner:
            runner.run(self._listen(token, tell, stop))

    async def _listen(
        self, token: str, tell: Callable[[Hint], None], stop: threading.Event
    ) -> None:
        words = self._words
        exchange = load_pro_exchange(words.exchange, self._settings, timeout_s=self._timeout_s)
        ear = _Ear(words.open(), tell, self._silence_s)
        # Before the class makes its connection, which keeps what handles its messages.
        exchange.handle_message = ear.hear
        address = words.address(exchange)
        tasks = [asyncio.create_task(_subscribe(exchange, address, words.subscriptions(token)))]
        if words.ping is not None:
            tasks.append(asyncio.create_task(self._ping(exchange, address, words.ping, ear)))
        try:
            while not stop.is_set():
                await asyncio.sleep(STEP_S)
                for task in tasks:
                    if task.done():
                        await task
                ear.check(is_over=any(task.done() for task in tasks))
        except VenueError:
            raise
        except ConnectionError as error:
            raise VenueError("the stream broke", FailureKind.UNREACHABLE) from error
        except Exception as error:
            raise failure_of(error) from error
        finally:
            await end_tasks(tasks)
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await exchange.close()

    async def _ping(self, exchange: Any, address: str, ping: Message, ear: "_Ear") -> None:
        """Ask now and then, as a quiet connection says nothing by itself."""
        while True:
            await asyncio.sleep(self._silence_s * _PING_SHARE)
            if ear.is_on:
                await exchange.client(address).send(ping)


class _Ear:
    """Tell messages apart by what they are about, before anything tries to read them."""

    def __init__(
        self,
        hint_of: Callable[[Message], Hint],
        tell: Callable[[Hint], None],
        silence_s: float,
    ) -> None:
        self._hint_of = hint_of
        self._tell = tell
        self._silence_s = silence_s
        self._began_at = self._heard_at = _now()
        self._end: VenueError | None = None
        self.is_on = False

    def hear(self, client: Any, message: Any) -> None:
        """Take in one message."""
        self._heard_at = _now()
        # Whatever comes shows that it lives: an answer to ccxt's own ping would be read by ccxt.
        client.lastPong = client.last_message_at
        if not isinstance(message, dict) or self._end is not None:
            return
        try:
            hint = self._hint_of(message)
        except Exception as error:  # noqa: BLE001 - raised in `check`: ccxt would go deaf by it
            self._end = failure_of(error)
            return
        self.is_on = self.is_on or hint is not Hint.LIFE
        if self.is_on:
            self._tell(hint)

    def check(self, *, is_over: bool) -> None:
        """Raise VenueError when there is nothing to be heard any more."""
        if self._end is not None:
            raise self._end
        if is_over:
            raise VenueError("the stream has ended", FailureKind.UNREACHABLE)
        now, silence_s = _now(), self._silence_s
        if now - self._heard_at > silence_s:
            raise VenueError(f"no message for {silence_s:g} s", FailureKind.UNREACHABLE)
        if not self.is_on and now - self._began_at > _SUBSCRIBING_SILENCES_MAX * silence_s:
            raise VenueError("the subscription was not answered", FailureKind.UNREACHABLE)


def build_stream(
    exchange: str,
    market_type: str,
    settings: Mapping[str, Any],
    *,
    timeout_s: float,
    silence_s: float,
) -> AccountStream | None:
    """Build what listens to an account, where that was tested; None elsewhere."""
    make_words = _WORDS.get((exchange, market_type))
    if make_words is None:
        return None
    return ProStream(make_words(), settings, timeout_s=timeout_s, silence_s=silence_s)


async def _subscribe(exchange: Any, address: str, messages: Sequence[Message]) -> None:
    """Send the messages in their order and wait: this ends with the connection alone."""
    names = [f"subscription {number}" for number in range(len(messages))]
    waits = [
        exchange.watch(address, name, dict(message), name)
        for name, message in zip(names, messages, strict=True)
    ]
    await asyncio.gather(*waits)


def _now() -> float:
    return asyncio.get_running_loop().time()
