"""A disk that fills up under the real bridge while somebody commands it from a phone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.phone_alerts import count_repeats, first_shown
from tests.process.phone_desk import start_bridge
from tests.process.test_phone_outages import QUICK, connected_bot, raise_fill
from tests.small_filesystem import fill_up, mounted
from tests.waiting import wait_until

RESERVE = 256 * 1024


def has_come(bot: ScriptedBot, line: str) -> bool:
    """Tell whether a command has come to the bot."""
    return any(line.startswith(f"/{one.verb}") for one in bot.commands)


def hears_of_full_disk(phone: Phone) -> bool:
    """Ask how the bridge fares, and tell whether it says that its disk is full."""
    answer = phone.ask("/health", "^database ", PATIENCE_S)
    return "no room is left on the disk" in answer.text


@pytest.fixture
def disk(here: Installation) -> Iterator[Path]:
    with mounted(here.bridge_folder, 4 * 1024 * 1024) as folder:
        yield folder


@pytest.mark.long
def test_a_full_disk_keeps_no_stop_back_and_costs_no_alert(
    here: Installation, api: FakeBotApi, ann: Phone, disk: Path
) -> None:
    here.configure_bridge(f"{QUICK}reserve_bytes: {RESERVE}\n")
    bridge = start_bridge(here, api)
    with connected_bot(here) as bot:
        raise_fill(bot, "BOUGHT 0")
        ann.wait_for("BOUGHT 0", timeout_s=PATIENCE_S)
        filler = fill_up(disk)
        for number in range(1, 400):
            raise_fill(bot, f"BOUGHT {number} {'x' * 2_000}")
        # Asked again: the first alerts fit into the reserve, and until then all is truly well.
        wait_until(partial(hears_of_full_disk, ann), PATIENCE_S, "/health tells of the full disk")
        for line in ("/stoptrading", "/sell BTC/USDT"):
            ann.say(line)
            wait_until(
                partial(has_come, bot, line), PATIENCE_S, f"{line} at the bot\n{bridge.describe()}"
            )
        ann.ask("/starttrading", "nothing sent")
        filler.unlink()
        wait_until(lambda: bot.acknowledged == 400, PATIENCE_S, "all is stored")
        ann.wait_for("BOUGHT 399", timeout_s=PATIENCE_S)
    shown = [line.text.split()[1] for line in first_shown(ann) if line.text.startswith("BOUGHT")]
    assert shown == [str(number) for number in range(400)]
    assert count_repeats(ann) == 0
    assert bridge.stop() == 0
    assert_no_traceback(bridge)
