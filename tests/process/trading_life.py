"""One bot that trades quickly, is killed at random moments, and comes back."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import psutil

from tcpproto import Command, Event, PeerInfo
from tests.process.installation import PATIENCE_S, Installation
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import read_books
from tests.processes import RunningProcess
from tests.waiting import wait_until

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
# The others always trade, so that there is something to kill.
SWITCHED = SYMBOLS[-1]
DEALS = ("buy", "buy", "sell")
SWITCHES = ("stopbuying", "startbuying", "stopselling", "startselling")
# A market that stands still after its first price: what a restart tells is what it was left.
STILL = 0.000001
CLOSED = {"sold", "bought_back"}
QUICK = 900
TRADING = """
trading: {trade_amount_usd: 500}
risk:
  stop_loss_pct: 0.004
  take_profit_pct: 0.006
  trailing: {activation_pct: 0.002, distance_pct: 0.002, tight_distance_pct: 0.001}
  max_drawdown_pct: 0.99
  daily_loss_pct: 0.99
  total_loss_pct: 0.99
  symbol_daily_loss_pct: 0.99
  symbol_total_loss_pct: 0.99
  losing_streak: 1000
  quote_age_max_s: 3600
paper: {fee_taker_pct: 0.0003, fee_maker_pct: 0.0001, latency_ms: 15000, volume_share: 0.5}
status_interval_s: 0.05
strategy: sma_crossover
"""
LONG_ONLY = """
parameters: {fast_period: 1, slow_period: 2}
"""
BOTH_WAYS = """
parameters: {fast_period: 1, slow_period: 2, allow_short: true}
mode: leveraged
leverage: 2
allow_short: true
accounts: {main: {}, second: {}}
"""


class DeadlyBridge(ScriptedBridge):
    """Kill the bot in the very moment in which it tells of something."""

    def __init__(self) -> None:
        self.victim: RunningProcess | None = None
        self.events_left = 0
        super().__init__()

    def on_event(self, peer: PeerInfo, event: Event) -> None:
        super().on_event(peer, event)
        if self.victim is not None and event.kind in {"bought", *CLOSED}:
            self.events_left -= 1
            if self.events_left < 0:
                self.victim.kill()
                self.victim = None


@dataclass
class Life:
    """One bot that trades, is killed, and comes back."""

    here: Installation
    bridge: DeadlyBridge
    rng: Random
    settings: str
    accounts: tuple[str, ...]
    commands: list[Command] = field(default_factory=list)
    starts: list[RunningProcess] = field(default_factory=list)

    def start(self, speed: float) -> RunningProcess:
        """Start the bot in a market of some speed, and wait until it is connected."""
        times = len(self.bridge.connections) + 1
        bot = self.launch(speed)
        self.bridge.wait_connected(times)
        return bot

    def launch(self, speed: float) -> RunningProcess:
        """Start the bot in a market of some speed."""
        market = (
            f"feed: {{kind: synthetic, speed: {speed:f}, tick_interval_s: 10, "
            "history_candles: 10, start: 2026-01-05T00:00:00Z}\n"
        )
        self.here.configure_bot(TRADING + self.settings, market=market)
        bot = self.here.launch_trading(**self.bridge.environment)
        self.starts.append(bot)
        return bot

    def order(self) -> Command:
        """Send the command of somebody who has never been here before."""
        symbol = self.rng.choice(SYMBOLS)
        verb = self.rng.choice(DEALS if symbol != SWITCHED else DEALS + SWITCHES)
        command = self.bridge.command(
            verb,
            symbol,
            author=f"person-{len(self.commands)}",
            account=self.rng.choice(self.accounts),
            confirmed=True,
        )
        self.commands.append(command)
        self.bridge.send(command)
        return command

    def repeat_some(self) -> None:
        """Tap again on what was tapped before, whatever came of it."""
        for command in self.rng.sample(self.commands, min(3, len(self.commands))):
            self.bridge.send(command)

    def kill_at_a_random_moment(self, bot: RunningProcess) -> None:
        """Kill it as it tells of a deal, as it takes a command, or after some commits."""
        way = self.rng.choice(["starting", "told", "asked", "stored"])
        if way == "starting":
            bot.kill()
            bot = self.launch(QUICK)
            used_s = self.rng.uniform(0.2, 1.2)
            wait_until(lambda: has_used(bot, used_s), PATIENCE_S, "it starts")
            bot.kill()
        elif way == "told":
            self.bridge.events_left = self.rng.randrange(6)
            self.bridge.victim = bot
            wait_until(lambda: self.bridge.victim is None, PATIENCE_S, "a deal is told of")
        elif way == "asked":
            for _ in range(self.rng.randrange(1, 5)):
                self.order()
            bot.kill()
        else:
            self.let_trade(self.rng.randrange(1, 5))
            bot.kill()

    def let_trade(self, fills: int) -> None:
        """Wait until so much more is filled."""

        def count() -> int:
            return len(read_books(self.here.state_db).fills)

        wanted = count() + fills
        wait_until(lambda: count() >= wanted, PATIENCE_S, f"{fills} more fills")

    def told_trades(self) -> list[int]:
        """Return the numbers of the trades that the chat has heard of."""
        events = tuple(self.bridge.events)
        return [one.fields["number"] for one in events if one.kind in CLOSED]

    def ask(self, verb: str) -> dict[str, Any]:
        """Return the fields of an answer."""
        return dict(self.bridge.ask(self.bridge.command(verb)).fields)


def has_used(bot: RunningProcess, seconds: float) -> bool:
    """Tell whether a bot that starts has worked so long, or has started."""
    times = psutil.Process(bot.pid).cpu_times()
    return times.user + times.system >= seconds or "ready" in bot.stderr.splitlines()
