"""A group with topics: answers stand where they were asked for, alerts where they are wanted."""

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation, assert_no_traceback
from tests.process.phone_desk import TRADER, start_bridge

QUICK = """
outbox: {group: {count: 100, span_s: 1.0, burst: 100}}
phone: {live: false}
"""


def test_each_topic_gets_what_is_meant_for_it(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    forum = api.rooms.supergroup("Desk", [ann.person], topics=["Trades", "Talk", "Else"])
    trades, talk, other = (api.phone(ann.person, forum, thread=one) for one in list(forum.topics))
    listed = (
        f"{{id: {forum.id}, thread: {trades.thread_id}}}, "
        f"{{id: {forum.id}, thread: {talk.thread_id}, events: false}}"
    )
    here.configure_bridge(f"telegram: {{users: {{{TRADER}: admin}}, chats: [{listed}]}}\n{QUICK}")
    bridge = start_bridge(here, api, TELEGRAM_CHAT_ID=None)
    here.start_trading()
    trades.wait_for("started")
    other.say("/stoptrading")
    asked = talk.ask("/buy BTC/USDT 0.01", "are you sure")
    talk.press("Yes", asked)
    talk.wait_for(r"^\[applied\] /buy BTC/USDT 0.01")
    trades.wait_for("BOUGHT BTC/USDT")
    with here.forwarded_log.open("a", encoding="utf-8") as file:
        file.writelines(f"2026-01-05T00:00:00.000Z INFO     feed: line {n}\n" for n in range(200))
    trades.say("/logs 200 info line")
    trades.wait_until(lambda one: one.document is not None, "a file")
    assert [text.splitlines()[0].split()[0] for text in talk.texts] == ["[applied]"]
    assert [text for text in trades.texts if "[applied] /buy" in text] == []
    assert (other.texts, ann.texts) == ([], [])
    api.expect_refusal("thread not found")
    assert trades.thread_id is not None
    api.rooms.delete_topic(forum, forum.topics[trades.thread_id])
    talk.ask("/starttrading", r"^\[applied\] /starttrading")
    general = api.phone(ann.person, forum)
    started = general.wait_for("trading started by")
    assert started.thread_id is None
    assert [one.verb for one in here.outcomes()] == ["buy", "starttrading"]
    assert bridge.stop() == 0
    assert_no_traceback(bridge)
