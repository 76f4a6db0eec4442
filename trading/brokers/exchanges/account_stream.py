"""The private WebSocket of an account through ccxt.pro, for hints alone: nothing of it is read.

Runs asyncio on the calling thread. The class gets no key: only the token that the account's worker
has asked for, so it can send no request that needs a nonce.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from trading.brokers.account_stream import AccountStream, Hint
from trading.brokers.ccxt_broker import CcxtVenue
from trading.brokers.exchanges.errors import failure_of
from trading.brokers.exchanges.loading import load_pro_exchange
from trading.brokers.exchanges.reading import mapping_at, mapping_of, text_at
from trading.brokers.exchanges.stream import end_tasks
from trading.brokers.exchanges.wire import endpoint
from trading.brokers.venue import FailureKind, Venue, VenueError

STEP_S: Final = 0.05
CLOSE_S_MAX: Final = 1.0
_ENDPOINT: Final = "privatePostGetWebSocketsToken"
_CHANNEL: Final = "executions"


class KrakenStream:
    """Listen to the executions channel of a Kraken account, spot or margin."""

    def __init__(self, settings: Mapping[str, Any], *, timeout_s: float, silence_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._silence_s = silence_s

    def ask_token(self, venue: Venue) -> str:
        """Ask GetWebSocketsToken."""
        assert isinstance(venue, CcxtVenue), "the token is asked for where the key is"
        answer = mapping_of(venue.ask(endpoint(_ENDPOINT, {})), "answer")
        return text_at(mapping_at(answer, "result"), "token")

    def listen(self, token: str, tell: Callable[[Hint], None], stop: threading.Event) -> None:
        """Listen until `stop` is set or the connection breaks or is mute."""
        with asyncio.Runner() as runner:
            runner.run(self._listen(token, tell, stop))

    async def _listen(
        self, token: str, tell: Callable[[Hint], None], stop: threading.Event
    ) -> None:
        exchange = load_pro_exchange("kraken", self._settings, timeout_s=self._timeout_s)
        ear = _Ear(exchange, tell)
        _hand_over(exchange, token)
        # Before the class makes its connections, which keep what handles their messages.
        exchange.handle_message = ear.hear
        watching = asyncio.create_task(exchange.watch_orders())
        try:
            while not stop.is_set():
                await asyncio.sleep(STEP_S)
                if watching.done():
                    await watching
                ear.check(self._silence_s, is_over=watching.done())
        except VenueError:
            raise
        except Exception as error:
            raise failure_of(error) from error
        finally:
            await end_tasks([watching])
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await exchange.close()


class _Ear:
    """Tell messages apart by what they are about, before anything tries to read them."""

    def __init__(self, exchange: Any, tell: Callable[[Hint], None]) -> None:
        self._pass_on = exchange.handle_message
        self._tell = tell
        self._heard_at = _now()
        self._refusal = ""
        self._is_on = False

    def hear(self, client: Any, message: Any) -> None:
        """Take in one message."""
        self._heard_at = _now()
        if not isinstance(message, dict):
            return
        if message.get("channel") == _CHANNEL:
            self._is_on = True
            self._tell(_hint_of(message))
        elif message.get("success") is False:
            self._refusal = str(message.get("error") or "the subscription was refused")
        else:
            if self._is_on:
                self._tell(Hint.LIFE)
            self._pass_on(client, message)

    def check(self, silence_s: float, *, is_over: bool) -> None:
        """Raise VenueError when there is nothing to be heard any more."""
        if is_over:
            raise VenueError("the stream has ended", FailureKind.UNREACHABLE)
        if self._refusal:
            raise VenueError(self._refusal, FailureKind.REFUSED)
        if _now() - self._heard_at > silence_s:
            raise VenueError(f"no message for {silence_s:g} s", FailureKind.UNREACHABLE)


def build_stream(
    exchange: str,
    market_type: str,
    settings: Mapping[str, Any],
    *,
    timeout_s: float,
    silence_s: float,
) -> AccountStream | None:
    """Build what listens to an account, where that was tested; None elsewhere."""
    if exchange == "kraken" and market_type in ("spot", "margin"):
        return KrakenStream(settings, timeout_s=timeout_s, silence_s=silence_s)
    return None


def _hand_over(exchange: Any, token: str) -> None:
    """Have the class take this token, and ask for no markets: no message is parsed."""

    async def give_token(_parameters: Any = None) -> dict[str, Any]:
        return {"result": {"token": token, "expires": 900}}

    async def load_nothing(*_arguments: Any) -> dict[str, Any]:
        return {}

    exchange.privatePostGetWebSocketsToken = give_token
    exchange.load_markets = load_nothing


def _hint_of(message: Mapping[str, Any]) -> Hint:
    """Return which read is worth most; what is not clear counts as an execution."""
    rows = message.get("data")
    if message.get("type") != "update" or not isinstance(rows, list):
        return Hint.EXECUTION
    kinds = [row.get("exec_type") if isinstance(row, dict) else "" for row in rows]
    return Hint.ORDER if kinds and all(kind in _ORDER_NEWS for kind in kinds) else Hint.EXECUTION


# A "filled" follows the "trade" that filled it.
_ORDER_NEWS: Final = frozenset(
    {"pending_new", "new", "amended", "restated", "status", "filled", "canceled", "expired"}
)


def _now() -> float:
    return asyncio.get_running_loop().time()
