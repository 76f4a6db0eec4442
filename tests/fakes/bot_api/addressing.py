"""Who and what a request means: its chat, topic and messages, and whether the bot may go there."""

from dataclasses import dataclass

from tests.fakes.bot_api.chats import Chat, ChatKind, Status
from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.parameters import Parameters
from tests.fakes.bot_api.refusals import (
    CHAT_NOT_FOUND,
    RefusalError,
    bad_request,
    forbidden,
    migrated,
)
from tests.fakes.bot_api.world import World

_GENERAL = 1  # the thread id of a forum's general topic; messages in it carry none


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is to go, and how loudly."""

    chat: Chat
    thread_id: int | None
    reply_to: Message | None
    is_silent: bool
    is_protected: bool


def find_chat(world: World, parameters: Parameters, name: str = "chat_id") -> Chat:
    """Return the chat that a request names and the bot can see."""
    chat = _named_chat(world, parameters.text(name).strip('"'), name)
    if chat.migrated_to is not None:
        raise migrated(chat.migrated_to)
    return chat


def find_own_chat(world: World, parameters: Parameters) -> Chat:
    """Return the chat that a request names, where the bot must be in."""
    chat = find_chat(world, parameters)
    check_presence(world, chat)
    return chat


def find_place(world: World, parameters: Parameters, *, may_name_general: bool = False) -> Place:
    """Return where a new message goes; only actions may name the general topic by its id."""
    chat = find_own_chat(world, parameters)
    if chat.kind is ChatKind.CHANNEL and not chat.status_of(world.bot).is_admin:
        raise bad_request("need administrator rights in the channel chat")
    reply_to = _find_reply(chat, parameters)
    named = parameters.integer("message_thread_id")
    is_general = may_name_general and chat.is_forum and named == _GENERAL
    thread_id = None if is_general else _find_thread(world, chat, named)
    if thread_id is None and reply_to is not None:
        thread_id = reply_to.thread_id
    return Place(
        chat,
        thread_id,
        reply_to,
        parameters.flag("disable_notification"),
        parameters.flag("protect_content"),
    )


def find_message(chat: Chat, parameters: Parameters, what: str) -> Message:
    """Return a message that stands; `what` is the wording, as in `message to edit not found`."""
    if not parameters.text("message_id"):
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(parameters.integer("message_id"))
    if message is None or message.is_deleted:
        raise bad_request(f"message to {what} not found")
    return message


def check_presence(world: World, chat: Chat) -> None:
    """Refuse where the bot is blocked, thrown out or was never let in."""
    if chat.partner is not None and chat.partner.is_deactivated:
        raise forbidden("user is deactivated")
    status = chat.status_of(world.bot)
    if status.is_in:
        return
    if chat.is_private:
        raise forbidden("bot was blocked by the user")
    if status is Status.KICKED:
        raise forbidden(f"bot was kicked from the {chat.kind} chat")
    raise forbidden(f"bot is not a member of the {chat.kind} chat")


def check_topic_is_open(world: World, chat: Chat, thread_id: int | None) -> None:
    """Refuse to write in a topic that was closed, but for administrators."""
    topic = world.topic_of(chat, thread_id)
    if topic is not None and topic.is_closed and not chat.status_of(world.bot).is_admin:
        raise bad_request("TOPIC_CLOSED")


def _named_chat(world: World, named: str, name: str) -> Chat:
    if not named:
        raise bad_request(f"{name} is empty")
    if named.startswith("@"):
        found = [chat for chat in world.chats.values() if chat.username == named[1:]]
        if found:
            return found[0]
        raise bad_request(CHAT_NOT_FOUND)
    try:
        chat_id = int(named)
    except ValueError:
        raise bad_request(CHAT_NOT_FOUND) from None
    chat = world.chats.get(chat_id)
    if chat is not None and (chat.is_known or not chat.is_private):
        return chat
    raise _stranger(world, chat_id)


def _stranger(world: World, chat_id: int) -> RefusalError:
    person = world.people.get(chat_id)
    if person is not None and person.is_bot:
        return forbidden("bot can't send messages to bots")
    rooms = [chat for chat in world.chats.values() if not chat.is_private]
    if person is not None and any(chat.status_of(person).is_in for chat in rooms):
        return forbidden("bot can't initiate conversation with a user")
    return bad_request(CHAT_NOT_FOUND)


def _find_thread(world: World, chat: Chat, thread_id: int) -> int | None:
    if not thread_id:
        return None
    if not chat.is_forum or thread_id == _GENERAL or world.topic_of(chat, thread_id) is None:
        raise bad_request("message thread not found")
    check_topic_is_open(world, chat, thread_id)
    return thread_id


def _find_reply(chat: Chat, parameters: Parameters) -> Message | None:
    reply = parameters.structure("reply_parameters", "reply parameters") or {}
    if not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")
    message_id = int(reply.get("message_id", 0)) or parameters.integer("reply_to_message_id")
    if not message_id:
        return None
    message = chat.messages.get(message_id)
    if message is not None and not message.is_deleted:
        return message
    is_optional = reply.get("allow_sending_without_reply")
    if is_optional or parameters.flag("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")
