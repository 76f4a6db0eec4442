"""The methods that change, remove, pin or answer what stands in a chat."""

from dataclasses import replace
from typing import Final

from tests.fakes.bot_api.addressing import find_message, find_own_chat
from tests.fakes.bot_api.chats import Chat, ChatKind
from tests.fakes.bot_api.html_text import utf16_length
from tests.fakes.bot_api.keyboards import read_markup
from tests.fakes.bot_api.messages import Content, Message
from tests.fakes.bot_api.parameters import Parameters
from tests.fakes.bot_api.refusals import QUERY_TOO_OLD, bad_request, not_modified
from tests.fakes.bot_api.sending import formatted, read_document, read_photo
from tests.fakes.bot_api.texts import check_caption, check_text, read_text
from tests.fakes.bot_api.world import World

CALLBACK_ANSWER_LENGTH_MAX: Final = 200
CALLBACK_ANSWER_S: Final = 15.0
_DELETABLE_S: Final = 48 * 3600


def edit_message_text(world: World, parameters: Parameters) -> object:
    """Replace the text of an own message, and its keyboard."""
    if not parameters.text("text"):
        raise bad_request("message text is empty")
    body = check_text(formatted(parameters, "text"), is_edit=True)
    markup = read_markup(parameters.value("reply_markup"))
    message = _find_editable(world, parameters)
    if message.content.has_file:
        raise bad_request("there is no text in the message to edit")
    return _show(world, message, Content(body, markup))


def edit_message_caption(world: World, parameters: Parameters) -> object:
    """Replace the caption of an own picture or file, and its keyboard."""
    body = check_caption(formatted(parameters, "caption"))
    markup = read_markup(parameters.value("reply_markup"))
    message = _find_editable(world, parameters)
    if not message.content.has_file:
        raise bad_request("there is no caption in the message to edit")
    return _show(world, message, replace(message.content, body=body, markup=markup))


def edit_message_media(world: World, parameters: Parameters) -> object:
    """Replace the picture or file of an own message, with caption and keyboard."""
    media = parameters.structure("media", "media")
    if not isinstance(media, dict):
        raise bad_request("media is empty")
    caption = str(media.get("caption", ""))
    body = check_caption(
        read_text(caption, str(media.get("parse_mode", "")), media.get("caption_entities"))
    )
    markup = read_markup(parameters.value("reply_markup"))
    named = str(media.get("media", ""))
    upload = parameters.attached(named)
    message = _find_editable(world, parameters)
    if media.get("type") == "photo":
        content = Content(body, markup, photo=read_photo(world, upload, named))
    elif media.get("type") == "document":
        content = Content(body, markup, document=read_document(world, upload, named))
    else:
        raise bad_request("the fake Bot API edits photos and documents only")
    return _show(world, message, content)


def edit_message_reply_markup(world: World, parameters: Parameters) -> object:
    """Replace or take away the keyboard of an own message."""
    markup = read_markup(parameters.value("reply_markup"))
    message = _find_editable(world, parameters)
    return _show(world, message, replace(message.content, markup=markup))


def delete_message(world: World, parameters: Parameters) -> object:
    """Delete an own message, or somebody's where the bot may."""
    chat = find_own_chat(world, parameters)
    message = find_message(chat, parameters, "delete")
    _check_deletable(world, message)
    remove(world, message)
    return True


def delete_messages(world: World, parameters: Parameters) -> object:
    """Delete several messages; those that are gone already do not matter."""
    chat = find_own_chat(world, parameters)
    numbers = parameters.structure("message_ids", "message identifiers")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= 100:
        raise bad_request("message identifiers are not specified")
    found = [chat.messages[number] for number in numbers if number in chat.messages]
    for message in found:
        if not message.is_deleted:
            _check_deletable(world, message)
            remove(world, message)
    return True


def pin_chat_message(world: World, parameters: Parameters) -> object:
    """Pin a message, which leaves a line in the chat that says so."""
    chat = find_own_chat(world, parameters)
    _check_may_pin(world, chat)
    message = find_message(chat, parameters, "pin")
    if message.service:
        raise bad_request("message can't be pinned")
    if message not in chat.pinned:
        chat.pinned.append(message)
        sender = None if chat.kind is ChatKind.CHANNEL else world.bot
        line = world.write_service(
            chat,
            sender,
            pinned_message=message.to_json(depth=1),
            message_thread_id=message.thread_id,
        )
        line.is_from_bot = True
        line.is_silent = parameters.flag("disable_notification") or chat.is_private
    world.changed.notify_all()
    return True


def unpin_chat_message(world: World, parameters: Parameters) -> object:
    """Unpin one message, or the one pinned last."""
    chat = find_own_chat(world, parameters)
    _check_may_pin(world, chat)
    if not parameters.text("message_id"):
        if not chat.pinned:
            raise bad_request("message to unpin not found")
        chat.pinned.pop()
    else:
        message = find_message(chat, parameters, "unpin")
        if message in chat.pinned:
            chat.pinned.remove(message)
    world.changed.notify_all()
    return True


def unpin_all_chat_messages(world: World, parameters: Parameters) -> object:
    """Unpin everything."""
    chat = find_own_chat(world, parameters)
    _check_may_pin(world, chat)
    chat.pinned.clear()
    world.changed.notify_all()
    return True


def answer_callback_query(world: World, parameters: Parameters) -> object:
    """End the wait of somebody who pressed a button; once, and soon enough."""
    tap = world.taps.get(parameters.text("callback_query_id"))
    now = world.clock.wall()
    if tap is None or tap.answer is not None or now - tap.at > CALLBACK_ANSWER_S:
        raise bad_request(QUERY_TOO_OLD)
    text = parameters.text("text")
    if utf16_length(text) > CALLBACK_ANSWER_LENGTH_MAX:
        raise bad_request("MESSAGE_TOO_LONG")
    tap.is_alert = parameters.flag("show_alert")
    tap.answer = text
    world.changed.notify_all()
    return True


def remove(world: World, message: Message) -> None:
    """Take a message away from everybody."""
    message.is_deleted = True
    if message in message.chat.pinned:
        message.chat.pinned.remove(message)
    world.changed.notify_all()


def _find_editable(world: World, parameters: Parameters) -> Message:
    message = find_message(find_own_chat(world, parameters), parameters, "edit")
    markup = message.content.markup
    is_editable = markup is None or "inline_keyboard" in markup
    if not message.is_from_bot or message.service or message.forward_origin or not is_editable:
        raise bad_request("message can't be edited")
    return message


def _show(world: World, message: Message, content: Content) -> object:
    if content == message.content:
        raise not_modified()
    message.show(content, world.clock.wall())
    world.changed.notify_all()
    return message.to_json()


def _check_deletable(world: World, message: Message) -> None:
    is_old = world.clock.wall() - message.date > _DELETABLE_S
    is_admin = message.chat.status_of(world.bot).is_admin
    if is_old and not (message.chat.is_group and is_admin):
        raise bad_request("message can't be deleted for everyone")
    if not (message.is_from_bot or message.chat.is_private or is_admin):
        raise bad_request("message can't be deleted")


def _check_may_pin(world: World, chat: Chat) -> None:
    if not chat.is_private and not chat.status_of(world.bot).is_admin:
        raise bad_request("not enough rights to manage pinned messages in the chat")
