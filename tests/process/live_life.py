"""One bot with a real account at an exchange of the fake: it trades, is killed, and comes back.

It knows how to make trouble and what must hold afterwards, not how often any of it happens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

from daemonkit.clock import SystemClock
from tcpproto import Command
from tcpproto.payloads import ReplyState
from tests.fakes.exchange.faults import Faults
from tests.fakes.exchange.terms import Fees, Market, MarketKind
from tests.fakes.exchange.venues import SPOT_FEES, SWAP_FEES, usual_engine, usual_markets
from tests.fakes.exchange.wire import Asked, Kind, Word
from tests.process.installation import PATIENCE_S, Installation
from tests.process.live_desk import LiveDesk
from tests.process.scripted_bridge import ScriptedBridge
from tests.processes import RunningProcess
from tests.scenarios.books import Kept, There, check_books, check_told, read_kept
from tests.trading_tests.brokers.ccxt_fake_desks import SETTINGS
from tests.waiting import wait_until
from trading.model.order import Purpose

_PACE: Final = {"request_timeout_s": 1, "unknown_settle_s": 1, "poll_s": 0.1, "requests_per_s": 50}
_RISK: Final = "risk: {daily_loss_pct: 0.99, total_loss_pct: 0.99, max_drawdown_pct: 0.99}\n"
_LEVERAGED: Final = "mode: leveraged\nleverage: 3\nallow_short: true\n"
_STEPS: Final = (Kind.SUBMIT, Kind.CANCEL, Kind.OPEN_ORDERS, Kind.TRADES, Kind.CLOSED_ORDERS)
_FEES: Final = {
    "binance": Fees(Decimal("0.001"), Decimal("0.001"), "received"),
    "coinbase": Fees(Decimal("0.004"), Decimal("0.006")),
    "krakenfutures-swap": SWAP_FEES,
}
# Of prices and quantities; a market takes no less than one step of a quantity.
_MARKET_STEPS: Final = {
    "binance": ("0.01", "0.00001"),
    "coinbase": ("0.01", "0.00001"),
    "krakenfutures-swap": ("1", "0.0001"),
}
_LEVEL: Final = 64_000
# Through the stop, far through it where a stop has a limit, and through the target.
_LEVELS: Final = {"kraken": (58_000, 71_000)}
_LEVELS_ELSEWHERE: Final = (55_000, 58_000, 71_000)


@dataclass
class LiveLife:
    """One bot that trades, is killed, and comes back."""

    desk: LiveDesk
    bridge: ScriptedBridge
    rng: Random
    there: There
    deals: tuple[tuple[str, ...], ...]
    levels: tuple[int, ...]
    starts: list[RunningProcess] = field(default_factory=list)
    deeds: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

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
        # As a bridge does: nobody knows whether they came before the kill.
        for command in self.commands:
            if not self._outcomes(command):
                self.bridge.send(command)
        return bot

    def ask(self, *words: str) -> str:
        reply = self.bridge.ask(self._command(*words))
        return f"{reply.state}: {reply.text}"

    def enter(self) -> None:
        """Buy once the market and the account are known, in a market that has calmed down.

        Whoever is in buys more: a bot that has just started refuses what it is told to do.
        """
        self.desk.level = _LEVEL
        self.ask("starttrading")
        self.ask("resume")
        wait_until(
            lambda: self.ask("buy", self.desk.pair).startswith("applied"), PATIENCE_S, "a purchase"
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
        is_awaited = self.rng.random() < 0.5
        if is_awaited:
            kind = self.rng.choice((Kind.SUBMIT, Kind.SUBMIT, Kind.CANCEL))
            acts = self.rng.random() < 0.7
            self.deeds.append(f"to be killed at a {kind} that is taken: {acts}")
            self.faults.drop(acts=acts, kind=kind, before=partial(_kill, bot))
        for _ in range(self.rng.randint(1, 4)):
            deal = self.rng.choice(self.deals)
            self.deeds.append(" ".join(deal))
            self.bridge.send(self._command(*deal))
        if self.rng.random() < 0.3:
            self.desk.level = self.rng.choice(self.levels)
            self.deeds.append(f"at {self.desk.level}")
        # Not all commands make requests: a bot without anything open asks for little.
        until = SystemClock.monotonic() + 1.5
        more = self._requests + self.rng.randint(0, 12)
        wait_until(
            lambda: (
                bot.returncode is not None
                or (self._requests >= more and not is_awaited)
                or SystemClock.monotonic() >= until
            ),
            PATIENCE_S,
            "a moment",
        )
        self.deeds.append("KILLED" if bot.returncode is None else "KILLED on the wire")
        bot.kill()
        self.faults.clear()

    def check(self) -> None:
        """Wait until book and exchange agree; what they differ in otherwise is the failure."""

        def agrees() -> bool:
            try:
                self._check_books()
            except AssertionError:
                return False
            return True

        # An order that has not arrived is refused by the exchange itself after ten seconds.
        try:
            wait_until(agrees, 2 * PATIENCE_S, "book and exchange agree")
        except AssertionError:
            self._check_books()

    def check_told(self) -> None:
        """Fail unless a person was told of each trade, once over all kills."""
        wait_until(lambda: not self._kept().events, PATIENCE_S, "all is told")
        told = [one.kind for one in tuple(self.bridge.events)]
        check_told(replace(self._kept(), events=told))

    def _check_books(self) -> None:
        kept = self._kept()
        check_books(kept, self.there)
        entries = [one for one in kept.orders.values() if one.purpose is Purpose.ENTRY]
        wanted = [one for one in self.commands if one.verb in ("buy", "sell")]
        assert len(entries) <= len(wanted), f"{entries} for {wanted}"
        outcomes = {one: self._outcomes(one) for one in self.commands}
        torn = [one for one, states in outcomes.items() if len(states) != 1]
        assert not torn, f"not one outcome: {[(one, outcomes[one]) for one in torn]}"

    def _outcomes(self, command: Command) -> set[ReplyState]:
        return {one.state for one in self.bridge.replies_to(command) if one.state.is_final}

    def _command(self, *words: str) -> Command:
        made = self.bridge.command(*words, confirmed=True)
        self.commands.append(made)
        return made

    def _kept(self) -> Kept:
        return read_kept(self.desk.here.state_db)

    @property
    def _requests(self) -> int:
        private = (Kind.SUBMIT, Kind.CANCEL, *_STEPS, Kind.BALANCES, Kind.ORDER)
        return len(self.desk.venue.exchange.requests(*private))


def _kill(bot: RunningProcess, _asked: Asked) -> None:
    bot.kill()


def _market(exchange: str) -> Market:
    setting = SETTINGS[exchange]
    # At Kraken margin and spot are traded in the same market.
    kind = MarketKind.MARGIN if exchange == "kraken" else MarketKind(setting.market_type)
    market = usual_markets(setting.quote, kind)[0]
    if exchange not in _MARKET_STEPS:
        return market
    price, quantity = map(Decimal, _MARKET_STEPS[exchange])
    return replace(market, price_step=price, quantity_step=quantity, quantity_min=quantity)


@contextmanager
def living(here: Installation, exchange: str, seed: int) -> Iterator[LiveLife]:
    """Make an account ready for a bot, with one key or with a second one for reads."""
    setting, is_spot = SETTINGS[exchange], SETTINGS[exchange].market_type == "spot"
    market = _market(exchange)
    fees = _FEES.get(exchange, SPOT_FEES)
    engine, account = usual_engine([market], secret=setting.secret(), fees=fees)
    name = exchange.partition("-")[0]
    pair = f"{market.symbol}:USD" if setting.market_type == "swap" else market.symbol
    deals = [("buy", pair), ("buy", pair), ("sell", pair), ("flatten",), ("resume",)]
    with setting.start(engine) as venue, ScriptedBridge() as bridge:
        has_read_key = seed % 2 == 0
        desk = LiveDesk(here, venue, account, exchange=name, pair=pair, has_read_key=has_read_key)
        desk.pace |= _PACE
        own: dict[str, Any] | None = None if is_spot else {"market_type": setting.market_type}
        desk.configure(f"dry_run: false\n{_RISK}{'' if is_spot else _LEVERAGED}", own)
        desk.put_keys()
        desk.confirm()
        there = There(engine, account, name, market.symbol, is_spot)
        levels = _LEVELS.get(exchange, _LEVELS_ELSEWHERE)
        with desk.ticking():
            yield LiveLife(desk, bridge, Random(seed), there, tuple(deals), levels)
