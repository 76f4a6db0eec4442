"""What befalls a group and its topics while the real bridge runs."""

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_desk import start_bridge
from tests.process.test_phone_outages import QUICK, connected_bot, raise_fill


def listed(topic: Phone) -> str:
    """Return a configuration in which one topic of a group is served."""
    chat = f"chats: [{{id: {topic.chat.id}, thread: {topic.thread_id}}}]"
    return QUICK.replace("telegram: {", f"telegram: {{users: {{42: admin}}, {chat}, ")


def test_a_bot_that_is_let_in_again_tells_what_it_could_not(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    room = api.rooms.supergroup("Desk", [ann.person], topics=["Trades"])
    topic = next(iter(room.topics.values()))
    desk = api.phone(ann.person, room, thread=topic.thread_id)
    chats = f"chats: [{{id: {room.id}, thread: {topic.thread_id}}}]"
    here.configure_bridge(
        QUICK.replace("telegram: {", f"telegram: {{users: {{42: admin}}, {chats}, ")
    )
    api.expect_refusal("kicked")
    bridge = start_bridge(here, api, TELEGRAM_CHAT_ID=None)
    with connected_bot(here) as bot:
        raise_fill(bot, "BOUGHT 1")
        desk.wait_for("BOUGHT 1", timeout_s=PATIENCE_S)
        api.rooms.leave(room, api.bot, is_kicked=True)
        raise_fill(bot, "BOUGHT 2")
        api.wait_for_request("sendMessage", count=2)
        bridge.wait_for("cannot be written to: ", stream="stderr")
        api.rooms.join(room, api.bot)
        desk.wait_for("BOUGHT 2", timeout_s=PATIENCE_S)
    assert bridge.stop() == 0
    assert_no_traceback(bridge)


def test_a_topic_that_was_closed_for_a_while_is_written_to_again(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    room = api.rooms.supergroup("Desk", [ann.person], topics=["Trades"])
    topic = next(iter(room.topics.values()))
    desk, main = api.phone(ann.person, room, thread=topic.thread_id), api.phone(ann.person, room)
    here.configure_bridge(listed(desk))
    api.expect_refusal("TOPIC_CLOSED")
    bridge = start_bridge(here, api, TELEGRAM_CHAT_ID=None)
    with connected_bot(here) as bot:
        api.rooms.close_topic(topic)
        raise_fill(bot, "BOUGHT 1")
        assert main.wait_for("BOUGHT 1", timeout_s=PATIENCE_S).thread_id is None
        topic.is_closed = False
        desk.ask("/ping", r"^\[applied\] /ping")
        raise_fill(bot, "BOUGHT 2")
        desk.wait_for("BOUGHT 2", timeout_s=PATIENCE_S)
    assert bridge.stop() == 0
    assert_no_traceback(bridge)
