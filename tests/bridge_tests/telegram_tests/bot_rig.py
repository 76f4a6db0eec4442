"""What the tests of the bot share: the messenger alone, or the whole thread, at the fake server."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from daemonkit.clock import Clock, SystemClock
from daemonkit.secrets import Secret
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.bot_api.state import BotCallbacks, BotState, Standing
from telegram.bridge.messenger import Inbound, Me, MessengerError, Place
from telegram.bridge.poll_thread import TelegramThread
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.waiting import wait_until

T = TypeVar("T")

PATIENCE_S = 10.0
# Short pauses, so that no test waits for what the bridge waits for in life.
QUICK: dict[str, Any] = {
    "retry_min_s": 0.02,
    "retry_max_s": 0.1,
    "token_check_s": 0.1,
    "conflict_retry_s": 0.02,
    "conflict_clear_s": 0.3,
}

Ask = Callable[[PtbMessenger], Awaitable[T]]


def settings_for(api: FakeBotApi, **changes: Any) -> BotSettings:
    """Return settings that lead to the fake server."""
    token = Secret(changes.pop("token", api.token))
    return BotSettings(token, **({"base_url": api.base_url} | QUICK | changes))


def ask(api: FakeBotApi, what: Ask[T], **changes: Any) -> T:
    """Have a messenger make calls, and return what came of them."""

    async def run() -> T:
        messenger = PtbMessenger(settings_for(api, **changes), SystemClock())
        try:
            return await what(messenger)
        finally:
            await messenger.close()

    return asyncio.run(run())


def trouble_of(api: FakeBotApi, what: Ask[Any], **changes: Any) -> MessengerError:
    """Have a messenger make a call that fails, and return how."""
    try:
        found = ask(api, what, **changes)
    except MessengerError as error:
        return error
    raise AssertionError(f"the call went well: {found!r}")


def place_of(phone: Phone) -> Place:
    """Return where a phone is."""
    return Place(phone.chat.id, phone.thread_id)


class BotRig:
    """Run the thread `poll` for the length of a block, and keep all that it tells."""

    def __init__(
        self,
        api: FakeBotApi,
        *,
        journal: Callable[[Inbound], None] | None = None,
        clock: Clock | None = None,
        **changes: Any,
    ) -> None:
        self.inbounds: list[Inbound] = []
        self.lost: list[Inbound] = []
        self.conflicts: list[bool] = []
        self.greetings: list[Me] = []
        self.states: list[BotState] = []
        callbacks = BotCallbacks(
            journal or self.inbounds.append,
            self.lost.append,
            self.conflicts.append,
            self.greetings.append,
            self.states.append,
        )
        self.thread = TelegramThread(
            settings_for(api, **changes), callbacks, clock or SystemClock()
        )

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ended = self.thread.stop(PATIENCE_S)
        assert ended or error is not None, "the thread poll did not end"

    @property
    def standing(self) -> Standing:
        """How polling goes."""
        return self.thread.state.standing

    def wait_standing(self, standing: Standing) -> None:
        """Wait until polling goes so."""
        wait_until(lambda: self.standing is standing, PATIENCE_S, f"the state {standing}")

    def wait_text(self, text: str) -> Inbound:
        """Wait until a message was handed over."""

        def find() -> Inbound | None:
            return next((each for each in self.inbounds if each.text == text), None)

        found = wait_until(find, PATIENCE_S, f"{text}; there is {self.inbounds}")
        assert found is not None
        return found

    def call(self, what: Ask[Any]) -> Any:
        """Have the messenger of the thread make a call."""

        async def work() -> Any:
            return await what(self.thread.messenger)

        return self.thread.call(work()).result(PATIENCE_S)


class Gate:
    """Be a journal that keeps what comes, and then holds its caller until it is opened."""

    def __init__(self) -> None:
        self.taken: list[Inbound] = []
        self.came = threading.Event()
        self.opened = threading.Event()

    def __call__(self, inbound: Inbound) -> None:
        self.taken.append(inbound)
        self.came.set()
        self.opened.wait(PATIENCE_S)
