"""The `telegram` section of the configuration: who may speak where, how to reach the messenger."""

import re
from collections import Counter
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from daemonkit.secrets import Secret, hide
from daemonkit.settings import Settings
from tcpproto.vocabulary import Role
from telegram.bridge.bot_api.settings import BASE_URL, BotSettings, is_address
from telegram.bridge.messenger import Place

Seconds = Annotated[float, Field(gt=0, le=86_400)]
_PLAIN_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)")


def _check_plain(value: Any) -> Any:
    # Read generously, 042 or 4_2 would be one more 42, and the last one's role would count.
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
        raise ValueError("a whole number, written plainly")
    return value


UserId = Annotated[int, BeforeValidator(_check_plain), Field(ge=1, lt=2**63)]


class ChatEntry(Settings):
    """One chat that belongs to the bridge: a group, one of its topics, or a private chat."""

    id: Annotated[int, Field(gt=-(2**63), lt=2**63)]
    thread: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    events: bool = True

    @field_validator("id")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("a number other than 0")
        return value

    @property
    def place(self) -> Place:
        """Return where it is."""
        return Place(self.id, self.thread)


class PollingSection(Settings):
    """The `telegram.polling` section: asking for what people wrote."""

    poll_s: Annotated[float, Field(ge=0, le=50)] = 30.0
    call_s: Seconds = 60.0
    upload_call_s: Seconds = 180.0
    retry_min_s: Seconds = 1.0
    retry_max_s: Seconds = 60.0
    token_check_s: Seconds = 60.0
    conflict_retry_s: Seconds = 2.0
    conflict_clear_s: Seconds = 90.0


class TelegramSection(Settings):
    """The `telegram` section; the environment wins over it."""

    users: dict[UserId, Role] = Field(default_factory=dict)
    chats: tuple[ChatEntry, ...] = ()
    base_url: str = BASE_URL
    proxy: Secret | None = None
    future_max_s: Seconds = 30.0
    answer_max_age_s: Seconds = 30.0
    stranger_log_s: Seconds = 3_600.0
    polling: PollingSection = PollingSection()

    @field_validator("chats")
    @classmethod
    def _each_once(cls, chats: tuple[ChatEntry, ...]) -> tuple[ChatEntry, ...]:
        for place, count in Counter(one.place for one in chats).items():
            if count > 1:
                topic = "" if place.thread_id is None else f"thread {place.thread_id} of "
                raise ValueError(f"each chat and topic once, not twice {topic}{place.chat_id}")
        return chats

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        # Without its end the token, which follows it, would become a part of the host.
        if not is_address(value, "/bot"):
            raise ValueError(f"an address such as {BASE_URL}")
        return value

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: Secret | None) -> Secret | None:
        if value is not None and not is_address(value.reveal()):
            # Not a real one: what is in the mistaken value is taken out of this text, too.
            raise ValueError("an address such as http://HOST:PORT")
        password = None if value is None else urlsplit(value.reveal()).password
        if password:
            # Alone, too: an error may quote only a part of the address.
            hide(password)
        return value

    def bot_settings(self, token: Secret) -> BotSettings:
        """Return where the messenger is, and how patient the bridge is with it."""
        proxy = None if self.proxy is None else self.proxy.reveal()
        return BotSettings(token, self.base_url, proxy, **self.polling.model_dump())
