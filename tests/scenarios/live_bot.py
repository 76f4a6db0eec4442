"""A whole live account without a thread of its own: core, store, worker, ccxt and the exchange.

Everything that decides is the product's: the core with its trader, `state.db` with the store's own
commit and release, the account's worker, and the venue through ccxt over loopback. `kill` drops
all of it at any moment, without a goodbye; `open` makes it again from the file.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

import orjson

from daemonkit.secrets import Secret
from tcpproto import Reply
from tests.fakes.exchange.venues import KEY
from tests.scenarios.exchange_desk import NOW, ExchangeDesk
from tests.scenarios.moments import Moments, StepClock
from tests.trading_tests.makers import make_command, make_health, make_instance
from trading.account_identity import ACCOUNT_ID_KEY, AccountIdentity
from trading.app import owner_of
from trading.brokers.exchanges.loading import Credentials
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue_keys import VenueKeys
from trading.config import BotConfig, load_config
from trading.engine.core import EngineCore
from trading.engine.effects import AskAccount, CommittedEffect, SaveState
from trading.engine.events import CommandReceived, EngineEvent, EngineStarted
from trading.engine.setup import InstanceSetup
from trading.engine.trader import TIME_KEY, Trader
from trading.live_accounts import build_workers
from trading.market.feed import Feed
from trading.model.market import Bar, Tick
from trading.model.order_states import OrderState
from trading.parts import RunOptions, build_core_settings
from trading.risk.approval import ApprovedOrder
from trading.setup_of import build_trading_setup, load_saved_trading
from trading.store.database import StateDatabase, StoreLimits, open_state_database
from trading.store.writer import StoreThread, StoreTimings
from trading.strategies.base import Strategy
from trading.strategies.calls import UnguardedCalls
from trading.strategies.context import StrategyContext

TICK_S: Final = 1.0
_STEPS_MAX: Final = 2_000
TIMEOUT_S: Final = 0.3  # of real time, on loopback
_ON_ITS_WAY: Final = frozenset({OrderState.NEW, OrderState.SENT, OrderState.UNKNOWN})
Act = Callable[[StrategyContext], object]


class _NoReserve:
    """Stand for a disk that is never full."""

    def ensure(self) -> bool:
        return True

    def release(self) -> bool:
        return False


class LiveBot:
    """Trade one account, one thing after the other, on a clock that only this moves."""

    def __init__(
        self, folder: Path, desk: ExchangeDesk, moments: Moments, rng: Random, **config: Any
    ) -> None:
        self.desk, self.moments, self.clock = desk, moments, desk.clock
        self._rng = rng
        self.config = _write_config(folder, desk, config)
        self.story: list[str] = []
        self.acts: deque[Act] = deque()
        self.replies: list[Reply] = []
        self.runs = 0
        self._told: deque[EngineEvent] = deque()
        self._sample_at = 0.0
        self._commands = 0
        self.open()

    # Its lives.

    def open(self) -> None:
        """Start from what is in the file."""
        self.runs += 1
        self._told.clear()
        self.acts.clear()
        config = self.config
        epoch = str(UUID(int=self._rng.getrandbits(128), version=4))
        owner = owner_of(config)
        self.database = open_state_database(config.database, owner, epoch=epoch, restore_hint="")
        kept = self.database.load_trading()
        saved = load_saved_trading(self.database, kept)
        feed = cast("Feed", SimpleNamespace(ticks_show_ranges=True))
        setup = build_trading_setup(config, feed, saved.values, kept, run=epoch, frozen=None)
        if not setup.instances:
            setup = replace(setup, instances=[self._hands()])
        self.trader = Trader(setup, saved, UnguardedCalls())
        self.core = EngineCore(build_core_settings(config, RunOptions()), saved.values, self.trader)
        self.worker = self._build_worker(saved.values)
        self.store = _build_store(self.database, self, self.clock)
        self.tell(EngineStarted(self.clock.wall()))
        self.worker.begin(kept.orders)
        self._sample_at = self.clock.monotonic()

    def kill(self) -> None:
        """Drop everything; what is not in the file is gone."""
        self.store._journal.close()
        self.database.close()
        self.worker._venue.close()

    def _build_worker(self, values: Any) -> AccountWorker:
        secret = self.desk.setting.secret()
        keys = {"main": VenueKeys(Credentials(Secret(KEY), Secret(secret)))}
        kept_time = values.get(TIME_KEY)
        workers = build_workers(
            self.config,
            keys,
            clock=self.clock,
            rng=self._rng,
            tell=self._hear,
            identities={"main": self._identity(values.get(ACCOUNT_ID_KEY + "main", ""))},
            last_run_at=None if kept_time is None else float(kept_time),
        )
        worker = workers["main"]
        exchange = cast("Any", worker._venue)._wire.exchange
        # ccxt signs with a time of its own, which must be that of the exchange.
        exchange.milliseconds = self.clock.sign_ms
        exchange.microseconds = lambda: self.clock.sign_ms() * 1000
        exchange.seconds = lambda: int(self.clock.wall())
        return worker

    def _identity(self, known: str) -> AccountIdentity:
        def keep(found: str) -> None:
            self._commit([SaveState(ACCOUNT_ID_KEY + "main", found)])

        def end(error: Exception) -> None:
            raise error

        return AccountIdentity("main", known, keep=keep, end=end)

    def _hands(self) -> InstanceSetup:
        bot = self

        class Hands(Strategy):
            def on_tick(self, _tick: Tick) -> None:
                while bot.acts:
                    bot.acts.popleft()(self.context)

        return make_instance(Hands, "hands", symbol=self.desk.symbol)

    # What the store lets out: it is called as the link and the brokers' outlet are.

    def answer(self, reply: Reply) -> None:
        self.replies.append(reply)

    def wake_outbox(self) -> None:
        """Nobody listens: what is told is looked up in the file."""

    def prepare(self, approved: ApprovedOrder) -> None:
        self.worker.prepare(approved)

    def submit(self, approved: ApprovedOrder) -> None:
        order = approved.order
        self.moments.pass_by("committed")
        self.note(f"out {order.id[-5:]} {order.purpose} {order.side} {order.type} {order.quantity}")
        self.worker.submit(approved)
        self.moments.pass_by("handed")

    def cancel(self, account: str, order_id: str) -> None:
        self.moments.pass_by("committed")
        self.note(f"cancel {order_id[-5:]}")
        self.worker.cancel(account, order_id)
        self.moments.pass_by("handed")

    def withhold(self, approved: ApprovedOrder, reason: str) -> None:
        self.worker.withhold(approved, reason)

    # One thing after the other.

    def turn(self) -> None:
        """Let the next thing happen: a word is heard, a request is made, or time passes."""
        if self._told:
            self.tell(self._told.popleft())
            return
        wait_s = self.worker.step()
        self.moments.pass_by("asked")
        if not self._told and wait_s > 0:
            self._let_pass(wait_s)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            self.turn()

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(_STEPS_MAX):
            if self._told:
                self.tell(self._told.popleft())
            elif self.worker.step() > 0 and not self._told:
                return
        raise AssertionError(f"{_STEPS_MAX} steps at a time that stands")

    def live_through(self, bar: Bar) -> None:
        """Let a candle happen: its prices at the exchange and here, and what follows from them."""
        self.clock.advance(bar.start + bar.interval_s - self.clock.wall())
        self.desk.arrive_late()
        rises = bar.close >= bar.open
        between = (bar.low, bar.high) if rises else (bar.high, bar.low)
        for price in (bar.open, *between, bar.close):
            self.desk.engine.price(self.desk.venue_symbol, Decimal(repr(price)))
            self.tell(Tick(self.desk.symbol, price, 1.0, self.clock.wall()))
            self.settle()
        self.tell(bar)
        self.tell(make_health(self.clock.wall(), uptime_s=self.clock.monotonic()))
        self.settle()

    def do(self, verb: str, *args: str) -> str:
        """Give a command as a person would; return its name."""
        self._commands += 1
        now, name = self.clock.wall(), f"c{self._commands}"
        self.note(f"/{verb} {' '.join(args)}")
        command = make_command(
            verb,
            *args,
            command_id=name,
            role="admin",
            issued_at=now,
            expires_at=now + 600,
            confirmed=True,
        )
        self.tell(CommandReceived(command, now))
        return name

    def look(self) -> None:
        """Have all of the account looked at, and wait for what is seen of it."""
        venue = self.trader.desks["main"].venue
        assert venue is not None
        self.worker.ask(venue.next_number())

    @property
    def is_at_rest(self) -> bool:
        """Tell whether nothing is on its way, and nothing more is wanted."""
        orders = list(self.trader.orders.open.values())
        positions = self.trader.desks["main"].book.positions.values()
        venue = self.trader.desks["main"].venue
        return not (
            self._told
            or self.worker.is_busy
            or venue is None
            or venue.account_trouble
            or any(one.state in _ON_ITS_WAY or one.is_cancelling for one in orders)
            or any(one.closing for one in positions)
            or self.trader.conditions.flattening
        )

    def note(self, text: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{self.clock.wall() - NOW:8.2f} {text}")

    def _hear(self, event: Any) -> None:
        self.note(f"  {_words(event)}")
        self._told.append(event)
        self.moments.pass_by("told")

    def tell(self, event: EngineEvent) -> None:
        """Let the core process an event, and commit and release what it wants."""
        effects = self.core.process(event)
        self.moments.pass_by("processed")
        self._commit([one for one in effects if isinstance(one, CommittedEffect)])
        for one in effects:
            if isinstance(one, AskAccount):
                self.worker.ask(one.number)

    def _commit(self, unit: list[Any]) -> None:
        if unit:
            self.store.submit(unit)
            self.store._do_batch(self.store._collect())

    def _let_pass(self, seconds: float) -> None:
        until_sample = max(0.0, self._sample_at - self.clock.monotonic())
        self.clock.advance(min(seconds, until_sample))
        self.desk.arrive_late()
        if self.clock.monotonic() < self._sample_at:
            return
        self._sample_at = self.clock.monotonic() + TICK_S
        self.desk.move()
        now = self.clock.wall()
        for symbol, tape in self.desk.engine.tapes.items():
            if symbol == self.desk.venue_symbol and tape.last is not None:
                self.tell(Tick(self.desk.symbol, float(tape.last), 1.0, now))
        self.tell(make_health(now, uptime_s=self.clock.monotonic()))


def _write_config(folder: Path, desk: ExchangeDesk, more: dict[str, Any]) -> BotConfig:
    bot_dir = folder / "alpha"
    bot_dir.mkdir(exist_ok=True)
    setting = desk.setting
    account: dict[str, Any] = {
        "market_type": setting.market_type,
        "ccxt": {**desk.running.ccxt_config, "timeout": round(TIMEOUT_S * 1000)},
    }
    config: dict[str, Any] = {
        "exchange": desk.exchange_name,
        "dry_run": False,
        "trading": {"pairs": [desk.symbol], "trade_amount_usd": 500},
        "accounts": {"main": account},
        "feed": {"kind": "exchange", "history_candles": 5},
        "live": {"request_timeout_s": TIMEOUT_S, "requests_per_s": 20},
        "status_interval_s": 1.0,
        **more,
    }
    if setting.market_type != "spot":
        config |= {"mode": "leveraged", "leverage": setting.leverage, "allow_short": True}
    # JSON is YAML.
    (bot_dir / "config.yaml").write_bytes(orjson.dumps(config))
    return load_config(bot_dir, {"VAR_DIR": str(folder / "var")})


def _build_store(database: StateDatabase, released: LiveBot, clock: StepClock) -> StoreThread:
    """Return the store as it runs, but that its thread never starts."""

    def fail(error: Exception) -> None:
        raise error

    return StoreThread(
        database,
        _NoReserve(),
        clock=clock,
        limits=StoreLimits(),
        timings=StoreTimings(prune_interval_s=86_400.0),
        released=released,
        report=released._hear,
        on_failure=fail,
    )


def _words(event: Any) -> str:
    text = type(event).__name__
    fill = getattr(event, "fill", None)
    if fill is not None:
        fee = f"{fill.fee} {fill.fee_currency}"
        return f"{text} {fill.order_id[-5:]} {fill.side} {fill.quantity} at {fill.price}, {fee}"
    order_id, reason = getattr(event, "order_id", ""), getattr(event, "reason", "")
    return f"{text} {order_id[-5:]} {reason}".rstrip()
