"""The methods that ask about the bot, chats, members and files, and the menu of commands."""

import re
from typing import Any, Final

from tests.fakes.bot_api.addressing import find_chat, find_own_chat
from tests.fakes.bot_api.chats import Chat, Person, Status
from tests.fakes.bot_api.parameters import Parameters
from tests.fakes.bot_api.refusals import bad_request
from tests.fakes.bot_api.world import World, member_json

_COMMANDS_MAX: Final = 100
_DOWNLOAD_BYTES_MAX: Final = 20 * 1024 * 1024
_PLAIN_SCOPES: Final = (
    *("default", "all_private_chats", "all_group_chats", "all_chat_administrators"),
)
_GIFTS: Final = (
    *("unlimited_gifts", "limited_gifts", "unique_gifts"),
    *("premium_subscription", "gifts_from_channels"),
)


def get_me(world: World, _parameters: Parameters) -> object:
    """Tell who the bot is."""
    return world.bot.to_json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not world.is_privacy_on,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_chat(world: World, parameters: Parameters) -> object:
    """Tell everything about a chat."""
    chat = find_chat(world, parameters)
    if not chat.is_private and not chat.status_of(world.bot).is_in:
        find_own_chat(world, parameters)
    full: dict[str, Any] = chat.to_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFTS, False),
    }
    if chat.pinned:
        full["pinned_message"] = chat.pinned[-1].to_json()
    return full


def get_chat_member(world: World, parameters: Parameters) -> object:
    """Tell somebody's place in a chat."""
    chat = find_own_chat(world, parameters)
    user_id = parameters.integer("user_id")
    if not user_id:
        raise bad_request("invalid user_id specified")
    person = world.people.get(user_id)
    if person is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member_json(person, chat.status_of(person))


def get_chat_administrators(world: World, parameters: Parameters) -> object:
    """List who has rights in a group."""
    chat = find_own_chat(world, parameters)
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    return [
        member_json(chat.people[user_id], status)
        for user_id, status in chat.members.items()
        if status.is_admin
    ]


def get_chat_member_count(world: World, parameters: Parameters) -> object:
    """Count who is in a chat."""
    return sum(status.is_in for status in find_own_chat(world, parameters).members.values())


def leave_chat(world: World, parameters: Parameters) -> object:
    """Take the bot out of a group."""
    chat = find_own_chat(world, parameters)
    if chat.is_private:
        raise bad_request("chat member status can't be changed in private chats")
    before = chat.put(world.bot, Status.LEFT)
    world.tell_membership(chat, world.bot, world.bot, before)
    world.changed.notify_all()
    return True


def get_file(world: World, parameters: Parameters) -> object:
    """Tell where a file can be downloaded."""
    file = world.files.get(parameters.text("file_id"))
    if file is None:
        raise bad_request("invalid file_id")
    if len(file.content) > _DOWNLOAD_BYTES_MAX:
        raise bad_request("file is too big")
    return file.to_json() | {"file_path": file.path}


def set_my_commands(world: World, parameters: Parameters) -> object:
    """Set the menu of commands for a scope and a language."""
    commands = parameters.structure("commands", "commands")
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > _COMMANDS_MAX:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    world.menus[_menu_key(world, parameters)] = [_command(each) for each in commands]
    return True


def get_my_commands(world: World, parameters: Parameters) -> object:
    """Return exactly the menu of a scope and a language."""
    return world.menus.get(_menu_key(world, parameters), [])


def delete_my_commands(world: World, parameters: Parameters) -> object:
    """Take the menu of a scope and a language away."""
    world.menus.pop(_menu_key(world, parameters), None)
    return True


def menu_of(world: World, chat: Chat, person: Person) -> list[dict[str, str]]:
    """Return the menu that somebody sees in a chat: the narrowest scope that has one."""
    scopes = [f"chat:{chat.id}", "all_private_chats"]
    if not chat.is_private:
        is_admin = chat.status_of(person).is_admin
        scopes = [f"chat_member:{chat.id}:{person.id}"]
        scopes += [f"chat_administrators:{chat.id}"] if is_admin else []
        scopes += [f"chat:{chat.id}"]
        scopes += ["all_chat_administrators"] if is_admin else []
        scopes += ["all_group_chats"]
    for scope in (*scopes, "default"):
        for language in (person.language_code, ""):
            if menu := world.menus.get((scope, language)):
                return menu
    return []


def _menu_key(world: World, parameters: Parameters) -> tuple[str, str]:
    language = parameters.text("language_code")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    scope = parameters.structure("scope", "BotCommandScope")
    if scope is None:
        return "default", language
    if not isinstance(scope, dict) or "type" not in scope:
        raise bad_request("BotCommandScope must have a type")
    kind = str(scope["type"])
    if kind in _PLAIN_SCOPES:
        return kind, language
    if kind not in ("chat", "chat_administrators", "chat_member"):
        raise bad_request("unsupported type specified")
    chat = find_own_chat(world, Parameters({"chat_id": str(scope.get("chat_id", ""))}, {}))
    if kind != "chat" and chat.is_private:
        raise bad_request("can't change commands in a private chat by member")
    key = f"{kind}:{chat.id}"
    if kind != "chat_member":
        return key, language
    user_id = int(scope.get("user_id", 0))
    if user_id not in world.people:
        raise bad_request("user not found")
    return f"{key}:{user_id}", language


def _command(command: object) -> dict[str, str]:
    if not isinstance(command, dict):
        raise bad_request("expected an Object as BotCommand")
    name, what = str(command.get("command", "")), str(command.get("description", "")).strip()
    if not re.fullmatch("/?[a-z0-9_]{1,32}", name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(what) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name.removeprefix("/"), "description": what}
