"""What may never be shown: terminal escapes of foreign texts, and secrets.

Hostile texts and planted secrets go into every place that a peer, a person or the surroundings can
fill; then every byte that both programs have written is looked at.
"""

import re
from collections.abc import Iterable
from contextlib import ExitStack

import pytest

from tcpproto import Reply, ReplyState
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
)
from tests.process.scripted_bridge import ScriptedBridge, json_frame
from tests.processes import RunningProcess
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

# Clear the screen, set the title, C1 controls, bell, backspace, carriage return, bidirectional
# override, line separators, a device query, and a record that never was.
FORGED = "2026-01-01T00:00:00.000Z"
EVIL = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m\x08\x08\rgone\u202edesrever\u2028next\x85more\x1b[6n\x00\x7f"
    f"\n{FORGED} CRITICAL forged: all is lost"
)
FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def written_bytes(here: Installation, *processes: RunningProcess) -> dict[str, bytes]:
    """Return everything that was written: streams, and every file below VAR_DIR."""
    found = {str(path): path.read_bytes() for path in here.var_dir.rglob("*") if path.is_file()}
    for number, process in enumerate(processes):
        found[f"stdout {number}"] = process.stdout_path.read_bytes()
        found[f"stderr {number}"] = process.stderr_path.read_bytes()
    return found


def check_texts(texts: Iterable[tuple[str, bytes]]) -> None:
    """No text holds what a terminal acts on, and no line of a log or a chat was forged."""
    for place, data in texts:
        if place.endswith((".db", ".db-wal", ".db-shm", "reserve")):
            continue
        text = data.decode("utf-8")
        found = FORBIDDEN.search(text)
        assert not found, (place, text[max(0, found.start() - 100) :][:300])
        assert not re.search(rf"^{FORGED}", text, re.MULTILINE), (place, text)


@pytest.mark.parametrize("console", [("--console",), ("--json",)], ids=["text", "json"])
def test_no_text_of_a_bot_reaches_a_terminal_as_a_command_to_it(
    here: Installation, console: tuple[str, ...]
) -> None:
    bridge = here.start_bridge(*console)
    with ExitStack() as stack:
        bot = ScriptedBot(here.port, secret=here.secret)
        stack.callback(bot.stop)
        bot.wait_connected()
        bridge.write("/follow debug\n")
        bridge.wait_for(r"\[applied\] /follow", stream="stdout")
        bot.show(
            {"mode": EVIL, "title": EVIL, "outbox_rows": EVIL, "prices": [{"symbol": EVIL}]}, EVIL
        )
        bot.text(EVIL)
        bot.log(EVIL, level="\x1b[31mX", logger=EVIL)
        bot.raise_event(EVIL, "critical")
        bridge.write("/getstatus\n")
        wait_until(lambda: bot.commands, PATIENCE_S, "the command")
        # The body of a receipt is the bot's own, line by line.
        bot.reply(0, "applied", EVIL.replace("\n", "\n  "))
        answer = Reply("\x1b[31mno such command", ReplyState.APPLIED, EVIL)
        assert bot.client.send(answer.to_message(0.0))
        for line in ("/health", "/bots", "/version", "/logs 100", f"/{EVIL}"):
            bridge.write(line + "\n")
        log = here.forwarded_log
        wait_until(lambda: log.exists() and "forged" in log.read_text(), PATIENCE_S, "the log line")
        bridge.wait_for("all is lost", stream="stdout")
        with RawPeer(here.port) as peer:
            peer.greet("\x1b[31mred", nonce="\x1b[31m", software=EVIL)
            peer.wait_end()
        with RawPeer(here.port) as peer:
            peer.say(json_frame("\x1b[31mtag", EVIL))
            peer.wait_end()
        bot.client.stop(EVIL, 1.0)
        bridge.write("/health\n/bots\n")
    bridge.close_stdin()
    assert bridge.wait() == 0, bridge.describe()
    check_texts(written_bytes(here, bridge).items())
    assert_no_traceback(bridge)


def test_no_text_of_a_bridge_reaches_the_log_of_a_bot_as_it_is(here: Installation) -> None:
    here.configure_bot("log_level: DEBUG\n")
    with ScriptedBridge() as bridge:
        trading = here.start_trading(**bridge.environment)
        bridge.wait_connected()
        bridge.ask(bridge.command("\x1b[31mred"))
        bridge.ask(bridge.command("buy", EVIL[:200]))
        bridge.remark(EVIL)
        trading.wait_for("the bridge says: ")
        bridge.server.stop(EVIL, 2.0)
        trading.wait_for("owned")
        assert trading.stop() == 0
    check_texts(written_bytes(here, trading).items())
