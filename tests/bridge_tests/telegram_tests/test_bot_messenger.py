"""The calls of the bot: what arrives on the phone, and what every trouble means."""

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.errors import refusal_trouble
from telegram.bridge.bot_api.state import Arrival
from telegram.bridge.chat import Button
from telegram.bridge.messenger import CommandName, MessengerError, Place, Trouble
from tests.bridge_tests.telegram_tests.bot_rig import Ask, ask, place_of, trouble_of
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes.bot_api.wire import json_answer
from tests.fakes_tests.raw_caller import PNG

BUTTONS = ((Button("Yes", "y"), Button("No", "n")),)
Prepare = Callable[[FakeBotApi, Phone], object]


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as running:
        yield running


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann"), has_met_bot=True)


def _hello(phone: Phone) -> Ask[int]:
    return lambda messenger: messenger.send_text(place_of(phone), "hello", html=False)


def test_a_text_arrives_as_it_is_written(api: FakeBotApi, ann: Phone) -> None:
    number = ask(api, lambda messenger: messenger.send_text(place_of(ann), "a <b> & c", html=False))
    assert ann.last.message_id == number
    assert ann.last.text == "a <b> & c"
    assert not ann.last.is_silent


def test_html_is_shown_as_html_without_a_preview_of_links(api: FakeBotApi, ann: Phone) -> None:
    text = "<b>bought</b> see https://example.org"
    ask(
        api,
        lambda messenger: messenger.send_text(place_of(ann), text, html=True, silent=True),
    )
    assert ann.last.marked("bold") == ["bought"]
    assert ann.last.is_silent
    (request,) = api.requests("sendMessage")
    assert "is_disabled" in str(request.parameters["link_preview_options"])


def test_buttons_come_back_as_presses_and_go_with_an_edit(api: FakeBotApi, ann: Phone) -> None:
    number = ask(
        api,
        lambda messenger: messenger.send_text(place_of(ann), "sure?", html=False, buttons=BUTTONS),
    )
    assert ann.last.button_texts == ["Yes", "No"]
    (tap,) = ann.press("Yes")

    async def answer(messenger: PtbMessenger) -> None:
        await messenger.answer_press(tap.id, "noted")
        await messenger.edit_text(place_of(ann), number, "done", html=False)

    ask(api, answer)
    assert tap.answer == "noted"
    assert (ann.last.text, ann.last.buttons) == ("done", [])


def test_pictures_and_files_arrive_with_their_words(api: FakeBotApi, ann: Phone) -> None:
    async def send(messenger: PtbMessenger) -> None:
        await messenger.send_photo(place_of(ann), PNG, "a <chart>")
        await messenger.send_document(place_of(ann), b"a,b", "trades.csv", "all", silent=True)

    ask(api, send)
    photo, document = ann.bot_messages
    assert (photo.photo, photo.texts) == (PNG, ["a <chart>"])
    assert (document.document, document.file_name) == (b"a,b", "trades.csv")
    assert document.is_silent


def test_a_topic_gets_what_is_meant_for_it(api: FakeBotApi, ann: Phone) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades", "Talk"])
    topic = api.phone(ann.person, forum, thread=next(iter(forum.topics)))

    async def send(messenger: PtbMessenger) -> None:
        await messenger.send_text(place_of(topic), "here", html=False)
        await messenger.send_photo(place_of(topic), PNG, "")
        await messenger.send_document(place_of(topic), b"x", "x.txt", "")

    ask(api, send)
    assert len(topic.bot_messages) == 3


def test_messages_are_pinned_without_a_sound_and_deleted(api: FakeBotApi, ann: Phone) -> None:
    async def work(messenger: PtbMessenger) -> None:
        number = await messenger.send_text(place_of(ann), "status", html=False, silent=True)
        await messenger.pin(place_of(ann), number)
        assert [each.message_id for each in ann.pinned] == [number]
        await messenger.delete(place_of(ann), number)

    ask(api, work)
    assert ann.texts == []
    assert ann.sounds == []


def test_a_menu_is_set_only_when_it_differs(api: FakeBotApi, ann: Phone) -> None:
    menu = [CommandName("stop", "stops trading")]

    async def work(messenger: PtbMessenger) -> None:
        for _ in range(2):
            await messenger.set_commands(menu, ann.person.id)
            await messenger.set_commands([CommandName("help", "tells")], None)

    ask(api, work)
    assert len(api.requests("setMyCommands")) == 2
    assert ann.menu == ["stop"]
    ask(api, lambda messenger: messenger.set_commands([], ann.person.id))
    assert ann.menu == ["help"]


def test_the_bot_knows_itself_and_leaves_groups(api: FakeBotApi, ann: Phone) -> None:
    group = api.rooms.group("Strangers", [ann.person])

    async def work(messenger: PtbMessenger) -> None:
        me = await messenger.who_am_i()
        assert (me.id, me.user_name, me.can_read_groups) == (api.bot.id, "desk_bot", False)
        await messenger.leave(group.id)

    ask(api, work)
    assert not group.status_of(api.bot).is_in


@pytest.mark.parametrize(
    ("prepare", "trouble"),
    [
        (lambda api, _ann: api.faults.server_error(), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.server_error(504), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.server_error(503), Trouble.DOWN),
        (lambda api, _ann: api.faults.bad_gateway(), Trouble.DOWN),
        (lambda api, _ann: api.faults.captive_portal(), Trouble.DOWN),
        (lambda api, _ann: api.faults.drop(acts=True), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.truncate(), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.odd_json(None), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.odd_json([]), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.odd_json({"ok": True}), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.odd_json({"ok": True, "result": None}), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.odd_json({"ok": True, "result": True}), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.odd_json({"ok": True, "result": {}}), Trouble.UNCLEAR),
        (lambda api, _ann: api.faults.unauthorized(), Trouble.TOKEN_REFUSED),
        (lambda api, _ann: api.faults.not_found(), Trouble.TOKEN_REFUSED),
        (lambda api, _ann: api.faults.conflict(), Trouble.CONFLICT),
        (lambda api, _ann: api.go_down(), Trouble.DOWN),
        (lambda _api, ann: ann.block(), Trouble.CHAT_GONE),
        (lambda _api, ann: ann.deactivate(), Trouble.CHAT_GONE),
        (lambda api, _ann: api.world.chats.clear(), Trouble.CHAT_GONE),
    ],
)
def test_each_trouble_has_its_meaning(
    api: FakeBotApi, ann: Phone, prepare: Prepare, trouble: Trouble
) -> None:
    api.expect_refusal("blocked|deactivated|chat not found")
    prepare(api, ann)
    assert trouble_of(api, _hello(ann)).trouble is trouble


@pytest.mark.parametrize(
    ("call", "trouble"),
    [
        (lambda m, place: m.send_text(place, "<b>half", html=True), Trouble.BAD_TEXT),
        (lambda m, place: m.send_text(place, "<odd>x</odd>", html=True), Trouble.BAD_TEXT),
        (lambda m, place: m.send_text(place, "x" * 4097, html=False), Trouble.TOO_LONG),
        (lambda m, place: m.send_photo(place, PNG, "x" * 1025), Trouble.TOO_LONG),
        (lambda m, place: m.edit_text(place, 1, "first", html=False), Trouble.NOT_MODIFIED),
        (lambda m, place: m.edit_text(place, 99, "x", html=False), Trouble.MESSAGE_GONE),
        (lambda m, place: m.delete(place, 99), Trouble.MESSAGE_GONE),
        (lambda m, place: m.pin(place, 99), Trouble.MESSAGE_GONE),
        (
            lambda m, place: m.send_text(Place(place.chat_id, 9), "x", html=False),
            Trouble.THREAD_GONE,
        ),
        (lambda m, place: m.send_text(place, "", html=False), Trouble.REFUSED),
        (
            lambda m, place: m.send_text(
                place, "x", html=False, buttons=((Button("x", "x" * 65),),)
            ),
            Trouble.REFUSED,
        ),
        (lambda m, _place: m.answer_press("123", "late"), Trouble.REFUSED),
        (lambda m, _place: m.leave(-5), Trouble.CHAT_GONE),
    ],
)
def test_each_refusal_has_its_meaning(
    api: FakeBotApi, ann: Phone, call: Callable[[PtbMessenger, Place], Any], trouble: Trouble
) -> None:
    api.expect_refusal(".")
    ask(api, lambda messenger: messenger.send_text(place_of(ann), "first", html=False))
    assert trouble_of(api, lambda messenger: call(messenger, place_of(ann))).trouble is trouble


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("MESSAGE_NOT_MODIFIED", Trouble.NOT_MODIFIED),
        ("Message_too_long", Trouble.TOO_LONG),
        ("Message caption is too long", Trouble.TOO_LONG),
        ("MEDIA_CAPTION_TOO_LONG", Trouble.TOO_LONG),
        ("Reply_markup_too_long", Trouble.REFUSED),
        ("Can't parse entities: unexpected end tag", Trouble.BAD_TEXT),
        ("ENTITY_BOUNDS_INVALID", Trouble.BAD_TEXT),
        ("TOPIC_CLOSED", Trouble.THREAD_GONE),
        ("Message can't be edited", Trouble.MESSAGE_GONE),
        ("PEER_ID_INVALID", Trouble.CHAT_GONE),
        ("Have no rights to send a message", Trouble.CHAT_GONE),
        ("Not enough rights to manage pinned messages in the chat", Trouble.REFUSED),
        ("Query is too old and response timeout expired or query id is invalid", Trouble.REFUSED),
    ],
)
def test_words_of_refusal_are_understood_in_any_case(text: str, trouble: Trouble) -> None:
    assert refusal_trouble(text) is trouble
    assert refusal_trouble(text.swapcase()) is trouble


def test_a_closed_topic_takes_nothing(api: FakeBotApi, ann: Phone) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades"])
    (topic,) = forum.topics.values()
    api.rooms.close_topic(topic)
    api.expect_refusal("TOPIC_CLOSED")
    error = trouble_of(api, _hello(api.phone(ann.person, forum, thread=topic.thread_id)))
    assert error.trouble is Trouble.THREAD_GONE


def test_a_wait_says_how_long_and_holds_up_no_other_chat(api: FakeBotApi, ann: Phone) -> None:
    bob = api.phone(api.person("Bob"), has_met_bot=True)
    api.faults.too_many_requests(7, chat=ann.chat.id)

    async def both(messenger: PtbMessenger) -> MessengerError:
        with pytest.raises(MessengerError) as raised:
            await messenger.send_text(place_of(ann), "x", html=False)
        async with asyncio.timeout(2):
            await messenger.send_text(place_of(bob), "x", html=False)
        return raised.value

    error = ask(api, both)
    assert (error.trouble, error.wait_s) == (Trouble.WAIT, 7.0)
    assert bob.texts == ["x"]


def test_a_group_that_moved_says_where_to(api: FakeBotApi, ann: Phone) -> None:
    group = api.rooms.group("Desk", [ann.person])
    new = api.rooms.migrate(group)
    api.expect_refusal("upgraded to a supergroup")
    error = trouble_of(api, lambda m: m.send_text(Place(group.id), "x", html=False))
    assert (error.trouble, error.new_chat_id) == (Trouble.MIGRATED, new.id)


def test_a_send_without_an_answer_may_have_arrived(api: FakeBotApi, ann: Phone) -> None:
    api.faults.hang(method="sendMessage", acts=True)
    error = trouble_of(api, _hello(ann), read_s=0.2)
    assert error.trouble is Trouble.UNCLEAR
    assert ann.texts == ["hello"]


def test_an_answer_that_trickles_does_not_hold_a_call_for_ever(api: FakeBotApi, ann: Phone) -> None:
    api.faults.trickle(8.0, method="sendMessage")
    error = trouble_of(api, _hello(ann), call_s=0.3)
    assert (error.trouble, str(error)) == (
        Trouble.UNCLEAR,
        "no answer within the time for a call",
    )


def test_a_call_that_finds_no_free_connection_was_not_sent(api: FakeBotApi, ann: Phone) -> None:
    rule = api.faults.hang(method="sendMessage")

    async def two(messenger: PtbMessenger) -> MessengerError:
        first = asyncio.create_task(messenger.send_text(place_of(ann), "first", html=False))
        await asyncio.to_thread(api.wait_for_request, "sendMessage")
        with pytest.raises(MessengerError) as raised:
            await messenger.send_text(place_of(ann), "second", html=False)
        rule.clear()
        await first
        return raised.value

    assert ask(api, two, connections_max=1, pool_s=0.1).trouble is Trouble.DOWN
    assert ann.texts == ["first"]


def test_a_call_searches_no_folder_for_modules(
    api: FakeBotApi, ann: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[str] = []
    mine = threading.get_ident()

    class Finder:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if threading.get_ident() == mine:
                sought.append(name)

    async def twice(messenger: PtbMessenger) -> None:
        await messenger.send_text(place_of(ann), "first", html=False)
        monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
        await messenger.send_text(place_of(ann), "second", html=False)

    ask(api, twice)
    assert ann.texts == ["first", "second"]
    assert sought == []


def test_a_closed_messenger_does_nothing(api: FakeBotApi, ann: Phone) -> None:
    async def late(messenger: PtbMessenger) -> None:
        await messenger.close()
        await messenger.send_text(place_of(ann), "x", html=False)

    assert trouble_of(api, late).trouble is Trouble.DOWN


def test_a_proxy_is_used(api: FakeBotApi, ann: Phone) -> None:
    proxy = api.base_url.removesuffix("/bot")
    ask(api, _hello(ann), proxy=proxy, base_url="http://telegram.invalid/bot")
    assert all(each.is_proxied for each in api.requests())
    assert ann.texts == ["hello"]


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [(7, 7.0), (1.5, 1.5), (-3, 0.0), (10**9, 3_600.0), ("7", 5.0), ([], 5.0)],
)
def test_no_answer_has_a_chat_wait_for_ever(
    api: FakeBotApi, ann: Phone, told: object, wait_s: float
) -> None:
    odd = {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": told}}
    api.faults.answer(json_answer(429, {"error_code": 429, **odd}))
    trouble = trouble_of(api, _hello(ann))
    assert trouble.trouble in (Trouble.WAIT, Trouble.UNCLEAR)
    assert trouble.trouble is Trouble.UNCLEAR or trouble.wait_s == wait_s


def test_a_new_number_that_is_none_is_not_taken_for_one(api: FakeBotApi, ann: Phone) -> None:
    odd = {"ok": False, "description": "moved", "parameters": {"migrate_to_chat_id": "elsewhere"}}
    api.faults.answer(json_answer(400, {"error_code": 400, **odd}))
    trouble = trouble_of(api, _hello(ann))
    assert (trouble.trouble, trouble.new_chat_id) == (Trouble.MIGRATED, None)


def test_calls_that_are_cut_off_at_any_moment_use_up_no_connection(api: FakeBotApi) -> None:
    async def cut_off(messenger: PtbMessenger) -> Sequence[Arrival]:
        # From before a connection is sought to after it is given back.
        for turns_of_the_loop in range(60):
            asking = asyncio.create_task(messenger.poll(0, 0))
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
        return await messenger.poll(0, 0)

    assert ask(api, cut_off, pool_s=0.5) == []
    gc.collect()


def test_a_call_that_is_cut_off_while_old_connections_are_closed_leaves_none_open(
    api: FakeBotApi, ann: Phone
) -> None:
    async def cut(messenger: PtbMessenger, turns: int) -> None:
        send = _hello(ann)
        await asyncio.gather(*(send(messenger) for _ in range(3)))
        # All three are at their end, and are closed by the next call.
        api.go_down()
        api.come_up()
        late = asyncio.ensure_future(send(messenger))
        for _ in range(turns):
            await asyncio.sleep(0)
        late.cancel()
        with suppress(asyncio.CancelledError):
            await late

    for turns in range(1, 12):
        ask(api, partial(cut, turns=turns))
    # What nobody has closed complains now.
    gc.collect()
