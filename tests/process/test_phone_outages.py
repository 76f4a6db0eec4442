"""Telegram in trouble, as the real bridge meets it: away, refusing, slow, hanging.

The bots are scripted; what they raise is counted, and has to arrive.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from html import unescape

import psutil
import pytest

from daemonkit.clock import SystemClock
from tcpproto import Log
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.fakes.bot_api.faults import Rule
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.refusals import RefusalError
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_alerts import count_repeats, first_shown, has_shown, lines_of, summaries
from tests.process.phone_desk import start_bridge
from tests.waiting import wait_until

# The waits of a bridge in trouble, shortened.
QUICK = """\
telegram: {polling: {poll_s: 5, call_s: 2, retry_min_s: 0.1, retry_max_s: 0.4, token_check_s: 0.4}}
outbox:
  private: {count: 100, span_s: 1, burst: 100}
  group: {count: 100, span_s: 1, burst: 100}
  retry_first_s: 0.1
  retry_max_s: 0.4
  summary_after_s: 1
phone: {live: false, follow_s: 0.2}
follow: {interval_s: 0.1}
"""
GROWTH_MAX_BYTES = 48 * 2**20


@contextmanager
def connected_bot(here: Installation, name: str = "paper") -> Iterator[ScriptedBot]:
    """Have a bot that does as it is told."""
    bot = ScriptedBot(here.port, name, secret=here.secret)
    try:
        yield bot
    finally:
        bot.stop()


def raise_fill(bot: ScriptedBot, text: str) -> None:
    """Raise what a fill raises."""
    bot.outbox.add(text, "notice", at=SystemClock.wall(), kind="bought")
    bot.client.wake_outbox()


def send_lines(bot: ScriptedBot, first: int, count: int) -> None:
    """Forward so many log lines, as fast as they are taken."""
    for number in range(first, first + count):
        line = Log("INFO", "flood", SystemClock.wall(), f"line {number} {'x' * 60}").to_message(0.0)
        wait_until(partial(bot.client.offer, line, 1.0), PATIENCE_S, "room for a log line")


def _wait_for_line(here: Installation, line: str) -> None:
    def is_written() -> bool:
        # While the files are rotated, there is none of that name.
        with suppress(FileNotFoundError):
            return line in here.forwarded_log.read_text(encoding="utf-8")
        return False

    wait_until(is_written, PATIENCE_S, f"{line} in the log")


def _troubles(api: FakeBotApi) -> Iterator[None]:
    """Have Telegram refuse, then hang, then be gone; nothing gets through between."""
    refusing = api.faults.bad_gateway(times=None)
    yield
    api.faults.hang(times=None)
    refusing.clear()
    yield
    api.go_down()
    api.faults.clear()
    yield


def _length_s(trouble: Rule) -> float:
    return trouble.met[-1].at - trouble.met[0].at if trouble.met else 0.0


def await_fill(api: FakeBotApi, phone: Phone, text: str) -> None:
    """Wait until a fill has arrived."""
    api.wait(lambda: has_shown(phone, text), f"{text}\n{phone.describe()}", PATIENCE_S)


def test_an_outage_ends_in_one_summary_then_all_fills_in_order_and_no_flood(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK.replace("live: false", "live: false, log_level: INFO"))
    api.go_down()
    bridge = start_bridge(here, api)
    with connected_bot(here) as bot:
        raise_fill(bot, "BOUGHT before Telegram was there")
        bridge.wait_for("Telegram: away")
        api.come_up()
        await_fill(api, ann, "BOUGHT before Telegram was there")
        ann.ask("/follow INFO", "applied")
        trouble = api.faults.bad_gateway(times=None)
        for fill in range(5):
            for line in range(100):
                bot.log(f"line {fill * 100 + line} of 500")
            raise_fill(bot, f"BOUGHT {fill}")
        api.wait(lambda: _length_s(trouble) > 1.5, "an outage", PATIENCE_S)
        _wait_for_line(here, "line 499 of 500")
        before = len(api.requests())
        trouble.clear()
        await_fill(api, ann, "BOUGHT 4")
        ann.wait_for(r"^… \d+ more lines")
    assert len(summaries(ann)) == 1
    assert "waiting: 5 fills, 500 log lines (not sent, see /logs)" in summaries(ann)[0]
    assert [line.text for line in first_shown(ann)][-5:] == [f"BOUGHT {one}" for one in range(5)]
    assert count_repeats(ann) == 0
    # The summary, the fills and one message of log lines, which is edited a few times.
    assert len(api.requests()) - before < 12
    assert bridge.stop() == 0
    assert_no_traceback(bridge)


def test_what_befalls_one_chat_is_no_matter_for_the_others(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    bob = api.phone(api.person("Bob", 43), has_met_bot=True)
    group = api.rooms.group("Desk", [ann.person])
    desk = api.phone(ann.person, group)
    listed = f"users: {{42: admin, 43: trader}}, chats: [{{id: 42}}, {{id: {group.id}}}]"
    here.configure_bridge(QUICK.replace("telegram: {", f"telegram: {{{listed}, "))
    bridge = start_bridge(here, api, TELEGRAM_CHAT_ID=None)
    with connected_bot(here) as bot:
        # Bob only asks: he gets his answers and no events.
        bob.ask("/ping", r"^\[applied\] /ping")
        api.faults.too_many_requests(2, chat=ann.chat.id, method="sendMessage")
        raise_fill(bot, "BOUGHT 1")
        await_fill(api, desk, "BOUGHT 1")
        assert not has_shown(ann, "BOUGHT 1")
        await_fill(api, ann, "BOUGHT 1")
        api.expect_refusal("blocked by the user")
        ann.block()
        raise_fill(bot, "BOUGHT 2")
        await_fill(api, desk, "BOUGHT 2")
        desk.wait_for("tg:42 gets no more messages: .*blocked by the user")
        ann.unblock()
        ann.ask("/ping", r"^\[applied\] /ping")
        await_fill(api, ann, "BOUGHT 2")
        api.expect_refusal("upgraded to a supergroup")
        moved = api.phone(ann.person, api.rooms.migrate(group))
        raise_fill(bot, "BOUGHT 3")
        await_fill(api, moved, "BOUGHT 3")
        await_fill(api, ann, "BOUGHT 3")
    assert [text for text in bob.texts if not text.startswith("[applied] /ping")] == []
    for phone in (ann, desk, moved):
        assert count_repeats(phone) == 0
    assert bridge.stop() == 0
    assert_no_traceback(bridge)


def test_a_refused_token_keeps_the_link_up_and_every_alert(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    token = api.token
    api.revoke_token("7001234567:AAAnotherTokenForTestsOnly_0123456789ab")
    here.configure_bridge(QUICK)
    bridge = start_bridge(here, api, TELEGRAM_BOT_TOKEN=token)
    with connected_bot(here) as bot:
        raise_fill(bot, "BOUGHT 1")
        wait_until(lambda: bot.acknowledged == 1, PATIENCE_S, "the fill is stored")
        api.wait_for_request("getMe", count=3, timeout_s=PATIENCE_S)
        assert bridge.stderr.count("token refused") == 1
        api.revoke_token(token)
        await_fill(api, ann, "BOUGHT 1")
        ann.ask("/ping", r"^\[applied\] /ping", PATIENCE_S)
    assert bridge.stop() == 0
    assert token not in bridge.stderr
    assert_no_traceback(bridge)


def test_alerts_overtake_log_lines_and_come_in_a_form_that_telegram_takes(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    bridge = start_bridge(here, api)
    with connected_bot(here) as bot:
        ann.ask("/follow INFO", "applied")
        hold = api.faults.too_many_requests(1, method="sendMessage")
        ann.say("/ping")
        api.wait(lambda: hold.met, "the answer is held up", PATIENCE_S)
        for line in range(200):
            bot.log(f"line {line} of 200")
        raise_fill(bot, "BOUGHT 1")
        await_fill(api, ann, "BOUGHT 1")
        ann.wait_for("more lines")
        order = [text for text in ann.texts if "BOUGHT 1" in text or "of 200" in text]
        assert "BOUGHT 1" in order[0]
        bad_html = RefusalError(400, "Bad Request: can't parse entities: unsupported start tag")
        api.faults.refuse(
            bad_html, times=None, when=lambda one: "BOUGHT & <2>" in _html_of(one.parameters)
        )
        raise_fill(bot, "BOUGHT & <2>")
        await_fill(api, ann, "BOUGHT & <2>")
        raise_fill(bot, f"BOUGHT {'x' * 3_980}")
        raise_fill(bot, "BOUGHT 4")
        await_fill(api, ann, "BOUGHT 4")
    documents = [one for one in ann.bot_messages if one.document is not None]
    assert [line.text for line in lines_of(documents[0])] == [f"BOUGHT {'x' * 3_980}"]
    assert [line.id for line in first_shown(ann)] == [1, 2, 3, 4]
    assert bridge.stop() == 0
    assert_no_traceback(bridge)


def _html_of(parameters: Mapping[str, object]) -> str:
    if parameters.get("parse_mode") != "HTML":
        return ""
    return unescape(str(parameters.get("text", "")))


def _database_bytes(here: Installation) -> int:
    return sum(file.stat().st_size for file in here.bridge_folder.glob("bridge.db*"))


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_long_outage_with_many_alerts_and_log_lines_fills_neither_memory_nor_disk(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    logs = "logs: {file_max_bytes: 1000000, file_backups: 2}\n"
    here.configure_bridge(QUICK + logs)
    api.limit_speed()
    bridge = start_bridge(here, api)
    process = psutil.Process(bridge.pid)
    with connected_bot(here) as bot:
        ann.ask("/follow DEBUG", "applied")
        before, sizes, troubles = process.memory_info().rss, [], _troubles(api)
        # Its log has its working size from the start.
        disk_before = _database_bytes(here)
        for alert in range(300):
            if alert % 100 == 0:
                next(troubles)
            raise_fill(bot, f"BOUGHT {alert}")
            send_lines(bot, alert * 334, 334)
            sizes.append(process.memory_info().rss)
        _wait_for_line(here, f"line {300 * 334 - 1} ")
        api.come_up()
        await_fill(api, ann, "BOUGHT 299")
    growth = max(sizes) - before
    disk = _database_bytes(here) - disk_before
    print(f"memory +{growth / 2**20:.1f} MiB, bridge.db +{disk / 2**20:.1f} MiB")  # noqa: T201
    assert growth < GROWTH_MAX_BYTES
    assert disk < 2 * 2**20
    logged = sum(file.stat().st_size for file in here.bridge_folder.glob("logs/*"))
    assert logged < 5_000_000
    assert len(summaries(ann)) == 1
    assert "300 fills" in summaries(ann)[0]
    assert [line.text for line in first_shown(ann)] == [f"BOUGHT {one}" for one in range(300)]
    # The receipt, the summary, three messages and a file with alerts, and one of log lines.
    assert len(ann.bot_messages) <= 7
    assert bridge.stderr.count("cannot be written to") <= 3
    assert bridge.stop() == 0
    assert_no_traceback(bridge)
