"""What comes in: whose words they are, where, and everything that makes them suspect."""

import time
from collections.abc import Iterator

import pytest

from telegram.bridge.messenger import Place
from tests.bridge_tests.telegram_tests.bot_rig import PATIENCE_S, BotRig, place_of
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes.bot_api.world import World
from tests.waiting import wait_until


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as running:
        yield running


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann", username="ann", language_code="de"), has_met_bot=True)


def test_a_message_comes_with_its_author_place_and_time(api: FakeBotApi, ann: Phone) -> None:
    said = ann.say("/buy BTC", age_s=120)
    with BotRig(api) as rig:
        came = rig.wait_text("/buy BTC")
    assert (came.user_id, came.user_name) == (ann.person.id, "ann")
    assert (came.place, came.message_id) == (Place(ann.chat.id), said.message_id)
    assert came.written_at == said.date
    assert came.is_private
    assert (came.is_edited, came.is_forwarded, came.is_anonymous) == (False, False, False)
    assert came.press_data is None


def test_a_press_comes_with_its_data_and_the_time_of_its_coming(
    api: FakeBotApi, ann: Phone
) -> None:
    with BotRig(api) as rig:
        message = ann.say("x")
        tap = ann.press_data(message, "c:nonce:y")
        press = wait_until(
            lambda: next((each for each in rig.inbounds if each.press_id), None),
            PATIENCE_S,
            "the press",
        )
        assert press is not None
        assert (press.press_data, press.press_id) == ("c:nonce:y", tap.id)
        assert (press.user_id, press.place) == (ann.person.id, Place(ann.chat.id))
        assert abs(press.written_at - time.time()) < PATIENCE_S


def test_a_press_on_a_deleted_message_still_comes(api: FakeBotApi, ann: Phone) -> None:
    message = ann.say("x")
    ann.delete(message)
    ann.press_data(message, "late")
    with BotRig(api) as rig:
        wait_until(
            lambda: any(each.press_data == "late" for each in rig.inbounds), PATIENCE_S, "it"
        )


def test_an_edit_is_marked_if_it_comes_at_all(api: FakeBotApi, ann: Phone) -> None:
    said = ann.say("/status")
    ann.edit(said, "/buy ALL")  # queued before the bot could say that it wants none
    with BotRig(api) as rig:
        assert rig.wait_text("/buy ALL").is_edited
        assert not rig.wait_text("/status").is_edited
        api.wait_for_poll()
        ann.edit(said, "/sell ALL")
        ann.say("after")
        rig.wait_text("after")
    assert [each.text for each in rig.inbounds] == ["/status", "/buy ALL", "after"]


def test_what_is_not_a_persons_own_word_is_marked(api: FakeBotApi, ann: Phone) -> None:
    desk = api.rooms.supergroup("Desk", [ann.person])
    in_desk = api.phone(ann.person, desk)
    channel = api.rooms.channel("News")
    other_bot = api.person("Inline", username="inline_bot")
    ann.forward(ann.say("/original"))
    api.phone(ann.person, desk, is_anonymous=True).say("/anonymous")
    in_desk.say("/as_channel", as_chat=channel)
    api.rooms.post(channel, "/posted")
    ann.say("/via", via_bot=other_bot)
    with BotRig(api) as rig:
        via = rig.wait_text("/via")
        anonymous, as_channel, posted = (
            rig.wait_text(each) for each in ("/anonymous", "/as_channel", "/posted")
        )
        originals = [each for each in rig.inbounds if each.text == "/original"]
    assert [each.is_forwarded for each in originals] == [False, True]
    assert via.is_forwarded
    for each in (anonymous, as_channel, posted):
        assert each.is_anonymous
        assert each.user_id is None
        assert not each.is_private


def test_a_reply_to_the_bot_is_marked_and_one_to_somebody_else_is_not(
    api: FakeBotApi, ann: Phone
) -> None:
    with BotRig(api) as rig:
        rig.call(lambda messenger: messenger.send_text(place_of(ann), "are you sure?", html=False))
        ann.say("/own", reply_to=ann.say("/question"))
        ann.say("/to_bot", reply_to=ann.bot_messages[-1])
        assert rig.wait_text("/to_bot").is_reply
        assert not rig.wait_text("/own").is_reply
        assert not rig.wait_text("/question").is_reply


def test_a_topic_is_part_of_the_place_but_a_row_of_replies_is_not(
    api: FakeBotApi, ann: Phone
) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades"])
    (topic,) = forum.topics.values()
    api.phone(ann.person, forum, thread=topic.thread_id).say("/in_topic")
    plain = api.rooms.supergroup("Plain", [ann.person])
    phone = api.phone(ann.person, plain)
    phone.say("/answer", reply_to=phone.say("/question"))
    with BotRig(api) as rig:
        assert rig.wait_text("/in_topic").place == Place(forum.id, topic.thread_id)
        assert rig.wait_text("/answer").place == Place(plain.id)


def test_a_group_that_moves_says_where_to(api: FakeBotApi, ann: Phone) -> None:
    group = api.rooms.group("Desk", [ann.person])
    new = api.rooms.migrate(group)
    with BotRig(api) as rig:
        (moved,) = wait_until(lambda: rig.inbounds, PATIENCE_S, "the news")
    assert (moved.place, moved.migrated_to) == (Place(group.id), new.id)


def test_a_group_that_the_bot_is_put_into_is_told(api: FakeBotApi, ann: Phone) -> None:
    group = api.rooms.supergroup("Strangers", [ann.person], is_bot_in=False)
    api.rooms.join(group, api.bot)
    with BotRig(api) as rig:
        (joined,) = wait_until(lambda: rig.inbounds, PATIENCE_S, "the news")
    assert (joined.place, joined.text) == (Place(group.id), "")


def test_the_line_of_an_own_pin_is_told_and_nobody_has_written_it(
    api: FakeBotApi, ann: Phone
) -> None:
    with BotRig(api) as rig:
        number = rig.call(lambda m: m.send_text(Place(ann.chat.id), "status", html=False))
        rig.call(lambda m: m.pin(Place(ann.chat.id), number))
        (line,) = wait_until(lambda: rig.inbounds, PATIENCE_S, "the line")
    assert (line.is_own_pin, line.user_id, line.text) == (True, None, "")
    assert line.message_id == ann.messages[-1].message_id
    assert ann.messages[-1].service


def test_lines_such_as_of_joins_and_pictures_without_words_are_left_out(
    api: FakeBotApi, ann: Phone
) -> None:
    with BotRig(api) as rig:
        group = api.rooms.group("Desk", [ann.person])
        api.rooms.join(group, api.person("Bob"))
        ann.send_document("notes.txt", b"x")
        ann.send_document("notes.txt", b"x", "with words")
        rig.wait_text("with words")
        assert len(rig.inbounds) == 1


def test_names_of_people_are_one_harmless_line(api: FakeBotApi) -> None:
    eve = api.phone(api.person("Eve\n\u202eevil" + "x" * 100), has_met_bot=True)
    eve.say("hello")
    with BotRig(api) as rig:
        name = rig.wait_text("hello").user_name
    assert len(name) <= 64
    assert name.isprintable()


def test_one_update_that_nobody_can_read_hides_no_other(
    api: FakeBotApi, ann: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    _add_odd(api.world)
    ann.say("/stop")
    with BotRig(api) as rig:
        rig.wait_text("/stop")
        wait_until(lambda: not api.world.updates.pending, PATIENCE_S, "confirmed")
    assert [each.text for each in rig.inbounds] == ["/stop"]
    assert "cannot be read" in caplog.text


def _add_odd(world: World) -> None:
    now = world.clock.wall()
    for odd in ({"message_id": "x"}, {"date": "yesterday", "chat": []}, {}):
        world.updates.add("message", odd, now)
