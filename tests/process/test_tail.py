"""`tail -F` follows the lines that a bot forwards, over every rotation of the file."""

import shutil

import pytest

from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.process.installation import PATIENCE_S, Installation
from tests.waiting import wait_until

LINES, AT_ONCE = 480, 40


@pytest.mark.skipif(shutil.which("tail") is None, reason="no tail on this machine")
def test_tail_follows_the_forwarded_log_over_rotations(here: Installation) -> None:
    here.configure_bridge("logs: {file_max_bytes: 10000, file_backups: 2}\n")
    bridge = here.start_bridge()
    log = here.forwarded_log
    # Started first, as a person does: the file is still to come.
    tail = here.processes.start("tail", "-F", "-n", "+1", "--sleep-interval=0.05", log)
    bot = ScriptedBot(here.port, secret=here.secret)
    bot.wait_connected()
    for first in range(0, LINES, AT_ONCE):
        for number in range(first, first + AT_ONCE):
            bot.log(f"line {number} of many, and a little more to fill the file")
        tail.wait_for(f"line {first + AT_ONCE - 1} of", stream="stdout", timeout_s=PATIENCE_S)
    bot.stop()
    shown = [line.split(": line ")[1].split()[0] for line in tail.stdout.splitlines()]
    assert shown == [str(number) for number in range(LINES)]
    assert "has been replaced" in tail.stderr
    wait_until(lambda: len(list(log.parent.glob("paper.log.*"))) == 2, 5, "two older files")
    assert all(path.stat().st_size <= 10_000 for path in log.parent.glob("paper.log*"))
    tail.kill()
    assert bridge.stop() == 0
