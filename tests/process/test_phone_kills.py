"""Kill -9 of either process, or of both, as a person with a phone sees it.

The promise: no alert is lost, all come in order, and at most one message for each kill comes a
second time, whole, marked and with the same numbers.
"""

import signal
import sqlite3
from contextlib import closing
from random import Random

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, query
from tests.process.killing import VICTIMS, Life
from tests.process.phone_alerts import count_repeats, first_shown, has_shown
from tests.process.phone_desk import QUICK, TRADER, launch_bridge, start_bridge
from tests.waiting import wait_until


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("total", "rounds", "interval_s"),
    [
        pytest.param(200, 1, 0.05, id="200 alerts, 3 kills"),
        pytest.param(2_000, 8, 0.02, id="2,000 alerts, 24 kills", marks=pytest.mark.long),
    ],
)
def test_alerts_reach_the_phone_in_order_and_at_most_once_more_for_each_kill(
    here: Installation, api: FakeBotApi, ann: Phone, total: int, rounds: int, interval_s: float
) -> None:
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - a failure shows it
    rng = Random(seed)
    # Which of its updates Telegram knows to be taken, a bridge that was killed cannot tell: the
    # line about a pinned message comes again, and is deleted again.
    api.expect_refusal("message to delete not found")
    api.limit_speed()
    life = Life(here, rng, total, interval_s, lambda: launch_bridge(here, api))
    life.start_bridge()
    life.start_trading()
    victims = list(VICTIMS) * rounds
    rng.shuffle(victims)
    for each in victims:
        life.kill(each)
    life.finish()
    api.wait(lambda: has_shown(ann, f"alert {total} of {total}"), "the last alert", 4 * PATIENCE_S)
    texts = [line.text for line in first_shown(ann) if line.text.endswith(f" of {total}")]
    assert texts == [f"alert {number} of {total}" for number in range(1, total + 1)]
    ids = [line.id for line in first_shown(ann)]
    assert ids == sorted(ids)
    assert ids == [event.id for event in here.events()], "some events were not shown"
    assert count_repeats(ann) <= len(life.bridges) - 1
    assert life.trading.stop() == 0
    assert life.bridge.stop() == 0
    assert_no_traceback(*life.tradings, *life.bridges)


def test_a_kill_in_the_middle_of_a_send_repeats_one_message_marked(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    bridge = start_bridge(here, api)
    send = api.faults.hang(
        acts=True, method="sendMessage", when=lambda one: "alert 1 of" in str(one.parameters)
    )
    trading = here.start_trading("--alerts", "30", "--interval", "0")
    api.wait(lambda: has_shown(ann, "alert 1 of 30"), "the send")
    here.wait_for_alerts(30, 30)
    bridge.kill()
    send.clear()
    again = start_bridge(here, api)
    api.wait(lambda: has_shown(ann, "alert 30 of 30"), "the last alert", PATIENCE_S)
    assert count_repeats(ann) == 1
    texts = [line.text for line in first_shown(ann) if line.text.endswith(" of 30")]
    assert texts == [f"alert {number} of 30" for number in range(1, 31)]
    assert (trading.stop(), again.stop()) == (0, 0)


def test_a_killed_bot_is_announced_on_the_phone_with_what_it_holds_and_later_as_back(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bot("status_interval_s: 0.1\n")
    here.configure_bridge("obituary: {after_s: 0.5, steady_s: 0.3}\n" + QUICK)
    bridge, first = start_bridge(here, api), here.start_trading()
    ann.wait_for(r"paper \(PAPER, paper\) started", timeout_s=PATIENCE_S)
    ann.ask("/buy BTC/USDT 0.01", "are you sure")
    ann.press("Yes")
    ann.wait_for("BOUGHT BTC/USDT", timeout_s=PATIENCE_S)
    # The live status shows that the bridge knows of the position.
    ann.wait_for(r"LONG +0\.01", timeout_s=PATIENCE_S)
    first.send_signal(signal.SIGHUP)
    wait_until(here.forwarded_log.exists, PATIENCE_S, "a forwarded line")
    first.kill()
    lost = ann.wait_for("LOST, no word for", timeout_s=PATIENCE_S)
    assert not lost.is_silent
    for words in ("1 open position:", "BTC/USDT LONG 0.01", "PAPER: its stop acts when the"):
        assert words in lost.text
    assert " INFO " in lost.text.split("last log lines:")[1]
    second = here.start_trading()
    back = ann.wait_for("BACK after", timeout_s=PATIENCE_S)
    assert "1 open position: BTC/USDT" in back.text
    assert (second.stop(), bridge.stop()) == (0, 0)
    assert_no_traceback(first, second, bridge)


def test_a_person_is_told_once_of_an_interruption_though_a_bridge_ends_before_it_can(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    bridge = start_bridge(here, api)
    ann.ask("/ping", r"^\[applied\] /ping")
    bridge.kill()
    leave_open(here, "/sell BTC/USDT")
    with api.is_down():
        bridge = start_bridge(here, api)
        bridge.wait_for("Telegram: away")
        bridge.kill()
    bridge = start_bridge(here, api)
    ann.wait_for(r"^interrupted at .*, result unknown, check /orders(.|\n)*\n  /sell BTC/USDT$")
    state = "SELECT update_id FROM inbound WHERE state = 'interrupted'"
    wait_until(lambda: query(here.bridge_db, state), PATIENCE_S, "the row is closed")
    bridge.kill()
    bridge = start_bridge(here, api)
    ann.ask("/ping", r"^\[applied\] /ping")
    assert sum("interrupted at" in text for text in ann.texts) == 1
    assert bridge.stop() == 0


def leave_open(here: Installation, line: str) -> None:
    """Be a bridge that has begun to work on a line and was killed."""
    now = SystemClock.wall()
    values = (1, f"tg:{TRADER}", 99_999, TRADER, line, now, now, "executing", "")
    with closing(sqlite3.connect(here.bridge_db)) as connection, connection:
        connection.execute(
            "INSERT INTO inbound (update_id, chat, message_id, user_id, text, written_at,"
            " received_at, state, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
