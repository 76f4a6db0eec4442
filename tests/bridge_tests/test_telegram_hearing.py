"""The way from a phone through the thread `poll` to a bot and back, at the fake Telegram."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from daemonkit.clock import ManualClock, SystemClock
from daemonkit.secrets import Secret
from tcpproto.vocabulary import Role
from telegram.bridge.assembly import World
from telegram.bridge.chat_outbox.sender import Sender, open_chat
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.parts import Hearing, build_hearing
from telegram.bridge.telegram_config import ChatEntry
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi

MakeBot = Callable[..., ScriptedBot]
QUICK = {
    "poll_s": 1.0,
    "retry_min_s": 0.02,
    "retry_max_s": 0.1,
    "conflict_retry_s": 0.02,
    "conflict_clear_s": 0.3,
}


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as server:
        yield server


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann", 7), has_met_bot=True)


class Line:
    """A bridge that is turned by the test, with everything else as in the process."""

    def __init__(self, harness: Harness, api: FakeBotApi, access: TelegramAccess) -> None:
        self.harness = harness
        clock, database = SystemClock(), harness.database
        world = World(harness.config, harness.endpoint, database, clock, Random(1))
        chats: Any = harness.bridge.parts.chats._chats
        opened = [open_chat(place, database, clock) for place in access.places]
        chats.update({chat.name: chat for chat in opened})
        self.hearing: Hearing = build_hearing(
            world, harness.bridge.parts, access, Secret(api.token)
        )
        sender = Sender(self.hearing.thread.messenger, opened, database, clock=clock, rng=Random(1))
        self.hearing.thread.run(sender.run, "sender")
        self.hearing.start()

    def see(self, phone: Phone, pattern: str, after: Message | None = None) -> Message:
        """Turn the bridge until a phone shows something."""

        def find() -> Message | None:
            first = 0 if after is None else after.message_id
            return next(
                (
                    one
                    for one in phone.bot_messages
                    if one.message_id > first and pattern in one.text
                ),
                None,
            )

        self.harness.turn_until(find, f"{pattern}\n{phone.describe()}")
        found = find()
        assert found is not None
        return found

    def close(self) -> None:
        assert self.hearing.stop(5.0)


@pytest.fixture
def make_line(
    make_bridge: Callable[..., Harness], api: FakeBotApi, closing: ExitStack
) -> Callable[..., Line]:
    def make(*chats: ChatEntry) -> Line:
        settings = {"telegram": {"base_url": api.base_url, "polling": QUICK}}
        clock = ManualClock(wall=SystemClock().wall(), monotonic=1_000.0)
        harness = make_bridge(clock=clock, settings=settings)
        users = {7: Role.ADMIN}
        line = Line(harness, api, TelegramAccess(users, chats))
        closing.callback(line.close)
        return line

    return make


def test_a_purchase_by_buttons_from_a_phone(
    make_line: Callable[..., Line], make_bot: MakeBot, ann: Phone
) -> None:
    line = make_line()
    bot = make_bot(line.harness)
    ann.say("/buy BTC/USDT")
    asked = line.see(ann, "are you sure?")
    taps = ann.press("Yes", asked, times=3)
    line.harness.turn_until(lambda: bot.commands, "the command")
    bot.reply(0, "applied", "bought")
    done = line.see(ann, "[applied] /buy BTC/USDT")
    assert done.message_id == asked.message_id
    assert done.buttons == []
    assert [ann.wait_answer(tap) for tap in taps].count("") == 1
    assert len(bot.commands) == 1


def test_in_a_topic_the_answer_is_in_the_topic(
    make_line: Callable[..., Line], make_bot: MakeBot, api: FakeBotApi, ann: Phone
) -> None:
    api.expect_refusal("not enough rights to manage pinned")
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades", "Talk"])
    trades, talk = forum.topics
    line = make_line(ChatEntry(id=forum.id, thread=trades))
    make_bot(line.harness)
    there, elsewhere = (api.phone(ann.person, forum, thread=one) for one in (trades, talk))
    elsewhere.say("/ping")
    there.say("/ping@desk_bot")
    line.see(there, "pong")
    assert elsewhere.texts == []


def test_strangers_see_nothing_and_unknown_groups_are_left(
    make_line: Callable[..., Line], api: FakeBotApi, ann: Phone
) -> None:
    line = make_line()
    eve = api.phone(api.person("Eve", 666))
    group = api.rooms.group("Den", [eve.person])
    eve.say("/start")
    api.phone(eve.person, group).say("/buy BTC/USDT")
    ann.say("/ping")
    line.see(ann, "pong")
    api.wait(lambda: not group.status_of(api.bot).is_in, "the bot leaves")
    assert eve.texts == []


def test_edited_forwarded_and_stale_commands_do_nothing(
    make_line: Callable[..., Line], make_bot: MakeBot, ann: Phone
) -> None:
    line = make_line()
    bot = make_bot(line.harness)
    ann.forward(ann.say("/sell BTC/USDT", age_s=400))
    ann.say("/buy BTC/USDT", age_s=40)
    said = ann.say("/ping")
    ann.edit(said, "/sell BTC/USDT")
    line.see(ann, "[expired] /buy BTC/USDT — written ")
    line.see(ann, "are you sure?\n  written ")
    line.see(ann, "forwarded messages are not followed")
    line.see(ann, "pong")
    assert bot.commands == []


def test_another_program_with_the_token_turns_buying_off(
    make_line: Callable[..., Line], make_bot: MakeBot, api: FakeBotApi, ann: Phone
) -> None:
    api.expect_refusal("terminated by other getUpdates")
    line = make_line()
    bot = make_bot(line.harness)
    with api.rival():
        news = line.see(ann, "/revoke at @BotFather")
        ann.say("/buy BTC/USDT")
        line.see(ann, "what raises risk is off", after=news)
    line.see(ann, "all works again")
    assert bot.commands == []


def test_the_menu_on_the_phone_is_that_of_the_role(
    make_line: Callable[..., Line], api: FakeBotApi, ann: Phone
) -> None:
    line = make_line()
    ann.say("/start")
    line.harness.turn_until(lambda: "flatten" in ann.menu, "the menu")
    eve = api.phone(api.person("Eve", 666), has_met_bot=True)
    assert sorted(eve.menu) == ["help", "start"]
