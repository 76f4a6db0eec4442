"""What a bot may put into a chat, and what it is refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes.bot_api.chats import Status
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG, Answer, RawCaller


def _refused(api: FakeBotApi, answer: Answer, status: int = 400) -> str:
    """Return the words of a refusal, which the test expects."""
    assert answer.status == status, answer.body
    refused = api.refused
    assert [record.status for record in refused] == [status]
    api.recorder.records.clear()
    return answer.description.split(": ", 1)[1]


def _buttons(*data: str) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": each or "x", "callback_data": each}] for each in data]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "text must be non-empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "text must be non-empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"parse_mode": "Gibberish"}, "unsupported parse_mode"),
        (
            {"text": "<b>x", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        ({"chat_id": ""}, "chat_id is empty"),
        ({"chat_id": 5}, "chat not found"),
        ({"chat_id": "@nobody_there"}, "chat not found"),
        ({"chat_id": "Ann"}, "chat not found"),
        ({"message_thread_id": 7}, "message thread not found"),
        ({"reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"reply_markup": "[]"}, "object expected as reply markup"),
        ({"reply_markup": _buttons("x" * 65)}, "BUTTON_DATA_INVALID"),
        ({"reply_markup": _buttons("é" * 33)}, "BUTTON_DATA_INVALID"),
        ({"reply_markup": _buttons("")}, "BUTTON_DATA_INVALID"),
        ({"reply_markup": _buttons(*["x"] * 101)}, "reply markup is too long"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "x"}]]}},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": " ", "callback_data": "x"}]]}},
            "text buttons are unallowed in the inline keyboard",
        ),
        (
            {"reply_markup": {"inline_keyboard": {}}},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array',
        ),
        ({"entities": [{"type": "bold", "offset": 0, "length": 99}]}, "entity beginning at"),
    ],
)
def test_a_wrong_message_is_refused_in_the_words_of_the_api(
    api: FakeBotApi, caller: RawCaller, ann: Phone, changes: dict[str, object], words: str
) -> None:
    parameters = {"chat_id": ann.chat.id, "text": "hello", **changes}
    assert _refused(api, caller.call("sendMessage", **parameters)).startswith(words)
    assert ann.messages == []


def test_callers_at_once_get_each_their_message_and_number(api: FakeBotApi, ann: Phone) -> None:
    def send(number: int) -> list[int]:
        with RawCaller(api) as own:
            answers = [
                own.call("sendMessage", chat_id=ann.chat.id, text=f"{number} {count}")
                for count in range(10)
            ]
        return [answer.result["message_id"] for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(send, range(8)))
    assert all(own == sorted(own) for own in numbers)
    assert sorted(number for own in numbers for number in own) == list(range(1, 81))
    assert len(set(ann.texts)) == 80


def test_the_longest_text_counts_what_is_shown(caller: RawCaller, ann: Phone) -> None:
    text = f"<b>{'&lt;' * 4096}</b>"
    assert caller.call("sendMessage", chat_id=ann.chat.id, text=text, parse_mode="HTML").result
    assert ann.texts == ["<" * 4096]


def test_a_message_shows_text_entities_buttons_and_silence(caller: RawCaller, ann: Phone) -> None:
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}], []]}
    sent = caller.call(
        "sendMessage",
        chat_id=ann.chat.id,
        text="  <pre>a | b</pre> /help \n",
        parse_mode="HTML",
        reply_markup=markup,
        disable_notification=True,
        protect_content=True,
    ).result
    assert sent["text"] == "a | b /help"
    assert sent["from"]["username"] == "desk_bot"
    assert sent["has_protected_content"] is True
    assert sent["reply_markup"] == {"inline_keyboard": markup["inline_keyboard"][:1]}
    assert ann.last.marked("pre") == ["a | b"]
    assert ann.last.marked("bot_command") == ["/help"]
    assert ann.last.button_texts == ["Yes"]
    assert ann.sounds == []


def test_nobody_is_written_to_who_never_wrote_first(api: FakeBotApi, caller: RawCaller) -> None:
    stranger, member = api.phone(api.person("Eve")), api.person("Bob")
    api.rooms.group("Desk", [member])
    assert "chat not found" in _refused(
        api, caller.call("sendMessage", chat_id=stranger.chat.id, text="x")
    )
    api.phone(member)
    answer = caller.call("sendMessage", chat_id=member.id, text="x")
    assert "can't initiate conversation" in _refused(api, answer, 403)
    stranger.say("/start")
    assert caller.call("sendMessage", chat_id=stranger.chat.id, text="x").result


def test_a_bot_that_is_blocked_or_thrown_out_is_told_403(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.group("Desk", [ann.person])
    supergroup = api.rooms.supergroup("Desk", [ann.person])
    foreign = api.rooms.supergroup("Elsewhere", [ann.person], is_bot_in=False)
    ann.block()
    api.rooms.leave(group, api.bot, is_kicked=True)
    api.rooms.leave(supergroup, api.bot, is_kicked=True)
    for chat, words in (
        (ann.chat, "bot was blocked by the user"),
        (group, "bot was kicked from the group chat"),
        (supergroup, "bot was kicked from the supergroup chat"),
        (foreign, "bot is not a member of the supergroup chat"),
    ):
        for method in ("sendMessage", "sendChatAction"):
            answer = caller.call(method, chat_id=chat.id, text="x", action="typing")
            assert _refused(api, answer, 403) == words
    ann.unblock()
    assert caller.call("sendMessage", chat_id=ann.chat.id, text="x").result
    ann.deactivate()
    answer = caller.call("sendMessage", chat_id=ann.chat.id, text="x")
    assert _refused(api, answer, 403) == "user is deactivated"


def test_a_group_that_became_a_supergroup_tells_its_new_id(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.group("Desk", [ann.person])
    new = api.rooms.migrate(group)
    answer = caller.call("sendMessage", chat_id=group.id, text="x")
    assert answer.body["parameters"] == {"migrate_to_chat_id": new.id}
    assert "upgraded to a supergroup" in _refused(api, answer)
    assert caller.call("sendMessage", chat_id=new.id, text="x").result["chat"]["id"] == new.id
    told = [update["message"] for update in caller.call("getUpdates").result]
    assert told[0]["migrate_to_chat_id"] == new.id
    assert told[1]["migrate_from_chat_id"] == group.id


def test_photos_are_pictures_of_a_sane_size(api: FakeBotApi, caller: RawCaller, ann: Phone) -> None:
    def send(content: bytes, caption: str = "") -> Answer:
        files = {"photo": ("chart.png", content)}
        return caller.multipart("sendPhoto", files, chat_id=ann.chat.id, caption=caption)

    flat = PNG.replace(b"\0\0\0\x03\0\0\0\x02", b"\0\0\1\0\0\0\0\x02")
    assert _refused(api, send(b"")) == "file must be non-empty"
    assert _refused(api, send(b"no picture")) == "IMAGE_PROCESS_FAILED"
    assert _refused(api, send(PNG[:30])) == "IMAGE_PROCESS_FAILED"
    assert _refused(api, send(flat)) == "PHOTO_INVALID_DIMENSIONS"
    assert _refused(api, send(PNG + b"\0" * (10 * 1024 * 1024))) == "too Big for a photo"
    assert _refused(api, send(PNG, "x" * 1025)) == "message caption is too long"
    assert _refused(api, caller.call("sendPhoto", chat_id=ann.chat.id)) == (
        "there is no photo in the request"
    )
    file_id = send(PNG, "x" * 1024).result["photo"][0]["file_id"]
    caller.call("sendPhoto", chat_id=ann.chat.id, photo=file_id)
    assert [message.photo for message in ann.bot_messages] == [PNG, PNG]


def test_a_topic_holds_what_is_sent_to_it(api: FakeBotApi, caller: RawCaller, ann: Phone) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades", "Alerts"])
    trades, alerts = forum.topics.values()
    in_trades = api.phone(ann.person, forum, thread=trades.thread_id)
    sent = caller.call(
        "sendMessage", chat_id=forum.id, text="bought", message_thread_id=trades.thread_id
    ).result
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (trades.thread_id, True)
    asked = in_trades.say("/why")
    reply = {"message_id": asked.message_id}
    caller.call("sendMessage", chat_id=forum.id, text="because", reply_parameters=reply)
    caller.call("sendMessage", chat_id=forum.id, text="to all")
    assert in_trades.texts == ["bought", "because"]
    assert api.phone(ann.person, forum, thread=alerts.thread_id).texts == []
    assert api.phone(ann.person, forum).texts == ["bought", "because", "to all"]
    api.rooms.close_topic(trades)
    to_trades = {"chat_id": forum.id, "text": "x", "message_thread_id": trades.thread_id}
    assert _refused(api, caller.call("sendMessage", **to_trades)) == "TOPIC_CLOSED"
    api.rooms.promote(forum, api.bot)
    assert caller.call("sendMessage", **to_trades).result
    api.rooms.delete_topic(forum, trades)
    assert _refused(api, caller.call("sendMessage", **to_trades)) == "message thread not found"
    assert in_trades.messages == []


def test_actions_are_seen_where_they_were_sent(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    assert caller.call("sendChatAction", chat_id=ann.chat.id, action="upload_photo").result
    assert ann.actions == ["upload_photo"]
    answer = caller.call("sendChatAction", chat_id=ann.chat.id, action="dancing")
    assert _refused(api, answer) == "wrong parameter action in request"


def test_the_bot_forwards_and_copies(api: FakeBotApi, caller: RawCaller, ann: Phone) -> None:
    group = api.rooms.group("Desk", [ann.person])
    said = ann.say("look")
    where = {"chat_id": group.id, "from_chat_id": ann.chat.id, "message_id": said.message_id}
    forwarded = caller.call("forwardMessage", **where).result
    assert forwarded["forward_origin"]["sender_user"]["id"] == ann.person.id
    assert set(caller.call("copyMessage", **where).result) == {"message_id"}
    assert api.phone(ann.person, group).texts == ["look", "look"]
    gone = caller.call("copyMessage", **{**where, "message_id": 999})
    assert _refused(api, gone) == "message to copy not found"


def test_a_channel_takes_posts_of_administrators_only(api: FakeBotApi, caller: RawCaller) -> None:
    channel = api.rooms.channel("News")
    sent = caller.call("sendMessage", chat_id=channel.id, text="hello").result
    assert ("from" in sent, sent["sender_chat"]["id"]) == (False, channel.id)
    channel.put(api.bot, Status.MEMBER)
    answer = caller.call("sendMessage", chat_id=channel.id, text="hello")
    assert _refused(api, answer) == "need administrator rights in the channel chat"
