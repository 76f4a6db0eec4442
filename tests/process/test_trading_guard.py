"""Strategies that hang in a real bot: one ends, the others go on, and no restart brings it back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, last_error
from tests.process.own_strategies import make_checkout
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import check_books, read_books
from tests.processes import RunningProcess
from tests.waiting import wait_until

HANGING, SOUND = "BTC/USDT", "ETH/USDT"
BUYER = """
from trading.strategies.base import Strategy


class Buyer(Strategy):
    def on_tick(self, tick):
        if self.context.position is None and not self.context.get_orders():
            self.context.place_order("buy", amount=100)
"""
LOOPER = """
from trading.strategies.base import Strategy


class Looper(Strategy):
    def on_tick(self, tick):
        self.context.place_order("buy", amount=100)
        while True:
            pass
"""
BLOCKER = """
import time

from trading.strategies.base import Strategy


class Blocker(Strategy):
    def on_tick(self, tick):
        self.context.place_order("buy", amount=100)
        time.sleep(3600)
"""
SETTINGS = """
status_interval_s: 0.05
strategy_frozen_s: 1
instances:
- {{id: bad, market: {hanging}, strategy: {strategy}}}
- {{id: good, market: {sound}, strategy: buyer}}
"""


@dataclass
class Bot:
    """A bot of a checkout of its own."""

    here: Installation
    script: Path
    bridge: ScriptedBridge

    def start(self) -> RunningProcess:
        """Start it and wait until it is connected."""
        times = len(self.bridge.connections) + 1
        started = self.launch()
        self.bridge.wait_connected(times)
        return started

    def launch(self) -> RunningProcess:
        """Start it."""
        return self.here.processes.start(
            self.script, self.here.bot_dir, env=self.bridge.environment
        )

    def state_of(self, instance: str) -> str:
        """Return how an instance is, as the status shows it."""
        fields: dict[str, Any] = dict(self.bridge.ask(self.bridge.command("getstatus")).fields)
        return str(next(one["state"] for one in fields["instances"] if one["name"] == instance))

    def told(self, kind: str) -> list[str]:
        """Return the texts of one kind of event."""
        return [one.text for one in tuple(self.bridge.events) if one.kind == kind]

    def holds(self, symbol: str) -> bool:
        """Tell whether a market is held."""
        return ("main", symbol) in read_books(self.here.state_db).positions


def configure(here: Installation, strategy: str) -> None:
    """Have one strategy watch one market, and a sound one the other."""
    here.configure_bot(SETTINGS.format(hanging=HANGING, sound=SOUND, strategy=strategy))


def test_a_strategy_in_an_endless_loop_is_stopped_and_the_others_go_on(
    here: Installation, tmp_path: Path
) -> None:
    configure(here, "looper")
    script = make_checkout(tmp_path / "checkout", looper=LOOPER, buyer=BUYER)
    with ScriptedBridge() as bridge:
        bot = Bot(here, script, bridge)
        first = bot.start()
        assert bridge.ask(bridge.command("starttrading")).state == "applied"
        wait_until(lambda: bot.told("strategy_stopped"), PATIENCE_S, "the loop is told of")
        assert "bad" in bot.told("strategy_stopped")[0]
        wait_until(lambda: bot.holds(SOUND), PATIENCE_S, "the other one trades")
        assert bot.state_of("bad").startswith("stopped")
        assert bot.state_of("good") == "running"
        assert not bot.holds(HANGING), "an interrupted call has done nothing"
        assert first.stop() == 0
        second = bot.start()
        assert bot.state_of("bad").startswith("stopped")
        assert second.stop() == 0
    check_books(read_books(here.state_db))
    assert_no_traceback(second)


@pytest.mark.timeout(120)
def test_a_strategy_that_freezes_the_process_is_kept_out_until_its_file_changes(
    here: Installation, tmp_path: Path
) -> None:
    configure(here, "blocker")
    script = make_checkout(tmp_path / "checkout", blocker=BLOCKER, buyer=BUYER)
    with ScriptedBridge() as bridge:
        bot = Bot(here, script, bridge)
        frozen = bot.launch()
        assert frozen.wait(PATIENCE_S) == 1, frozen.describe()
        assert "instance bad is frozen" in last_error(frozen)
        times = len(bridge.connections)
        for number in (1, 2):
            # As systemd does: again and again.
            again = bot.launch()
            bridge.wait_connected(times + number)
            assert bot.state_of("bad").startswith("stopped")
            assert bot.state_of("good") == "running"
            wait_until(
                lambda: len(bot.told("strategy_quarantined")) == number,  # noqa: B023
                PATIENCE_S,
                "the chat hears of it",
            )
            if number == 1:
                assert bridge.ask(bridge.command("starttrading")).state == "applied"
                wait_until(lambda: bot.holds(SOUND), PATIENCE_S, "the other one trades")
            again.kill()
        assert "bad" in bot.told("strategy_quarantined")[0]
        assert not bot.holds(HANGING)
        mended = tmp_path / "checkout" / "strategies" / "production" / "blocker.py"
        mended.write_text(BUYER, encoding="utf-8")
        healed = bot.start()
        assert bot.state_of("bad") == "running"
        wait_until(lambda: bot.holds(HANGING), PATIENCE_S, "the mended one trades")
        assert healed.stop() == 0
    check_books(read_books(here.state_db))
