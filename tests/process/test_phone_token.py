"""The bot's token: refused once, used by another program as well, at a Telegram that hangs.

The waits are those of life, but where two programs share a token.
"""

from daemonkit.clock import SystemClock
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_desk import start_bridge
from tests.waiting import wait_until

SHARED = """\
telegram: {polling: {poll_s: 1, conflict_retry_s: 0.2, conflict_clear_s: 1}}
outbox: {private: {count: 100, span_s: 1, burst: 100}}
phone: {live: false}
"""
OFF = "another program uses this bot's token, so what raises risk is off"


def test_one_refusal_ends_nothing_and_a_telegram_that_hangs_does_not_hold_up_the_stop(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge("phone: {live: false}\n")
    bridge = start_bridge(here, api)
    api.wait_for_poll()
    refused = api.faults.unauthorized(method="getUpdates")
    api.end_connections()
    api.wait(lambda: refused.met, "the refusal", PATIENCE_S)
    ann.ask("/ping", r"^\[applied\] /ping", 40)
    assert bridge.stderr.count("token refused") == 1
    ann.ask("/health", r"^telegram polling\n  answered \d+s ago\n")
    stuck = api.faults.hang(times=None)
    bot = ScriptedBot(here.port, "paper", secret=here.secret)
    bot.outbox.add("BOUGHT", "notice", at=SystemClock.wall(), kind="bought")
    bot.client.wake_outbox()
    api.wait(lambda: any(one.method == "sendMessage" for one in stuck.met), "a send", PATIENCE_S)
    bot.stop()
    assert bridge.stop(10) == 0
    stuck.clear()
    assert_no_traceback(bridge)


def test_two_bridges_with_one_token_raise_no_risk_until_one_of_them_has_stopped(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    api.expect_refusal("terminated by other getUpdates|message is not modified")
    here.configure_bridge(SHARED)
    bridge = start_bridge(here, api)
    bot = ScriptedBot(here.port, "paper", secret=here.secret)
    bot.wait_connected()
    asked = ann.ask("/buy BTC/USDT 0.01", "are you sure")
    other = start_bridge(here, api, VAR_DIR=str(here.folder / "other"))
    for one in (bridge, other):
        one.wait_for("another program uses this bot's token")
    news = ann.wait_for(f"^{OFF}.*/revoke at @BotFather")
    # Each of the two may be the one that hears a person.
    assert ann.wait_answer(ann.press("Yes", asked)[0]) != ""
    for _ in range(3):
        ann.ask("/buy ETH/USDT 0.1", rf"^\[rejected\] /buy ETH/USDT 0.1 — {OFF}")
    ann.ask("/health", r"^\[applied\] /health — Telegram: conflict; ")

    def is_stopped() -> bool:
        ann.ask("/stoptrading", "/stoptrading")
        return bool(bot.commands)

    wait_until(is_stopped, PATIENCE_S, "what reduces risk still works")
    assert other.stop() == 0
    ann.wait_for("is gone; all works again", after=news, timeout_s=PATIENCE_S)
    question = ann.ask("/buy ETH/USDT 0.1", "are you sure")
    ann.press("Yes", question)
    wait_until(lambda: bot.commands[-1].verb == "buy", PATIENCE_S, "the purchase")
    assert {one.verb for one in bot.commands[:-1]} == {"stoptrading"}
    bot.stop()
    assert bridge.stop() == 0
    assert_no_traceback(bridge, other)
