"""The private WebSocket of an account through ccxt.pro, for hints alone: nothing of it is read.

Runs asyncio on the calling thread. The class gets no key: only what the account's worker has asked
for or signed, so it can send no request of its own that needs one.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

from trading.brokers.account_stream import AccountStream, Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.binance_stream import BinanceWords
from trading.brokers.exchanges.coinbase_stream import CoinbaseWords
from trading.brokers.exchanges.errors import failure_of
from trading.brokers.exchanges.kraken_stream import KrakenWords
from trading.brokers.exchanges.krakenfutures_stream import KrakenFuturesWords
from trading.brokers.exchanges.loading import load_pro_exchange
from trading.brokers.exchanges.stream import end_tasks
from trading.brokers.exchanges.stream_ear import Ear
from trading.brokers.exchanges.stream_words import ChallengedWords, Message, StreamWords
from trading.brokers.venue import FailureKind, Venue, VenueError

STEP_S: Final = 0.05
CLOSE_S_MAX: Final = 1.0
# Of how long it may be silent, so that a lost answer is not the end.
_PING_SHARE: Final = 1 / 3
_WORDS: Final[Mapping[tuple[str, str], Callable[[], StreamWords]]] = {
    ("kraken", "spot"): KrakenWords,
    ("kraken", "margin"): KrakenWords,
    ("binance", "spot"): BinanceWords,
    ("coinbase", "spot"): CoinbaseWords,
    ("krakenfutures", "swap"): KrakenFuturesWords,
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

    def ask_token(self, venue: Venue, challenge: str) -> str:
        """Ask for what lets the stream in, or have it signed."""
        assert isinstance(venue, CcxtVenue), "the token is asked for where the key is"
        words = self._words
        if not challenge:
            return words.ask_token(venue)
        assert isinstance(words, ChallengedWords), "no other words find a challenge"
        return words.sign(venue, challenge)

    def listen(
        self,
        token: str,
        answer: Callable[[str], Future[str]],
        tell: Callable[[Hint], None],
        stop: threading.Event,
    ) -> None:
        """Listen until `stop` is set or the connection breaks or is mute."""
        with asyncio.Runner() as runner:
            runner.run(self._listen(token, answer, tell, stop))

    async def _listen(
        self,
        token: str,
        answer: Callable[[str], Future[str]],
        tell: Callable[[Hint], None],
        stop: threading.Event,
    ) -> None:
        words = self._words
        exchange = load_pro_exchange(words.exchange, self._settings, timeout_s=self._timeout_s)
        ear = Ear(words, tell, self._silence_s)
        # Before the class makes its connection, which keeps what handles its messages.
        exchange.handle_message = ear.hear
        asyncio.get_running_loop().set_exception_handler(ear.note_fault)
        line = _Line(exchange, words.address(exchange))
        tasks = [asyncio.create_task(each) for each in self._begin(line, ear, token, answer)]
        try:
            while True:
                await asyncio.sleep(STEP_S)
                if stop.is_set():
                    # Before the tasks are looked at: it ends what waits for a token.
                    return
                for task in tasks:
                    # One that was cancelled would cancel this one, and end the thread.
                    if task.done() and not task.cancelled():
                        await task
                ear.check(line.client, is_over=any(task.done() for task in tasks))
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

    def _begin(
        self, line: "_Line", ear: Ear, token: str, answer: Callable[[str], Future[str]]
    ) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what goes on beside the listening, each until the connection ends."""
        words = self._words
        if isinstance(words, ChallengedWords):
            yield line.send([words.question(token)], "question")
            yield _subscribe_signed(words, line, ear, answer)
        else:
            yield line.send(words.subscriptions(token), "subscription")
        if words.ping is not None:
            yield self._ping(line, words.ping, ear)

    async def _ping(self, line: "_Line", ping: Message | bytes, ear: Ear) -> None:
        """Ask now and then, as a quiet connection says nothing by itself."""
        while True:
            await asyncio.sleep(self._silence_s * _PING_SHARE)
            if not isinstance(ping, bytes):
                if ear.is_on:
                    await line.client.send(ping)
            elif not line.client.closed():
                # Before it listens too: it may have to wait for what lets it in.
                await line.client.connection.ping(ping)


class _Line:
    """The connection as ccxt's class keeps it, to one address."""

    def __init__(self, exchange: Any, address: str) -> None:
        self._exchange = exchange
        self._address = address

    @property
    def client(self) -> Any:
        return self._exchange.client(self._address)

    async def send(self, messages: Iterable[Message], name: str) -> None:
        """Send messages in their order and wait: this ends with the connection alone."""
        names = [(f"{name} {number}", dict(each)) for number, each in enumerate(messages)]
        watch, address = self._exchange.watch, self._address
        await asyncio.gather(*(watch(address, name, each, name) for name, each in names))


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


async def _subscribe_signed(
    words: StreamWords, line: _Line, ear: Ear, answer: Callable[[str], Future[str]]
) -> None:
    """Subscribe with what the connection's own challenge is answered with."""
    token = await asyncio.wrap_future(answer(await ear.challenge))
    await line.send(words.subscriptions(token), "subscription")
