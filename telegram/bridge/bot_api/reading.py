"""What an update says, as a value of the bridge: who wrote or pressed what where, and as whom.

The library's objects are known here by their shape alone, so that its name stays in one module.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from daemonkit.printable import one_line
from telegram.bridge.messenger import Inbound, Place

_NAME_LENGTH_MAX: Final = 64


class _Chat(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def type(self) -> str: ...


class _User(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def is_bot(self) -> bool: ...
    @property
    def username(self) -> str | None: ...
    @property
    def full_name(self) -> str: ...


class _Button(Protocol):
    @property
    def callback_data(self) -> str | object | None: ...


class _Keyboard(Protocol):
    @property
    def inline_keyboard(self) -> Sequence[Sequence[_Button]]: ...


class _Placed(Protocol):
    """Be a message of which perhaps no more is known than where it stands."""

    @property
    def chat(self) -> _Chat: ...
    @property
    def message_id(self) -> int: ...


class _Message(_Placed, Protocol):
    @property
    def from_user(self) -> _User | None: ...
    @property
    def sender_chat(self) -> object | None: ...
    @property
    def date(self) -> datetime: ...
    @property
    def text(self) -> str | None: ...
    @property
    def caption(self) -> str | None: ...
    @property
    def message_thread_id(self) -> int | None: ...
    @property
    def is_topic_message(self) -> bool | None: ...
    @property
    def forward_origin(self) -> object | None: ...
    @property
    def is_automatic_forward(self) -> bool | None: ...
    @property
    def via_bot(self) -> object | None: ...
    @property
    def migrate_to_chat_id(self) -> int | None: ...
    @property
    def reply_to_message(self) -> "_Message | None": ...
    @property
    def reply_markup(self) -> _Keyboard | None: ...
    @property
    def pinned_message(self) -> object | None: ...
    @property
    def new_chat_members(self) -> Sequence[_User]: ...
    @property
    def group_chat_created(self) -> bool | None: ...
    @property
    def supergroup_chat_created(self) -> bool | None: ...


class _Press(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def from_user(self) -> _User: ...
    @property
    def data(self) -> str | None: ...
    @property
    def message(self) -> _Placed | None: ...


class _Update(Protocol):
    @property
    def update_id(self) -> int: ...
    @property
    def message(self) -> _Message | None: ...
    @property
    def edited_message(self) -> _Message | None: ...
    @property
    def channel_post(self) -> _Message | None: ...
    @property
    def edited_channel_post(self) -> _Message | None: ...


def read_press(update_id: int, press: _Press, whole: _Message | None, at: float) -> Inbound | None:
    """Read the press of a button; `whole` is its message, unless that is too old to be told."""
    message = press.message
    if message is None or press.data is None:
        return None
    return Inbound(
        update_id=update_id,
        place=Place(message.chat.id, None if whole is None else _topic(whole)),
        message_id=message.message_id,
        user_id=press.from_user.id,
        user_name=_name(press.from_user),
        text="",
        written_at=at,
        press_data=press.data,
        press_id=press.id,
        has_button=whole is not None and _has_button(whole, press.data),
        asked="" if whole is None else whole.text or "",
        is_private=message.chat.type == "private",
    )


def _has_button(message: _Message, data: str) -> bool:
    markup = message.reply_markup
    rows = () if markup is None else markup.inline_keyboard
    return any(button.callback_data == data for row in rows for button in row)


def read_message(update: _Update, bot_id: int) -> Inbound | None:
    """Read a message; None for one that is of no interest."""
    posted = update.channel_post or update.edited_channel_post
    message = update.message or update.edited_message or posted
    if message is None or not _is_for_us(message, bot_id):
        return None
    user = message.from_user
    is_anonymous = (
        user is None or user.is_bot or message.sender_chat is not None or posted is not None
    )
    return Inbound(
        update_id=update.update_id,
        place=Place(message.chat.id, _topic(message)),
        message_id=message.message_id,
        # Nobody else may pass for a person, not even by the number they share.
        user_id=None if is_anonymous or user is None else user.id,
        user_name="" if user is None else _name(user),
        text=message.text or message.caption or "",
        written_at=message.date.timestamp(),
        is_edited=message is update.edited_message or message is update.edited_channel_post,
        # What another bot has worded is not what a person has written either.
        is_forwarded=message.forward_origin is not None
        or bool(message.is_automatic_forward)
        or message.via_bot is not None,
        is_anonymous=is_anonymous,
        is_private=message.chat.type == "private",
        migrated_to=message.migrate_to_chat_id,
        is_reply=_is_reply(message, bot_id),
        is_own_pin=_is_own_pin(message, bot_id),
        has_joined=_has_joined(message, bot_id),
    )


def _is_for_us(message: _Message, bot_id: int) -> bool:
    """Leave out lines such as of joins; a group the bot was just put into is of interest."""
    is_made = bool(message.group_chat_created or message.supergroup_chat_created)
    has_words = bool(message.text or message.caption)
    is_line = _is_own_pin(message, bot_id) or message.migrate_to_chat_id is not None
    return has_words or _has_joined(message, bot_id) or is_made or is_line


def _is_reply(message: _Message, bot_id: int) -> bool:
    replied = message.reply_to_message
    return replied is not None and replied.from_user is not None and replied.from_user.id == bot_id


def _has_joined(message: _Message, bot_id: int) -> bool:
    return any(each.id == bot_id for each in message.new_chat_members)


def _is_own_pin(message: _Message, bot_id: int) -> bool:
    user = message.from_user
    return message.pinned_message is not None and user is not None and user.id == bot_id


def _topic(message: _Message) -> int | None:
    # Outside of forums a thread is only a row of replies, where nothing can be sent to.
    return message.message_thread_id if message.is_topic_message else None


def _name(user: _User) -> str:
    return one_line(user.username or user.full_name, _NAME_LENGTH_MAX)
