"""The `telegram` section of the configuration: who may speak where, how to reach the messenger."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from daemonkit.secrets import Secret, hide
from daemonkit.settings import Settings
from tcpproto.vocabulary import Role
from telegram.bridge.bot_settings import BASE_URL, BotSettings, is_address
from telegram.bridge.messenger import Place

Seconds = Annotated[float, Field(gt=0, le=86_400)]
UserId = Annotated[int, Field(ge=1, lt=2**63)]


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
            raise ValueError("an address such as http://127.0.0.1:3128")
        password = None if value is None else urlsplit(value.reveal()).password
        if password:
            # Alone, too: an error may quote only a part of the address.
            hide(password)
        return value

    def bot_settings(self, token: Secret) -> BotSettings:
        """Return where the messenger is, and how patient the bridge is with it."""
        proxy = None if self.proxy is None else self.proxy.reveal()
        return BotSettings(token, self.base_url, proxy, **self.polling.model_dump())

    @model_validator(mode="after")
    def _each_once(self) -> "TelegramSection":
        places = [one.place for one in self.chats]
        if len(set(places)) < len(places):
            raise ValueError("each chat and topic once")
        return self
