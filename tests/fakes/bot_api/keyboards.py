"""Reply markup: what the API takes, and the buttons that a person sees."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.fakes.bot_api.refusals import bad_request

CALLBACK_DATA_BYTES_MAX: Final = 64
BUTTONS_MAX: Final = 100
ROW_BUTTONS_MAX: Final = 8  # apps show no more in a row; the fake refuses so that a test sees it
_OTHER_ACTIONS: Final = (
    *("url", "login_url", "switch_inline_query", "switch_inline_query_current_chat"),
    *("switch_inline_query_chosen_chat", "web_app", "callback_game", "pay", "copy_text"),
)
_KINDS: Final = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")

Markup = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Button:
    """One button under a message, as a person sees it."""

    text: str
    data: str | None
    url: str | None = None


def read_markup(value: object) -> Markup | None:
    """Return reply markup that the API takes, or raise what it answers."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise bad_request("can't parse reply keyboard markup JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in value:
        return _inline_keyboard(value["inline_keyboard"])
    if "keyboard" in value and not isinstance(value["keyboard"], list):
        raise bad_request('field "keyboard" of the ReplyKeyboardMarkup must be an Array')
    return value if any(kind in value for kind in _KINDS) else None


def buttons_of(markup: Markup | None) -> list[list[Button]]:
    """Return the rows of an inline keyboard."""
    rows = (markup or {}).get("inline_keyboard", [])
    return [
        [Button(each["text"], each.get("callback_data"), each.get("url")) for each in row]
        for row in rows
    ]


def _inline_keyboard(rows: object) -> Markup | None:
    if not isinstance(rows, list):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    clean: list[list[dict[str, Any]]] = []
    for row in rows:
        if not isinstance(row, list):
            raise bad_request(
                'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'
            )
        if len(row) > ROW_BUTTONS_MAX:
            raise bad_request(f"reply markup is too long: {len(row)} buttons in a row")
        if row:
            clean.append([_button(button) for button in row])
    if sum(map(len, clean)) > BUTTONS_MAX:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": clean} if clean else None


def _button(button: object) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise _unreadable("InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise _unreadable('Can\'t find field "text"')
    if not text.strip():
        raise bad_request("text buttons are unallowed in the inline keyboard")
    _check_action(button)
    return dict(button)


def _check_action(button: Mapping[str, Any]) -> None:
    data = button.get("callback_data")
    if data is not None:
        if not isinstance(data, str):
            raise _unreadable('Field "callback_data" must be of type String')
        if not 1 <= len(data.encode()) <= CALLBACK_DATA_BYTES_MAX:
            raise bad_request("BUTTON_DATA_INVALID")
        return
    actions = [name for name in _OTHER_ACTIONS if name in button]
    if not actions:
        raise _unreadable("Text buttons are unallowed in the inline keyboard")
    if actions == ["url"] and not re.match(r"(?:https?|tg)://\S+$", str(button["url"])):
        raise bad_request(
            f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
        )


def _unreadable(why: str) -> Exception:
    return bad_request(f"can't parse inline keyboard button: {why}")
