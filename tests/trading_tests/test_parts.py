"""All parts of a bot together, in this process, with a real bridge end on the other side."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from daemonkit.clock import SystemClock
from daemonkit.endpoint import load_endpoint
from daemonkit.notify import Notifier
from tcpproto import ReplyState
from tests.trading_tests.link.bridge_end import BridgeEnd
from tests.trading_tests.makers import make_command
from tests.waiting import wait_until
from trading.app import owner_of
from trading.config import BotConfig, load_config
from trading.control import Control
from trading.deadline import Deadline
from trading.link.log_forward import LogForwardHandler
from trading.parts import Parts, RunOptions, Surroundings
from trading.store.database import StateDatabase, open_state_database

CONFIG = """
status_interval_s: 0.05
feed: {kind: synthetic, speed: 60, history_candles: 10, symbols: [BTC/USDT]}
store: {acknowledge_delay_s: 0.02}
"""


class Rig:
    """One bot with all its parts, not started."""

    def __init__(
        self, folder: Path, bridge: BridgeEnd, options: RunOptions, config: str = CONFIG
    ) -> None:
        bot_dir = folder / "paper"
        bot_dir.mkdir(exist_ok=True)
        (bot_dir / "config.yaml").write_text(config, encoding="utf-8")
        environ = {
            "VAR_DIR": str(folder / "var"),
            "LINK_PORT": str(bridge.address[1]),
            "LINK_SECRET_FILE": "",
        }
        self.clock = SystemClock()
        self.control = Control()
        self.config: BotConfig = load_config(bot_dir, environ)
        self.database: StateDatabase = open_state_database(
            self.config.database, owner_of(self.config), epoch=str(uuid4()), restore_hint=""
        )
        self.handler = LogForwardHandler(logging.INFO, 1_000)
        self.parts = Parts(
            self.config,
            options,
            self.database,
            load_endpoint(
                self.config.settings.link,
                environ=environ,
                var_dir=self.config.var_dir,
                config_file=None,
            ),
            self.handler,
            Surroundings(self.clock, Random(1), self.control, Notifier({}, self.clock)),
        )

    def stop(self) -> bool:
        """Stop; tell whether everything ended well."""
        wrong = self.parts.stop("asked to stop", Deadline(self.clock, self.control, 10.0))
        self.database.close()
        return not wrong


@pytest.fixture
def bridge() -> Iterator[BridgeEnd]:
    bridge = BridgeEnd()
    yield bridge
    bridge.server.stop("test over", 2)


def test_everything_reaches_the_bridge_and_every_thread_has_its_name(
    tmp_path: Path, bridge: BridgeEnd
) -> None:
    # Not their names: a thread that an earlier test has left behind may still be ending.
    before = set(threading.enumerate())
    rig = Rig(tmp_path, bridge, RunOptions())
    rig.parts.start()
    logger = logging.getLogger("trading.test_parts")
    logger.addHandler(rig.handler)
    try:
        wait_until(lambda: bridge.peers, 5, "the link is up")
        assert {thread.name for thread in set(threading.enumerate()) - before} == {
            *("engine", "store", "tcp-send", "tcp-recv", "log-forward", "monitor"),
            *("feed-synthetic", "guard"),
        }
        logger.warning("a line")
        wait_until(lambda: bridge.logs, 5, "the line")
        now = rig.clock.wall()
        bridge.send(make_command(issued_at=now, expires_at=now + 60))
        wait_until(lambda: bridge.replies, 5, "the reply")
        wait_until(
            lambda: bridge.statuses and bridge.statuses[-1].fields["ticks_handled"] > 10, 5, "ticks"
        )
    finally:
        logger.removeHandler(rig.handler)
        assert rig.stop()
    assert bridge.ended_cleanly() == [True]
    assert bridge.replies[0].state is ReplyState.APPLIED
    assert [event.kind for event in bridge.events] == [
        "engine_started",
        "status_report",
        "engine_stopped",
    ]
    assert bridge.statuses[-1].fields["state"] == "STOPPED"
    assert set(threading.enumerate()) <= before


def test_numbered_alerts_arrive_once_over_several_lives(tmp_path: Path, bridge: BridgeEnd) -> None:
    for life in range(1, 4):
        rig = Rig(tmp_path, bridge, RunOptions(alerts_total=300, alerts_interval_s=0.0))
        rig.parts.start()
        wait_until(lambda: len(numbers(bridge)) >= life * 50, 10, "alerts")  # noqa: B023
        if life == 3:
            wait_until(lambda: len(numbers(bridge)) == 300, 10, "all alerts")
        assert rig.stop()
    assert numbers(bridge) == list(range(1, 301))


def test_a_process_that_takes_too_much_memory_says_so_in_the_chat(
    tmp_path: Path, bridge: BridgeEnd
) -> None:
    config = f"{CONFIG}monitor: {{memory_bytes: 1_000_000}}\n"
    rig = Rig(tmp_path, bridge, RunOptions(), config)
    rig.parts.start()
    wait_until(lambda: any(one.kind == "runs_short" for one in bridge.events), 5, "the alert")
    assert rig.stop()
    (told,) = [one for one in bridge.events if one.kind == "runs_short"]
    assert told.fields["what"] == "memory"
    assert "a strategy may keep all that it sees" in told.text


def is_ticking(bridge: BridgeEnd) -> bool:
    return bool(bridge.statuses and bridge.statuses[-1].fields["market_time"])


def numbers(bridge: BridgeEnd) -> list[int]:
    return [event.fields["number"] for event in bridge.events if event.kind == "alert"]


def test_a_bridge_that_reads_nothing_or_floods_changes_nothing_for_the_engine(
    tmp_path: Path, bridge: BridgeEnd
) -> None:
    rig = Rig(tmp_path, bridge, RunOptions())
    rig.parts.start()
    wait_until(lambda: bridge.peers, 5, "the link is up")
    stop = threading.Event()
    sent: list[int] = []

    def flood() -> None:
        while not stop.is_set():
            now = rig.clock.wall()
            name = f"flood-{len(sent)}"
            if bridge.send(make_command(command_id=name, issued_at=now, expires_at=now + 60)):
                sent.append(1)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        wait_until(lambda: is_ticking(bridge), 5, "the market moves")
        first = bridge.statuses[-1].fields
        wait_until(
            lambda: bridge.statuses[-1].fields["market_time"] >= first["market_time"] + 60,
            10,
            "a minute of market time",
        )
        last = bridge.statuses[-1].fields
    finally:
        stop.set()
        thread.join()
        assert rig.stop()
    market_s = last["market_time"] - first["market_time"]
    assert last["ticks_handled"] - first["ticks_handled"] == market_s
    assert last["commands_handled"] > 0


def test_a_thread_that_ends_by_itself_is_noticed(tmp_path: Path, bridge: BridgeEnd) -> None:
    rig = Rig(tmp_path, bridge, RunOptions())
    rig.parts.start()
    wait_until(lambda: bridge.peers, 5, "the link is up")
    assert not rig.parts._dead_threads()
    rig.parts._uplink.stop("by itself", 2)
    rig.parts._log_forward.stop(2)
    assert rig.parts._dead_threads() == ["link", "log-forward"]
    assert rig.stop()
