"""Telegram by way of python-telegram-bot; the only module that names that library.

Turns its objects into values of telegram.bridge.messenger and every failure of a call into a
MessengerError without the token. Polls by plain calls: the library's own updater would confirm
updates before they are on disk, and ends for good on one 401.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import httpx

from daemonkit.clock import Clock
from daemonkit.errors import ConfigurationError
from daemonkit.printable import one_line
from daemonkit.secrets import redact
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    BotCommandScopeDefault,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    Message,
    Update,
    error,
)
from telegram.bridge.bot_api.addressing import way_to
from telegram.bridge.bot_api.batches import readable_updates
from telegram.bridge.bot_api.errors import (
    WAIT_UNTOLD_S,
    loss_trouble,
    read_failure,
    refusal_trouble,
    wait_s_of,
)
from telegram.bridge.bot_api.exchanges import exchange
from telegram.bridge.bot_api.libraries import prepare_libraries
from telegram.bridge.bot_api.reading import read_message, read_press
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.bot_api.state import Arrival
from telegram.bridge.chat import Buttons
from telegram.bridge.messenger import CommandName, Inbound, Me, MessengerError, Place, Trouble
from telegram.request import HTTPXRequest

log = logging.getLogger(__name__)

T = TypeVar("T")

# Edits are not asked for; those that come nevertheless are marked, as are all others.
ALLOWED_UPDATES: Final = ("message", "callback_query")

_HTML: Final = "HTML"
_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)
_NOTICE_LENGTH_MAX: Final = 200
_ERROR_LENGTH_MAX: Final = 300


class PtbMessenger:
    """Be the Messenger of the bridge, and the place where its updates come from."""

    def __init__(self, settings: BotSettings, clock: Clock) -> None:
        prepare_libraries()
        self._settings = settings
        self._clock = clock
        self._is_closed = False
        token = settings.token.reveal()
        self.bot_id = int(token.partition(":")[0])
        try:
            self._requests = (
                _Request(settings, settings.connections_max),
                _PollRequest(settings, 1),
            )
            self._bot = Bot(
                token,
                base_url=settings.base_url,
                request=self._requests[0],
                get_updates_request=self._requests[1],
            )
        except (ValueError, RuntimeError, httpx.InvalidURL):
            raise ConfigurationError(
                "environment",
                "TELEGRAM_BASE_URL, TELEGRAM_PROXY",
                allowed="addresses such as http://127.0.0.1:3128",
            ) from None

    async def who_am_i(self) -> Me:
        """Return who the bot is."""
        user = await self._call(self._bot.get_me)
        return Me(user.id, user.username or "", bool(user.can_read_all_group_messages))

    async def prepare(self) -> None:
        """Take a webhook away, which would keep every poll out; what waits stays waiting."""
        await self._call(lambda: self._bot.delete_webhook(drop_pending_updates=False))

    async def poll(self, offset: int, wait_s: float) -> Sequence[Arrival]:
        """Return the updates from `offset` on, which confirms all before it; 0 confirms none."""
        updates = await self._call(
            lambda: self._bot.get_updates(
                offset=offset or None,
                timeout=int(wait_s) if wait_s >= 1 else 0,
                allowed_updates=ALLOWED_UPDATES,
            ),
            self._settings.call_s + wait_s,
        )
        return [Arrival(update.update_id, self._read(update)) for update in updates]

    async def send_text(
        self, place: Place, text: str, *, html: bool, buttons: Buttons = (), silent: bool = False
    ) -> int:
        """Send a message; return its number."""
        return await self._call(
            lambda: _number_of(
                self._bot.send_message(
                    text=text,
                    parse_mode=_HTML if html else None,
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=_keyboard(buttons),
                    **way_to(place, silent=silent),
                )
            )
        )

    async def edit_text(
        self, place: Place, message_id: int, text: str, *, html: bool, buttons: Buttons = ()
    ) -> None:
        """Replace what a message says; its buttons go unless they are given again."""
        await self._call(
            lambda: self._bot.edit_message_text(
                text,
                place.chat_id,
                message_id,
                parse_mode=_HTML if html else None,
                link_preview_options=_NO_PREVIEW,
                reply_markup=_keyboard(buttons),
            )
        )

    async def drop_buttons(self, place: Place, message_id: int) -> None:
        """Take the buttons from under a message, which stays as it is."""
        await self._call(lambda: self._bot.edit_message_reply_markup(place.chat_id, message_id))

    async def send_photo(
        self, place: Place, data: bytes, caption: str, *, silent: bool = False
    ) -> int:
        """Send a picture (PNG) with a plain caption of at most 1,024 characters."""
        return await self._call(
            lambda: _number_of(
                self._bot.send_photo(
                    photo=InputFile(data, "chart.png"),
                    caption=caption or None,
                    **way_to(place, silent=silent),
                )
            ),
            self._settings.upload_call_s,
        )

    async def send_document(
        self, place: Place, data: bytes, file_name: str, caption: str, *, silent: bool = False
    ) -> int:
        """Send a file."""
        return await self._call(
            lambda: _number_of(
                self._bot.send_document(
                    document=InputFile(data, file_name),
                    caption=caption or None,
                    disable_content_type_detection=True,
                    **way_to(place, silent=silent),
                )
            ),
            self._settings.upload_call_s,
        )

    async def delete(self, place: Place, message_id: int) -> None:
        """Delete a message."""
        await self._call(lambda: self._bot.delete_message(place.chat_id, message_id))

    async def pin(self, place: Place, message_id: int) -> None:
        """Pin a message without a sound."""
        await self._call(
            lambda: self._bot.pin_chat_message(place.chat_id, message_id, disable_notification=True)
        )

    async def answer_press(self, press_id: str, text: str = "") -> None:
        """End the waiting of a pressed button, with a short notice if there is one."""
        notice = text[:_NOTICE_LENGTH_MAX] or None
        await self._call(lambda: self._bot.answer_callback_query(press_id, notice))

    async def set_commands(self, commands: Sequence[CommandName], user_id: int | None) -> None:
        """Set the menu of one person's private chat, or of everybody else; none takes it away."""
        scope = BotCommandScopeDefault() if user_id is None else BotCommandScopeChat(user_id)
        wanted = tuple(BotCommand(each.name, each.summary) for each in commands)
        if await self._call(lambda: self._bot.get_my_commands(scope)) == wanted:
            return
        if wanted:
            await self._call(lambda: self._bot.set_my_commands(wanted, scope))
        else:
            await self._call(lambda: self._bot.delete_my_commands(scope))

    async def leave(self, chat_id: int) -> None:
        """Leave a group."""
        await self._call(lambda: self._bot.leave_chat(chat_id))

    async def close(self) -> None:
        """Let go of all connections; calls after it are refused."""
        self._is_closed = True
        for request in self._requests:
            await request.shutdown()

    async def _call(self, ask: Callable[[], Awaitable[T]], within_s: float | None = None) -> T:
        if self._is_closed:
            raise MessengerError(Trouble.DOWN, "the bridge stops")
        try:
            async with asyncio.timeout(within_s or self._settings.call_s):
                return await ask()
        except Exception as failure:  # noqa: BLE001 - odd answers raise anything in the library
            raise _explain(failure) from None

    def _read(self, update: Update) -> Inbound | None:
        try:
            if (press := update.callback_query) is not None:
                # An old message is told without its content.
                whole = press.message if isinstance(press.message, Message) else None
                return read_press(update.update_id, press, whole, self._clock.wall())
            return read_message(update, self.bot_id)
        except Exception as failure:  # noqa: BLE001 - one odd update must not stop all others
            log.warning("update %d is not understood: %s", update.update_id, type(failure).__name__)
            return None


class _FailedError(error.TelegramError):
    """Carry what a failed exchange means, known only where it happened."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


class _Request(HTTPXRequest):
    """Make the exchanges of the library, and tell the failures apart that it throws together.

    An exchange that is cut off can leave its connection taken for good, until none is left and
    every call fails: all connections are then made anew as soon as none is in use.
    """

    def __init__(self, settings: BotSettings, connections: int) -> None:
        super().__init__(
            connection_pool_size=connections,
            connect_timeout=settings.connect_s,
            read_timeout=settings.read_s,
            write_timeout=settings.write_s,
            media_write_timeout=settings.upload_s,
            pool_timeout=settings.pool_s,
            proxy=settings.proxy,
            httpx_kwargs={
                # The usual 5 s would mean a new handshake for nearly every message.
                "limits": httpx.Limits(
                    max_connections=connections, keepalive_expiry=settings.keep_connection_s
                )
            },
        )

        self._running = 0
        self._is_leaking = False
        self._renewal = asyncio.Lock()

    async def do_request(self, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        """Make an exchange; _FailedError where the library's own error would say too little."""
        if self._is_leaking:
            await self._renew()
        self._running += 1
        try:
            status, body = await exchange(super().do_request(*arguments, **named))
        except error.TelegramError as failure:
            self._is_leaking |= isinstance(failure.__cause__, httpx.PoolTimeout)
            raise _FailedError(loss_trouble(failure.__cause__), failure.message) from None
        except asyncio.CancelledError:
            self._is_leaking = True
            raise
        finally:
            self._running -= 1
        if found := read_failure(status, body):
            raise _FailedError(*found)
        return status, body

    async def _renew(self) -> None:
        async with self._renewal:
            if self._is_leaking and not self._running:
                await self.shutdown()
                await self.initialize()
                self._is_leaking = False


class _PollRequest(_Request):
    """Make the exchanges of polling: an update that the library cannot read becomes empty."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; without this one odd update would hide all that come after it."""
        answer: dict[str, Any] = HTTPXRequest.parse_json_payload(payload)
        if isinstance(answer.get("result"), list):
            answer["result"] = readable_updates(answer["result"], Update.de_json)
        return answer


def _explain(failure: Exception) -> MessengerError:
    text = one_line(redact(str(failure)), _ERROR_LENGTH_MAX)
    match failure:
        case _FailedError():
            wait_s = WAIT_UNTOLD_S if failure.trouble is Trouble.WAIT else 0.0
            return MessengerError(failure.trouble, text, wait_s=wait_s)
        case error.RetryAfter():
            return MessengerError(Trouble.WAIT, text, wait_s=wait_s_of(failure.retry_after))
        case error.ChatMigrated():
            number: object = failure.new_chat_id
            new_chat_id = number if isinstance(number, int) else None
            return MessengerError(Trouble.MIGRATED, text, new_chat_id=new_chat_id)
        case error.InvalidToken():
            # Its own text may be the token.
            return MessengerError(Trouble.TOKEN_REFUSED, str(Trouble.TOKEN_REFUSED))
        case error.Forbidden():
            return MessengerError(Trouble.CHAT_GONE, text)
        case error.Conflict():
            return MessengerError(Trouble.CONFLICT, text)
        case error.BadRequest():
            return MessengerError(refusal_trouble(failure.message), text)
        case TimeoutError():
            return MessengerError(Trouble.UNCLEAR, "no answer within the time for a call")
    return MessengerError(Trouble.UNCLEAR, f"an odd answer ({type(failure).__name__})")


async def _number_of(sending: Awaitable[Message]) -> int:
    return (await sending).message_id


def _keyboard(buttons: Buttons) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(each.label, callback_data=each.data) for each in row]
            for row in buttons
        ]
    )
