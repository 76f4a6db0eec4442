"""The table of methods, and the parameters each of them reads."""

from collections.abc import Callable
from typing import Any, Final

from tests.fakes.bot_api import chat_queries, editing, sending
from tests.fakes.bot_api.parameters import Parameters
from tests.fakes.bot_api.refusals import RefusalError, bad_request
from tests.fakes.bot_api.world import World

Method = Callable[[World, Parameters], object]


def get_updates(
    world: World, parameters: Parameters, is_caller_there: Callable[[], bool]
) -> list[dict[str, Any]]:
    """Answer what has happened, waiting for it if need be."""
    allowed = parameters.structure("allowed_updates", "allowed updates")
    if allowed is not None and not isinstance(allowed, list):
        raise bad_request("expected an Array of allowed updates")
    found = world.updates.poll(
        offset=parameters.integer("offset"),
        limit=parameters.integer("limit", 100),
        timeout_s=parameters.integer("timeout"),
        allowed=allowed,
        is_caller_there=is_caller_there,
    )
    return [update.to_json() for update in found]


def set_webhook(world: World, parameters: Parameters) -> object:
    """Have updates sent somewhere, which the fake does not do; it only remembers."""
    url = parameters.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    world.updates.set_webhook(url, drop_pending=parameters.flag("drop_pending_updates"))
    return True


def delete_webhook(world: World, parameters: Parameters) -> object:
    """Take the webhook away, so that polling works."""
    world.updates.set_webhook("", drop_pending=parameters.flag("drop_pending_updates"))
    return True


def get_webhook_info(world: World, _parameters: Parameters) -> object:
    """Tell whether there is a webhook."""
    return {
        "url": world.updates.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }


METHODS: Final[dict[str, Method]] = {
    "answerCallbackQuery": editing.answer_callback_query,
    "copyMessage": sending.copy_message,
    "deleteMessage": editing.delete_message,
    "deleteMessages": editing.delete_messages,
    "deleteMyCommands": chat_queries.delete_my_commands,
    "deleteWebhook": delete_webhook,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageMedia": editing.edit_message_media,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "editMessageText": editing.edit_message_text,
    "forwardMessage": sending.forward_message,
    "getChat": chat_queries.get_chat,
    "getChatAdministrators": chat_queries.get_chat_administrators,
    "getChatMember": chat_queries.get_chat_member,
    "getChatMemberCount": chat_queries.get_chat_member_count,
    "getFile": chat_queries.get_file,
    "getMe": chat_queries.get_me,
    "getMyCommands": chat_queries.get_my_commands,
    "getWebhookInfo": get_webhook_info,
    "leaveChat": chat_queries.leave_chat,
    "pinChatMessage": editing.pin_chat_message,
    "sendChatAction": sending.send_chat_action,
    "sendDocument": sending.send_document,
    "sendMessage": sending.send_message,
    "sendPhoto": sending.send_photo,
    "setMyCommands": chat_queries.set_my_commands,
    "setWebhook": set_webhook,
    "unpinAllChatMessages": editing.unpin_all_chat_messages,
    "unpinChatMessage": editing.unpin_chat_message,
}
GET_UPDATES: Final = "getUpdates"
_NAMES: Final = {name.lower(): name for name in (*METHODS, GET_UPDATES)}


def method_name(written: str) -> str:
    """Return a method's name as documented; the API does not care for capitals."""
    return _NAMES.get(written.lower(), written)


def call(
    world: World, name: str, parameters: Parameters, is_caller_there: Callable[[], bool]
) -> object:
    """Do what a method does, or raise what the API refuses it with."""
    if name == GET_UPDATES:
        return get_updates(world, parameters, is_caller_there)
    method = METHODS.get(name)
    if method is None:
        raise RefusalError(404, "Not Found: method not found")
    with world.changed:
        return method(world, parameters)
