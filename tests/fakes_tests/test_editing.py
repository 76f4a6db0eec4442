"""Edits, deletions, pins, answers to presses, the menu: what is done and what is refused."""

from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG, Answer, RawCaller

YES_NO = {
    "inline_keyboard": [
        [{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]
    ]
}


def _refused(api: FakeBotApi, answer: Answer) -> str:
    assert answer.status == 400, answer.body
    assert [record.status for record in api.refused] == [400]
    api.recorder.records.clear()
    return answer.description.removeprefix("Bad Request: ")


def _send(caller: RawCaller, phone: Phone, text: str, **more: Any) -> Message:
    sent = caller.call("sendMessage", chat_id=phone.chat.id, text=text, **more).result
    return phone.chat.messages[sent["message_id"]]


def _at(message: Message) -> dict[str, int]:
    return {"chat_id": message.chat.id, "message_id": message.message_id}


def test_an_edit_replaces_text_and_keyboard_in_place(caller: RawCaller, ann: Phone) -> None:
    message = _send(caller, ann, "Buy?", reply_markup=YES_NO)
    later = _send(caller, ann, "later")
    edited = caller.call("editMessageText", **_at(message), text="bought").result
    assert edited["edit_date"] >= edited["date"]
    assert ann.messages == [message, later]
    assert (message.text, message.buttons) == ("bought", [])
    assert message.texts == ["Buy?", "bought"]
    assert ann.sounds == [message, later], "an edit makes no sound"


@pytest.mark.parametrize("text", ["Buy?", "  Buy? \n", "<i></i>Buy&#63;"])
def test_an_edit_that_changes_nothing_is_refused(
    api: FakeBotApi, caller: RawCaller, ann: Phone, text: str
) -> None:
    message = _send(caller, ann, "Buy?", reply_markup=YES_NO)
    same = {**_at(message), "text": text, "parse_mode": "HTML", "reply_markup": YES_NO}
    assert _refused(api, caller.call("editMessageText", **same)) == (
        "message is not modified: specified new message content and reply markup are exactly "
        "the same as a current content and reply markup of the message"
    )
    assert caller.call("editMessageText", **{**same, "text": "<b>Buy?</b>"}).result
    answer = caller.call("editMessageReplyMarkup", **_at(message), reply_markup=YES_NO)
    assert _refused(api, answer).startswith("message is not modified")


def test_only_what_stands_and_is_the_bots_own_can_be_edited(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    theirs = ann.say("mine")
    keyboard = {"keyboard": [[{"text": "x"}]]}
    with_keyboard = _send(caller, ann, "x", reply_markup=keyboard)
    gone = _send(caller, ann, "gone")
    ann.delete(gone)
    for message, words in (
        (theirs, "message can't be edited"),
        (with_keyboard, "message can't be edited"),
        (gone, "message to edit not found"),
    ):
        answer = caller.call("editMessageText", **_at(message), text="other")
        assert _refused(api, answer) == words
    no_number = caller.call("editMessageText", chat_id=ann.chat.id, text="other")
    assert _refused(api, no_number) == "message identifier is not specified"


def test_an_edit_is_as_strict_as_a_new_message(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    message = _send(caller, ann, "x")
    for changes, words in (
        ({"text": ""}, "message text is empty"),
        ({"text": "y" * 4097}, "MESSAGE_TOO_LONG"),
        ({"text": "<u>y", "parse_mode": "HTML"}, "can't parse entities"),
    ):
        answer = caller.call("editMessageText", **_at(message), **changes)
        assert _refused(api, answer).startswith(words)
    assert message.texts == ["x"]


def test_pictures_are_edited_by_caption_and_media(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    sent = caller.multipart("sendPhoto", {"photo": ("a.png", PNG)}, chat_id=ann.chat.id).result
    message = ann.chat.messages[sent["message_id"]]
    text = _send(caller, ann, "x")
    answer = caller.call("editMessageText", **_at(message), text="y")
    assert _refused(api, answer) == "there is no text in the message to edit"
    answer = caller.call("editMessageCaption", **_at(text), caption="y")
    assert _refused(api, answer) == "there is no caption in the message to edit"
    assert caller.call("editMessageCaption", **_at(message), caption="now").result
    other = PNG.replace(b"\0\0\0\x03", b"\0\0\0\x04")
    media = '{"type": "photo", "media": "attach://new", "caption": "later"}'
    files = {"new": ("b.png", other)}
    assert caller.multipart("editMessageMedia", files, **_at(message), media=media).result
    assert (message.photo, message.texts) == (other, ["", "now", "later"])


def test_messages_can_be_deleted_once_and_not_after_two_days() -> None:
    clock = ManualClock(wall=1_800_000_000.0)
    with FakeBotApi(clock=clock) as api, RawCaller(api) as caller:
        ann = api.phone(api.person("Ann"), has_met_bot=True)
        first, second = _send(caller, ann, "one"), _send(caller, ann, "two")
        theirs = ann.say("mine")
        assert caller.call("deleteMessage", **_at(first)).result is True
        answer = caller.call("deleteMessage", **_at(first))
        assert _refused(api, answer) == "message to delete not found"
        assert caller.call("deleteMessage", **_at(theirs)).result is True
        assert ann.messages == [second]
        clock.advance(49 * 3600)
        answer = caller.call("deleteMessage", **_at(second))
        assert _refused(api, answer) == "message can't be deleted for everyone"


def test_in_a_group_only_administrators_delete_what_others_wrote(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [ann.person])
    said = [api.phone(ann.person, group).say(text) for text in ("/one", "/two")]
    answer = caller.call("deleteMessage", **_at(said[0]))
    assert _refused(api, answer) == "message can't be deleted"
    api.rooms.promote(group, api.bot)
    numbers = [message.message_id for message in said]
    assert caller.call("deleteMessages", chat_id=group.id, message_ids=[*numbers, 999]).result
    assert api.phone(ann.person, group).messages == []


def test_a_pin_leaves_a_line_that_the_bot_hears_of_and_may_delete(
    caller: RawCaller, ann: Phone
) -> None:
    message = _send(caller, ann, "status")
    for _ in range(2):
        assert caller.call("pinChatMessage", **_at(message), disable_notification=True).result
    assert ann.pinned == [message]
    (update,) = caller.call("getUpdates").result
    assert update["message"]["pinned_message"]["message_id"] == message.message_id
    line = ann.messages[-1]
    assert caller.call("deleteMessage", **_at(line)).result
    assert ann.messages == [message]
    chat = caller.call("getChat", chat_id=ann.chat.id).result
    assert chat["pinned_message"]["text"] == "status"
    assert caller.call("unpinChatMessage", chat_id=ann.chat.id).result
    assert ann.pinned == []


def test_pins_need_rights_in_a_group_and_a_message_that_stands(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [ann.person])
    message = _send(caller, api.phone(ann.person, group), "status")
    assert "not enough rights" in _refused(api, caller.call("pinChatMessage", **_at(message)))
    api.rooms.promote(group, api.bot)
    assert caller.call("pinChatMessage", **_at(message)).result
    caller.call("deleteMessage", **_at(message))
    assert group.pinned == []
    assert _refused(api, caller.call("pinChatMessage", **_at(message))) == (
        "message to pin not found"
    )
    answer = caller.call("unpinChatMessage", chat_id=group.id)
    assert _refused(api, answer) == "message to unpin not found"


def test_a_press_is_answered_once_and_soon() -> None:
    clock = ManualClock(wall=1_800_000_000.0)
    with FakeBotApi(clock=clock) as api, RawCaller(api) as caller:
        ann = api.phone(api.person("Ann"), has_met_bot=True)
        _send(caller, ann, "Buy?", reply_markup=YES_NO)
        tap, late = ann.press("Yes", times=2)
        answer = {"callback_query_id": tap.id, "text": "bought", "show_alert": True}
        long = caller.call("answerCallbackQuery", **{**answer, "text": "x" * 201})
        assert _refused(api, long) == "MESSAGE_TOO_LONG"
        assert caller.call("answerCallbackQuery", **answer).result is True
        assert (ann.wait_answer(tap), tap.is_alert) == ("bought", True)
        words = "query is too old and response timeout expired or query ID is invalid"
        assert _refused(api, caller.call("answerCallbackQuery", **answer)) == words
        clock.advance(16)
        answer = {"callback_query_id": late.id}
        assert _refused(api, caller.call("answerCallbackQuery", **answer)) == words
        assert late.answer is None


def test_the_menu_is_kept_by_scope_and_language_and_shown_by_the_narrowest(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [ann.person, api.person("Bob", 500, language_code="de")])
    bob = api.phone(api.world.people[500], group)

    def put(name: str, scope: dict[str, object] | None = None, language: str = "") -> None:
        commands = [{"command": name, "description": "does it"}]
        more = {"language_code": language} if language else {}
        assert caller.call("setMyCommands", commands=commands, scope=scope, **more).result

    put("start")
    put("los", None, "de")
    assert (ann.menu, bob.menu) == (["start"], ["los"])
    put("status", {"type": "all_group_chats"})
    put("buy", {"type": "chat", "chat_id": ann.chat.id})
    put("admin", {"type": "all_chat_administrators"})
    assert (ann.menu, bob.menu) == (["buy"], ["status"])
    assert api.phone(ann.person, group).menu == ["admin"]
    put("only_bob", {"type": "chat_member", "chat_id": group.id, "user_id": 500})
    assert bob.menu == ["only_bob"]
    scope = {"type": "chat", "chat_id": ann.chat.id}
    assert caller.call("getMyCommands", scope=scope).result == [
        {"command": "buy", "description": "does it"}
    ]
    assert caller.call("deleteMyCommands", scope=scope).result is True
    assert ann.menu == ["start"]


def test_a_wrong_menu_is_refused(api: FakeBotApi, caller: RawCaller) -> None:
    good = {"command": "buy", "description": "buys"}
    for commands, scope, words in (
        ([{**good, "command": "Buy!"}], None, "BOT_COMMAND_INVALID"),
        ([{**good, "description": ""}], None, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([good] * 101, None, "BOT_COMMANDS_TOO_MUCH"),
        ("nonsense", None, "can't parse commands JSON object"),
        ([good], {"type": "chat", "chat_id": 5}, "chat not found"),
        ([good], {"type": "everywhere"}, "unsupported type specified"),
    ):
        answer = caller.call("setMyCommands", commands=commands, scope=scope)
        assert _refused(api, answer) == words


def test_chats_and_members_are_told_as_they_are(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [ann.person])
    bob = api.person("Bob")
    who = {"chat_id": group.id, "user_id": ann.person.id}
    assert caller.call("getChatMember", **who).result["status"] == "creator"
    assert caller.call("getChatMember", **{**who, "user_id": bob.id}).result["status"] == "left"
    answer = caller.call("getChatMember", **{**who, "user_id": 5})
    assert _refused(api, answer) == "PARTICIPANT_ID_INVALID"
    assert caller.call("getChatMemberCount", chat_id=group.id).result == 2
    assert len(caller.call("getChatAdministrators", chat_id=group.id).result) == 1
    assert caller.call("leaveChat", chat_id=group.id).result is True
    assert caller.call("getChat", chat_id=group.id).status == 403
    api.recorder.records.clear()
