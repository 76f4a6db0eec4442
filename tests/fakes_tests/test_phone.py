"""What people do on their phones, and what the bot hears of it."""

from typing import Any

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG, RawCaller


def _heard(caller: RawCaller) -> list[dict[str, Any]]:
    """Take everything that the bot has not heard yet."""
    updates = caller.call("getUpdates").result
    if updates:
        caller.call("getUpdates", offset=updates[-1]["update_id"] + 1)
    return list(updates)


def _ask(caller: RawCaller, chat_id: int) -> None:
    row = [{"text": "Yes ✓", "callback_data": "y"}, {"text": "Docs", "url": "https://x.y"}]
    markup = {"inline_keyboard": [row]}
    caller.call("sendMessage", chat_id=chat_id, text="Sure?", reply_markup=markup)


def test_what_is_said_arrives_with_who_and_where_and_the_command_in_it(
    api: FakeBotApi, caller: RawCaller
) -> None:
    person = api.person("Ann", 42, last_name="Lee", username="annlee", language_code="de")
    api.phone(person).say("/buy BTC/USDT 0.01")
    (update,) = _heard(caller)
    message = update["message"]
    assert message["from"] == {
        "id": 42,
        "is_bot": False,
        "first_name": "Ann",
        "last_name": "Lee",
        "username": "annlee",
        "language_code": "de",
    }
    assert (message["chat"]["id"], message["chat"]["type"]) == (42, "private")
    assert message["entities"][0] == {"type": "bot_command", "offset": 0, "length": 4}


def test_buttons_are_pressed_by_text_and_double_taps_are_two_queries(
    caller: RawCaller, ann: Phone
) -> None:
    _ask(caller, ann.chat.id)
    ann.press("Yes", times=2)
    first, second = (update["callback_query"] for update in _heard(caller))
    assert first["id"] != second["id"]
    assert (first["data"], first["message"]["text"]) == ("y", "Sure?")
    assert first["message"]["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "y"
    with pytest.raises(AssertionError, match="no button 'Maybe'"):
        ann.press("Maybe")
    with pytest.raises(AssertionError, match=r"opens https://x\.y"):
        ann.press("Docs")


def test_the_newest_message_with_the_button_is_the_one_that_is_pressed(
    caller: RawCaller, ann: Phone
) -> None:
    _ask(caller, ann.chat.id)
    _ask(caller, ann.chat.id)
    old, new = ann.bot_messages
    ann.press("Yes")
    ann.press("Yes", old)
    numbers = [each["callback_query"]["message"]["message_id"] for each in _heard(caller)]
    assert numbers == [new.message_id, old.message_id]


def test_a_press_of_a_button_that_is_gone_still_arrives(caller: RawCaller, ann: Phone) -> None:
    _ask(caller, ann.chat.id)
    message = ann.last
    caller.call("editMessageText", chat_id=ann.chat.id, message_id=message.message_id, text="done")
    ann.press_data(message, "y")
    ann.delete(message)
    ann.press_data(message, "y")
    edited, deleted = (each["callback_query"]["message"] for each in _heard(caller))
    assert ("reply_markup" in edited, edited["text"]) == (False, "done")
    assert (deleted["date"], "text" in deleted) == (0, False)


def test_another_person_presses_in_the_same_group(api: FakeBotApi, caller: RawCaller) -> None:
    ann, bob = api.person("Ann"), api.person("Bob")
    group = api.rooms.supergroup("Desk", [ann, bob])
    _ask(caller, group.id)
    api.phone(bob, group).press("Yes")
    assert _heard(caller)[0]["callback_query"]["from"]["first_name"] == "Bob"


def test_edits_forwards_replies_and_other_bots_are_marked_as_such(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    bob = api.phone(api.person("Bob"))
    said = bob.say("/sell all")
    bob.edit(said, "/buy all")
    ann.forward(said)
    ann.forward(api.rooms.post(api.rooms.channel("News"), "/buy BTC"))
    ann.say("/why", reply_to=said)
    ann.say("/buy", via_bot=api.bot)
    _said, edited, forwarded, _post, of_channel, reply, via = _heard(caller)
    assert edited["edited_message"]["text"] == "/buy all"
    assert forwarded["message"]["forward_origin"]["sender_user"]["first_name"] == "Bob"
    assert of_channel["message"]["forward_origin"]["chat"]["title"] == "News"
    assert reply["message"]["reply_to_message"]["text"] == "/buy all"
    assert via["message"]["via_bot"]["username"] == "desk_bot"


def test_anonymous_administrators_and_channels_speak_without_a_person(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [ann.person])
    channel = api.rooms.channel("News")
    api.phone(ann.person, group, is_anonymous=True).say("/stop")
    api.phone(ann.person, group).say("/stop", as_chat=channel)
    api.rooms.post(channel, "/stop")
    anonymous, as_channel, post = _heard(caller)
    assert anonymous["message"]["from"]["username"] == "GroupAnonymousBot"
    assert anonymous["message"]["sender_chat"]["id"] == group.id
    assert as_channel["message"]["from"]["username"] == "Channel_Bot"
    assert as_channel["message"]["sender_chat"]["id"] == channel.id
    assert "from" not in post["channel_post"]


def test_privacy_mode_hides_what_is_not_meant_for_the_bot(
    api: FakeBotApi, caller: RawCaller, ann: Phone
) -> None:
    group = api.rooms.supergroup("Desk", [ann.person])
    phone = api.phone(ann.person, group)
    _ask(caller, group.id)
    for text in ("hello", "/ping", "/ping@desk_bot", "/ping@other_bot", "hey @desk_bot"):
        phone.say(text)
    phone.say("yes", reply_to=phone.last)
    heard = [update["message"]["text"] for update in _heard(caller)]
    assert heard == ["/ping", "/ping@desk_bot", "hey @desk_bot", "yes"]
    api.rooms.promote(group, api.bot)
    phone.say("hello")
    assert [set(each) - {"update_id"} for each in _heard(caller)] == [
        {"my_chat_member"},
        {"message"},
    ]
    assert caller.call("getMe").result["can_read_all_group_messages"] is False
    api.world.is_privacy_on = False
    assert caller.call("getMe").result["can_read_all_group_messages"] is True


def test_a_topic_message_names_its_topic(api: FakeBotApi, caller: RawCaller, ann: Phone) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades"])
    (topic,) = forum.topics.values()
    api.phone(ann.person, forum, thread=topic.thread_id).say("/ping")
    api.phone(ann.person, forum).say("/ping")
    made, in_topic, in_general = (update["message"] for update in _heard(caller))
    assert made["forum_topic_created"]["name"] == "Trades"
    assert (in_topic["message_thread_id"], in_topic["is_topic_message"]) == (topic.thread_id, True)
    assert in_topic["chat"]["is_forum"] is True
    assert "message_thread_id" not in in_general


def test_coming_and_going_is_told(api: FakeBotApi, caller: RawCaller, ann: Phone) -> None:
    bob = api.person("Bob")
    group = api.rooms.supergroup("Desk", [ann.person], is_bot_in=False)
    ann.block()
    ann.unblock()
    api.rooms.join(group, api.bot)
    api.rooms.join(group, bob)
    api.rooms.leave(group, bob, is_kicked=True)
    blocked, unblocked, invited, line, came, left = _heard(caller)
    assert blocked["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    assert unblocked["my_chat_member"]["old_chat_member"]["status"] == "kicked"
    assert invited["my_chat_member"]["new_chat_member"]["status"] == "member"
    assert line["message"]["new_chat_members"][0]["username"] == "desk_bot"
    assert came["message"]["new_chat_members"][0]["first_name"] == "Bob"
    assert left["message"]["left_chat_member"]["first_name"] == "Bob"
    with pytest.raises(AssertionError, match="not in"):
        api.phone(bob, group).say("/ping")


def test_files_of_people_arrive_and_can_be_fetched(caller: RawCaller, ann: Phone) -> None:
    ann.send_document("trades.csv", b"a,b", "/import")
    ann.send_photo(PNG, "look")
    document, photo = (update["message"] for update in _heard(caller))
    assert (document["caption"], document["document"]["file_name"]) == ("/import", "trades.csv")
    assert document["caption_entities"][0]["type"] == "bot_command"
    assert photo["photo"][0]["width"] == 3
    assert caller.call("getFile", file_id=document["document"]["file_id"]).result["file_size"] == 3


def test_waiting_for_a_message_finds_the_newest_and_otherwise_says_what_stands(
    caller: RawCaller, ann: Phone
) -> None:
    _ask(caller, ann.chat.id)
    asked = ann.say("/ping")
    assert ann.wait_for("^Sure").text == "Sure?"
    with pytest.raises(
        AssertionError, match=r"not within 0\.05 s: a message 'Sure'\n(.*\n)*.*ping"
    ):
        ann.wait_for("Sure", after=asked, timeout_s=0.05)
    with pytest.raises(AssertionError, match="gone: #1 Desk: 'Sure"):
        ann.wait_gone(ann.last, timeout_s=0.05)
    with pytest.raises(AssertionError, match="an answer to the press of 'y'"):
        ann.wait_answer(ann.press("Yes")[0], timeout_s=0.05)
