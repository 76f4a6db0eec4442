"""Forwarded log lines: the file for `tail -F`, /logs, and /follow."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tcpproto import Log
from telegram.bridge.intake import Intake, IntakeLimits
from telegram.bridge.logs.search import Wanted, find_lines
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.waiting import wait_until

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]


def _file(harness: Harness, bot: str = "paper") -> Path:
    return harness.config.logs / f"{bot}.log"


def _lines(harness: Harness, count: int) -> list[str]:
    def read() -> list[str]:
        file = _file(harness)
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    harness.turn_until(lambda: len(read()) >= count, f"{count} lines in the file")
    return read()


def test_a_line_has_time_level_and_logger_and_hides_no_control_character(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bot.log("\x1b]0;owned\x07\x1b[2Jbuy\u202e", "WARNING", "trading.engine")
    assert _lines(bridge, 1) == [
        "2026-09-21T14:13:20.000Z WARNING  trading.engine: \\x1b]0;owned\\x07\\x1b[2Jbuy\\u202e"
    ]


def test_a_line_cannot_forge_another_one(bridge: Harness, make_bot: MakeBot) -> None:
    make_bot(bridge).log("innocent\n2026-09-21T14:13:20.000Z CRITICAL risk: all is lost")
    first, second = _lines(bridge, 2)
    assert first.endswith("innocent")
    assert second.startswith("    2026")


def test_lines_are_written_in_order_and_the_file_rotates_by_size(
    make_bridge: MakeBridge, make_bot: MakeBot
) -> None:
    bridge = make_bridge(settings={"logs": {"file_max_bytes": 10_000, "file_backups": 2}})
    bot = make_bot(bridge)
    for number in range(600):
        bot.log(f"line {number}")
        if number % 50 == 0:
            bridge.turn(0.01)
    bridge.turn_until(lambda: "line 599" in _file(bridge).read_text(encoding="utf-8"), "the last")
    files = sorted(_file(bridge).parent.glob("paper.log*"))
    assert [file.name for file in files] == ["paper.log", "paper.log.1", "paper.log.2"]
    text = "".join(file.read_text(encoding="utf-8") for file in reversed(files))
    numbers = [int(line.rsplit(" ", 1)[1]) for line in text.splitlines()]
    assert numbers == list(range(numbers[0], 600))


def test_dropped_lines_are_counted_in_the_file_and_in_health(
    make_bridge: MakeBridge, make_bot: MakeBot
) -> None:
    bridge = make_bridge(settings={"logs": {"queue_lines_max": 100}})
    bot = make_bot(bridge)
    for number in range(1_304):
        bot.log(f"line {number}")
    queues = bridge.bridge.parts.intake._logs
    wait_until(lambda: "paper" in queues and queues["paper"].dropped == 1_204, 8.0, "all lines")
    lines = _lines(bridge, 101)
    assert lines[0].endswith("… 1,204 lines dropped")
    assert [line.rsplit(" ", 1)[1] for line in lines[1:]] == [str(n) for n in range(1_204, 1_304)]
    assert "1,204 lines dropped" in bridge.say("/health").text


def test_queues_are_bounded_in_lines_and_in_bytes() -> None:
    intake = Intake(IntakeLimits(log_lines_max=10, log_bytes_max=10_000))
    for number in range(25):
        intake.add_log("chatty", Log("INFO", "x", 0.0, str(number)))
    for _ in range(8):
        intake.add_log("long", Log("INFO", "x", 0.0, "y" * 3_000))
    logs = intake.take(0.0).logs
    assert logs["chatty"].dropped >= 15
    assert len(logs["chatty"].lines) + logs["chatty"].dropped == 25
    assert len(logs["long"].lines) + logs["long"].dropped == 8
    held = sum(len(line.text) for queue in logs.values() for line in queue.lines)
    assert held <= 10_000


@pytest.fixture
def logged(bridge: Harness, make_bot: MakeBot) -> Harness:
    bot = make_bot(bridge)
    for number, level in enumerate(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] * 10):
        bot.log(f"message {number}", level)
    bot.log("order timed out\nTraceback …", "ERROR")
    _lines(bridge, 52)
    return bridge


@pytest.mark.parametrize(
    ("line", "count", "last"),
    [
        ("/logs", 20, "order timed out"),
        ("/logs 3", 3, "order timed out"),
        ("/logs 500", 51, "order timed out"),
        ("/logs 5 critical", 5, "message 49"),
        ("/logs warn", 20, "order timed out"),
        ("/logs 20 error TIMED", 1, "order timed out"),
        ("/logs 9 message 7", 1, "message 7"),
        ("/logs @paper 4", 4, "order timed out"),
    ],
)
def test_logs_shows_the_last_lines_that_match(
    logged: Harness, line: str, count: int, last: str
) -> None:
    if line == "/logs @paper 4":
        line = "/logs 4 @paper"
    text = logged.say(line).text
    *body, ending = text.splitlines()
    records = [one for one in body if one.startswith("2026")]
    assert len(records) == count
    assert last in records[-1]
    assert f"paper: {count} line" in ending


def test_logs_of_a_bot_without_a_file_are_no_lines(bridge: Harness, make_bot: MakeBot) -> None:
    make_bot(bridge)
    assert bridge.say("/logs").text == "[applied] /logs — paper: no line fits, or none has come yet"


def test_logs_reads_on_in_the_file_before_when_the_new_one_is_short(tmp_path: Path) -> None:
    new, old = tmp_path / "a.log", tmp_path / "a.log.1"
    old.write_text("2026-09-21T14:13:20.000Z INFO     x: old\n" * 3)
    new.write_text("2026-09-21T14:13:20.000Z INFO     x: new\n" * 2)
    assert [line[-3:] for line in find_lines(new, Wanted(4))] == ["old", "old", "new", "new"]


def test_follow_sends_lines_of_its_level_as_they_come(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    assert bridge.say("/follow error").text == (
        "[applied] /follow error — lines of all bots from error up, until /follow off"
    )
    bot.log("quiet", "WARNING")
    bot.log("loud \x1b[31m", "ERROR", "trading.risk")
    bridge.turn_until(lambda: len(bridge.chat.messages) == 2, "the line")
    assert bridge.chat.last.text == "paper ERROR trading.risk: loud \\x1b[31m"
    assert bridge.say("/follow off").text == "[applied] /follow off — no more lines come"
    assert bridge.say("/follow off").text == "[applied] /follow off — it was off already"


def test_follow_sends_a_flood_as_a_few_lines_and_a_count(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bridge.say("/follow info")
    for number in range(2_000):
        bot.log(f"line {number}")
    queues = bridge.bridge.parts.intake._logs
    wait_until(lambda: "paper" in queues and len(queues["paper"].lines) == 2_000, 8.0, "the flood")
    bridge.turn()
    first, *others, last = bridge.chat.last.text.splitlines()
    assert first == "paper INFO test: line 0"
    assert len(others) == 19
    assert last == "… 1,980 more lines"
    bot.log("afterwards")
    bridge.turn_until(lambda: "afterwards" in _file(bridge).read_text(), "another line")
    assert len(bridge.chat.messages) == 2
    bridge.advance(1.1)
    assert bridge.chat.last.text == "paper INFO test: afterwards"


def test_follow_ends_by_itself_after_its_time(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    assert "for 10m 00s" in bridge.say("/follow info 10m").text
    bridge.advance(601)
    assert bridge.chat.last.text == "following has ended"
    bot.log("unseen")
    bot.text("done")
    bridge.turn_until(lambda: "paper: done" in bridge.chat.texts, "what was sent after")
    assert not any("unseen" in text for text in bridge.chat.texts)


def test_follow_survives_a_restart_and_can_be_for_one_bot(
    bridge: Harness, make_bot: MakeBot, make_bridge: MakeBridge
) -> None:
    make_bot(bridge, "kraken")
    bridge.say("/follow info @kraken")
    bridge.close()
    again = make_bridge()
    kraken, paper = make_bot(again, "kraken"), make_bot(again)
    paper.log("of paper")
    kraken.log("of kraken")
    again.turn_until(lambda: again.chat.messages, "the line")
    assert again.chat.texts == ["kraken INFO test: of kraken"]
