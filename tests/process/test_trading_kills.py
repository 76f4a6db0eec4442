"""Kill -9 of a bot at random moments of trading: nothing is lost, and nothing is done twice."""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import orjson
import psutil
import pytest

from tcpproto import Command, Event, PeerInfo
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.scripted_bridge import ScriptedBridge
from tests.process.trading_books import (
    Books,
    check_books,
    check_continued,
    check_statistics,
    check_status,
    check_unchanged,
    read_books,
    wait_for_trade_file,
)
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


SHORT = pytest.mark.timeout(120)
LONG = (pytest.mark.long, pytest.mark.timeout(900))


@pytest.mark.parametrize(
    ("kills", "settings", "accounts"),
    [
        pytest.param(3, LONG_ONLY, ("main",), id="long only", marks=SHORT),
        pytest.param(2, BOTH_WAYS, ("main", "second"), id="both ways", marks=SHORT),
        pytest.param(25, LONG_ONLY, ("main",), id="long only, 25 times", marks=LONG),
        pytest.param(25, BOTH_WAYS, ("main", "second"), id="both ways, 25 times", marks=LONG),
    ],
)
def test_a_bot_killed_while_it_trades_goes_on_as_if_nothing_had_been(
    here: Installation, kills: int, settings: str, accounts: tuple[str, ...]
) -> None:
    seed = Random().getrandbits(32)
    print(f"seed {seed}")  # noqa: T201 - a failure shows it
    with DeadlyBridge() as bridge:
        life = Life(here, bridge, Random(seed), settings, accounts)
        bot = life.start(QUICK)
        assert bridge.ask(bridge.command("starttrading")).state == "applied"
        books = read_books(here.state_db)
        for _ in range(kills):
            life.order()
            life.repeat_some()
            life.let_trade(2)
            life.kill_at_a_random_moment(bot)
            books = check_kill(life, before=books)
            bot = life.start(QUICK)
        assert bot.stop() == 0
        books = check_kill(life, before=books)
    assert books.trades, "too little happened for this test to mean anything"
    check_commands(life, books)
    check_report(life, books)
    assert_no_traceback(*life.starts)


def has_used(bot: RunningProcess, seconds: float) -> bool:
    """Tell whether a bot that starts has worked so long, or has started."""
    times = psutil.Process(bot.pid).cpu_times()
    return times.user + times.system >= seconds or "ready" in bot.stderr.splitlines()


def check_kill(life: Life, before: Books) -> Books:
    """Hold what is on the disk against itself, what was there, and what the next start tells."""
    here = life.here
    killed = read_books(here.state_db)
    check_books(killed, life.accounts)
    check_continued(before, killed)
    bot = life.start(STILL)
    # Not before the first price of each market: then nothing moves any more.
    wait_until(
        lambda: life.ask("getstatus")["ticks_handled"] == len(SYMBOLS), PATIENCE_S, "a first price"
    )
    fields, statistics = life.ask("getstatus"), life.ask("getstats")
    books = read_books(here.state_db)
    check_books(books, life.accounts)
    check_unchanged(killed, books)
    check_status(fields, books)
    check_statistics(statistics, books)
    wait_for_trade_file(here.bot_folder, books)
    assert orjson.loads((here.bot_folder / "state.json").read_bytes())["bot"] == "paper"
    # Each trade is told of, and no kill has it told of twice.
    wait_until(lambda: len(life.told_trades()) >= len(books.trades), PATIENCE_S, "all trades")
    assert life.told_trades() == [one["number"] for one in books.trades]
    life.repeat_some()
    bot.kill()
    return read_books(here.state_db)


def check_commands(life: Life, books: Books) -> None:
    """Each command that was carried out has its one order, and no other has any."""
    for command in life.commands:
        orders = books.by_author(command.author)
        outcome = books.outcomes.get(command.id)
        # A purchase closes what is short, and that order is the engine's own.
        is_deal = outcome is not None and outcome["text"].startswith(f"{command.verb} ")
        is_done = is_deal and outcome is not None and outcome["state"] == "applied"
        assert len(orders) == is_done, (command, outcome, orders)
        states = {one.state for one in life.bridge.replies_to(command)}
        assert len(states) <= 1, (command, states)


def check_report(life: Life, books: Books) -> None:
    """The report of a bot that does not run tells what is in its books."""
    here = life.here
    done = here.trading_command("report", here.bot_dir, "--json", "--trades", "10000")
    assert done.returncode == 0, done.describe()
    told = orjson.loads(done.stdout)
    assert [one["profit"] for one in told["trades"]] == [
        f"{Decimal(one['profit']):f}" for one in books.trades
    ]
    assert {(one["account"], one["symbol"]) for one in told["positions"]} == set(books.positions)
    assert told["orders_open"] == len(books.open_orders)
