"""Kill -9 of a bot with a real account, at random moments of trading, with an exchange in trouble.

After each kill it is started again, and book and exchange must agree to the last digit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

import pytest

from daemonkit.clock import SystemClock
from tests.fakes.exchange.faults import Faults
from tests.fakes.exchange.venues import start_kraken, usual_engine, usual_markets
from tests.fakes.exchange.wire import Asked, Kind, Word
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.live_desk import BTC, LiveDesk
from tests.process.scripted_bridge import ScriptedBridge
from tests.processes import RunningProcess
from tests.scenarios.books import There, check_books, read_kept
from tests.waiting import wait_until

LONG = (pytest.mark.long, pytest.mark.timeout(600))
_PACE: Final = {"request_timeout_s": 1, "unknown_settle_s": 1, "poll_s": 0.1, "requests_per_s": 50}
_RISK: Final = "risk: {daily_loss_pct: 0.99, total_loss_pct: 0.99, max_drawdown_pct: 0.99}\n"
_DEALS: Final = (("buy", BTC), ("buy", BTC), ("sell", BTC), ("flatten",), ("resume",))
_STEPS: Final = (Kind.SUBMIT, Kind.CANCEL, Kind.OPEN_ORDERS, Kind.TRADES, Kind.CLOSED_ORDERS)


@dataclass
class LiveLife:
    """One bot that trades, is killed, and comes back."""

    desk: LiveDesk
    bridge: ScriptedBridge
    rng: Random
    starts: list[RunningProcess] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        return self.desk.venue.faults

    def start(self) -> RunningProcess:
        times = len(self.bridge.connections) + 1
        bot = self.desk.here.launch_trading(**self.bridge.environment)
        self.starts.append(bot)
        wait_until(
            lambda: len(self.bridge.connections) >= times or bot.returncode is not None,
            PATIENCE_S,
            f"a start\n{bot.describe()}",
        )
        assert bot.returncode is None, bot.describe()
        self.bridge.wait_connected(times)
        return bot

    def ask(self, verb: str, *args: str) -> str:
        reply = self.bridge.ask(self.bridge.command(verb, *args, confirmed=True))
        return f"{reply.state}: {reply.text}"

    def enter(self) -> None:
        """Buy once the market and the account are known."""
        self.ask("starttrading")
        self.ask("resume")
        wait_until(
            lambda: self.desk.held() > 0 or self.ask("buy", BTC).startswith("applied"),
            PATIENCE_S,
            "a purchase",
        )

    def trouble(self) -> None:
        """Have something go wrong from now on."""
        kind, acts, faults = self.rng.choice(_STEPS), self.rng.random() < 0.6, self.faults
        scripts: dict[str, Callable[..., object]] = {
            "hang": partial(faults.hang, acts=acts),
            "drop": partial(faults.drop, acts=acts),
            "502": partial(faults.status, 502, acts=acts),
            "html": partial(faults.html, acts=acts),
            "timeout": partial(faults.say, Word.TIMEOUT, acts=acts),
            "cut": faults.cut,
            "truncated": faults.truncate,
            "odd": faults.odd,
        }
        name = self.rng.choice(list(scripts))
        self.deeds.append(f"{name} at {kind}, acts: {acts}")
        scripts[name](kind=kind, nth=self.rng.choice((1, 2)))

    def die(self, bot: RunningProcess) -> None:
        """Give some commands and kill it: with a request on the wire, or after some more."""
        if self.rng.random() < 0.5:
            kind = self.rng.choice((Kind.SUBMIT, Kind.SUBMIT, Kind.CANCEL))
            acts = self.rng.random() < 0.7
            self.deeds.append(f"to be killed at a {kind} that is taken: {acts}")
            self.faults.drop(acts=acts, kind=kind, before=partial(_kill, bot))
        for _ in range(self.rng.randint(1, 4)):
            deal = self.rng.choice(_DEALS)
            self.deeds.append(" ".join(deal))
            self.bridge.send(self.bridge.command(*deal, confirmed=True))
        if self.rng.random() < 0.3:
            self.desk.level = self.rng.choice((58_000, 71_000))
        # Not all commands make requests: a bot without anything open asks for little.
        until = SystemClock.monotonic() + 1.5
        more = self._requests + self.rng.randint(0, 12)
        wait_until(
            lambda: (
                bot.returncode is not None
                or self._requests >= more
                or SystemClock.monotonic() >= until
            ),
            PATIENCE_S,
            "a moment",
        )
        self.deeds.append("KILLED")
        bot.kill()
        self.faults.clear()

    @property
    def _requests(self) -> int:
        private = (Kind.SUBMIT, Kind.CANCEL, *_STEPS, Kind.BALANCES, Kind.ORDER)
        return len(self.desk.venue.exchange.requests(*private))

    def check(self) -> None:
        """Wait until book and exchange agree; what they differ in otherwise is the failure."""
        there = There(self.desk.engine, self.desk.account, "kraken", BTC, is_spot=True)

        def agrees() -> bool:
            try:
                check_books(read_kept(self.desk.here.state_db), there)
            except AssertionError:
                return False
            return True

        # An order that has not arrived is refused by the exchange itself after ten seconds.
        try:
            wait_until(agrees, 2 * PATIENCE_S, "book and exchange agree")
        except AssertionError:
            check_books(read_kept(self.desk.here.state_db), there)


def _kill(bot: RunningProcess, _asked: Asked) -> None:
    bot.kill()


@contextmanager
def living(here: Installation, seed: int) -> Iterator[LiveLife]:
    """Make the account ready for a bot."""
    engine, account = usual_engine(usual_markets()[:1])
    with start_kraken(engine) as venue, ScriptedBridge() as bridge:
        desk = LiveDesk(here, venue, account, has_read_key=seed % 2 == 0)
        desk.configure(f"dry_run: false\n{_RISK}")
        text = here.bot_file.read_text(encoding="utf-8")
        kept = [line for line in text.splitlines() if not line.startswith("live:")]
        here.bot_file.write_text("\n".join([*kept, f"live: {_PACE}"]), encoding="utf-8")
        desk.put_keys()
        desk.confirm()
        with desk.ticking():
            yield LiveLife(desk, bridge, Random(seed))


@pytest.mark.parametrize(
    ("seed", "kills"),
    [
        pytest.param(1, 1, id="a single key"),
        pytest.param(338, 1, id="an answer on the wire"),
        *(pytest.param(seed, 10, id=f"ten kills, {seed}", marks=LONG) for seed in range(3, 8)),
    ],
)
def test_a_live_bot_killed_while_it_trades_loses_nothing_and_does_nothing_twice(
    here: Installation, seed: int, kills: int
) -> None:
    with living(here, seed) as life:
        bot = life.start()
        for _ in range(kills):
            life.desk.level = 64_000
            life.enter()
            for _ in range(life.rng.randint(0, 2)):
                life.trouble()
            life.die(bot)
            bot = life.start()
            try:
                life.check()
            except AssertionError as error:
                raise AssertionError("\n".join([*life.deeds, str(error), bot.describe()])) from None
        assert bot.stop() == 0, bot.describe()
        assert_no_traceback(*life.starts)
