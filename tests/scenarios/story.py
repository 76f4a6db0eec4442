"""One seeded life of a live account: how it enters and leaves, what goes wrong, when it dies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fakes.exchange.faults import Faults
from tests.fakes.exchange.terms import Fees
from tests.fakes.exchange.wire import Kind
from tests.scenarios.books import check_books, check_told, read_kept
from tests.scenarios.exchange_desk import ExchangeDesk, open_exchange
from tests.scenarios.live_bot import LiveBot
from tests.scenarios.moments import NAMES, KilledError, Moments
from tests.scenarios.troubles import SCRIPTS, STEPS, Stage
from trading.strategies.context import StrategyContext

D = Decimal
EXCHANGES: Final = ("kraken", "binance", "coinbase", "kraken-margin", "krakenfutures-swap")
SIZE: Final = "0.01"
PRICE: Final = 64_000
_REST_ROUNDS: Final = 80
_ENTRIES_MAX: Final = 5


@dataclass(frozen=True)
class Fate:
    """Hold what goes wrong in a part of a life, and when it dies in it."""

    troubles: list[tuple[str, Kind, int]]
    kills: list[tuple[str, int]]


@dataclass(frozen=True)
class Plan:
    """Hold what a seed makes of a scenario."""

    exchange: str
    fees: Fees
    enter: str
    leave: str
    coming: "Fate"
    going: "Fate"
    is_short: bool
    config: dict[str, Any]


def make_plan(seed: int) -> Plan:
    """Choose by the seed; seeds one after the other go through exchanges, troubles and steps."""
    rng = Random(seed)
    names, number = list(SCRIPTS), seed // len(EXCHANGES)
    first = (names[number % len(names)], STEPS[number // len(names) % 2], rng.choice((1, 1, 2)))
    fates = [_fate(rng), _fate(rng)]
    # A cancel comes while it leaves only.
    place = 1 if first[1] is Kind.CANCEL else number % 2
    fates[place].troubles.insert(0, first)
    exchange = EXCHANGES[seed % len(EXCHANGES)]
    is_short = exchange not in ("kraken", "binance", "coinbase") and rng.random() < 0.5
    risk: dict[str, Any] = {"daily_loss_pct": 0.9, "total_loss_pct": 0.9, "max_drawdown_pct": 0.9}
    risk |= {"symbol_daily_loss_pct": 0.9, "symbol_total_loss_pct": 0.9}
    leave = rng.choice(list(LEAVES))
    if leave == "trail":
        risk["trailing"] = {"activation_pct": 0.01, "distance_pct": 0.005}
    return Plan(
        exchange,
        _fees(exchange, rng),
        rng.choice(["market", "market", "limit", "limit in parts", "stop", "market in parts"]),
        leave,
        fates[0],
        fates[1],
        is_short,
        {"risk": risk},
    )


def _fate(rng: Random) -> Fate:
    names = list(SCRIPTS)
    troubles = [
        (rng.choice(names), rng.choice(STEPS), rng.choice((1, 1, 2, 3)))
        for _ in range(rng.choice((0, 0, 1, 2)))
    ]
    return Fate(troubles, [_kill(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 4)))])


def _kill(rng: Random) -> tuple[str, int]:
    name = rng.choice(NAMES)
    most = {"processed": 20, "asked": 30, "told": 8}.get(name, 2)
    return name, rng.randint(1, most)


def _fees(exchange: str, rng: Random) -> Fees:
    if exchange == "krakenfutures-swap":
        return Fees(D("0.0002"), D("0.0005"))
    paid_in = rng.choice(("quote", "received")) if exchange == "binance" else "quote"
    return Fees(D("0.0016"), D("0.0026"), paid_in)


class Scenario:
    """Play one plan."""

    def __init__(self, seed: int, desk: ExchangeDesk, folder: Path, plan: Plan) -> None:
        self.rng = Random(seed + 1_000_000)
        self.plan, self.desk = plan, desk
        self.moments = Moments()
        self.bot = LiveBot(folder, desk, Moments(), Random(seed), **plan.config)
        self.bot.run(3)
        self.bot.moments = self.moments
        self.stage = Stage(desk, self.bot, self.rng)

    @property
    def faults(self) -> Faults:
        return self.desk.running.faults

    @property
    def sign(self) -> int:
        return -1 if self.plan.is_short else 1

    def play(self) -> None:
        """Enter, leave, come to rest."""
        self.bot.do("starttrading")
        self.bot.note(f"{self.plan}")
        self.meet(self.plan.coming)
        for _ in range(_ENTRIES_MAX):
            if self.is_in:
                break
            if not self.bot.trader.orders.open:
                self.live(lambda: ENTRIES[self.plan.enter](self))
            self.live(lambda: self.bot.run(self.rng.uniform(3, 12)))
        self.meet(self.plan.going)
        self.live(lambda: LEAVES[self.plan.leave](self))
        self.live(lambda: self.bot.run(self.rng.uniform(5, 40)))
        self.come_to_rest()

    def meet(self, fate: Fate) -> None:
        """Have things go wrong from now on."""
        self.moments.arm(fate.kills)
        for trouble, kind, nth in fate.troubles:
            SCRIPTS[trouble](self.stage, kind, nth)

    @property
    def is_in(self) -> bool:
        return bool(self.bot.trader.desks["main"].book.positions)

    def live(self, act: Callable[[], object]) -> None:
        """Do something, and start again should it die of it."""
        try:
            act()
        except KilledError:
            self.bot.note(f"KILLED at {self.moments.deaths[-1]}")
            self.revive()

    def revive(self) -> None:
        while True:
            self.bot.kill()
            try:
                self.bot.open()
            except KilledError:
                self.bot.note(f"KILLED at its start, at {self.moments.deaths[-1]}")
            else:
                return

    def come_to_rest(self) -> None:
        """End all trouble, and let everything that is on its way come to its end."""
        self.moments.arm([])
        self.faults.clear()
        self.bot.note("the trouble is over")
        for _ in range(_REST_ROUNDS):
            self.bot.run(12)
            if self.bot.is_at_rest and not (self.desk.is_waiting or self.desk.prices):
                self.bot.look()
                self.bot.run(6)
                self.bot.look()
                self.bot.run(6)
                if self.bot.is_at_rest:
                    return
        raise AssertionError("it comes to no rest")

    def price(self, factor: str, *volumes: str) -> None:
        """Let the price go in favour of the position (above 1) or against it, perhaps thinly."""
        step = (D(factor) - 1) * self.sign
        price = (PRICE * (1 + step)).quantize(D(1))
        self.desk.prices.extend((price, D(one)) for one in volumes)
        self.desk.prices.append((price, None))

    def enter_at(self, kind: str, factor: str) -> None:
        """Have the strategy enter at a price."""
        price = float((PRICE * (1 + (D(factor) - 1) * self.sign)).quantize(D(1)))
        side = "sell" if self.plan.is_short else "buy"

        def place(context: StrategyContext) -> None:
            limit, stop = (price, None) if kind == "limit" else (None, price)
            context.place_order(side, float(SIZE), type=kind, limit_price=limit, stop_price=stop)

        self.bot.acts.append(place)
        self.bot.run(2)

    def enter_market(self) -> None:
        self.bot.do("sell" if self.plan.is_short else "buy", self.desk.symbol, SIZE)

    def leave_market(self, *size: str) -> None:
        self.bot.do("buy" if self.plan.is_short else "sell", self.desk.symbol, *size)


def _enter_limit(at: Scenario) -> None:
    at.enter_at("limit", "0.995")
    at.price("0.995")


def _enter_in_parts(at: Scenario) -> None:
    at.enter_at("limit", "0.995")
    at.price("0.995", "0.003", "0.0025", "0.0001")


def _enter_stop(at: Scenario) -> None:
    at.enter_at("stop", "1.005")
    at.price("1.006")


def _enter_market_in_parts(at: Scenario) -> None:
    at.price("1", "0.003", "0.004", "0.0005")
    at.bot.run(1.5)
    at.enter_market()


def _leave_by_stop(at: Scenario) -> None:
    at.price("0.97")
    at.price("0.945")


def _leave_by_stop_in_parts(at: Scenario) -> None:
    at.price("0.946", "0.002", "0.0035", "0.00001")


def _leave_by_gap(at: Scenario) -> None:
    at.price("0.86")


def _leave_by_target(at: Scenario) -> None:
    at.price("1.12")


def _leave_by_trail(at: Scenario) -> None:
    at.price("1.02")
    at.price("1.04")
    at.price("1.03")
    at.price("1.025")


def _leave_in_parts(at: Scenario) -> None:
    at.leave_market("0.004")
    at.bot.run(at.rng.uniform(0, 5))
    at.leave_market()


def _leave_thinly(at: Scenario) -> None:
    at.price("1", "0.002", "0.0001", "0.003")
    at.bot.run(1.5)
    at.leave_market()


def _leave_crossing(at: Scenario) -> None:
    """Have the stop filled while it is being cancelled."""
    engine, symbol = at.desk.engine, at.desk.venue_symbol
    price = (PRICE * (1 - D("0.055") * at.sign)).quantize(D(1))
    part = at.rng.choice((None, D("0.004")))
    at.faults.slow(0.0, kind=Kind.CANCEL, before=lambda _asked: engine.price(symbol, price, part))
    at.bot.do(*at.rng.choice((("flatten",), ("sell", at.desk.symbol))))


def _leave_flat(at: Scenario) -> None:
    at.bot.do("flatten")


def _leave_flat_twice(at: Scenario) -> None:
    at.bot.do("flatten")
    at.bot.run(at.rng.uniform(0, 1))
    at.bot.do("flatten")


def _leave_with_a_plunge(at: Scenario) -> None:
    """Flatten while the price falls through the stop."""
    at.price("0.94", "0.003")
    at.bot.do("flatten")


ENTRIES: Final[dict[str, Callable[[Scenario], None]]] = {
    "market": Scenario.enter_market,
    "limit": _enter_limit,
    "limit in parts": _enter_in_parts,
    "stop": _enter_stop,
    "market in parts": _enter_market_in_parts,
}
LEAVES: Final[dict[str, Callable[[Scenario], None]]] = {
    "stop": _leave_by_stop,
    "stop in parts": _leave_by_stop_in_parts,
    "gap": _leave_by_gap,
    "target": _leave_by_target,
    "trail": _leave_by_trail,
    "sell": Scenario.leave_market,
    "sell in parts": _leave_in_parts,
    "sell thinly": _leave_thinly,
    "flatten": _leave_flat,
    "flatten twice": _leave_flat_twice,
    "crossing": _leave_crossing,
    "plunge": _leave_with_a_plunge,
    "stay": lambda _at: None,
}


def play(seed: int, folder: Path) -> LiveBot:
    """Play the scenario of a seed and hold what must hold; a failure tells its story."""
    plan = make_plan(seed)
    with open_exchange(plan.exchange, plan.fees) as desk:
        scenario = Scenario(seed, desk, folder, plan)
        with _telling(seed, scenario):
            try:
                scenario.play()
                kept = read_kept(scenario.bot.config.database)
                check_books(kept, desk.there)
                check_told(kept)
            finally:
                scenario.bot.kill()
    return scenario.bot


@contextmanager
def _telling(seed: int, scenario: Scenario) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        story = "\n".join(scenario.bot.story)
        asked = scenario.desk.exchange.describe()
        again = f"SCENARIO_SEED={seed} ./run_tests.sh --all -n 0 tests/scenarios -k one_seed"
        raise AssertionError(f"seed {seed}: {error}\n{story}\n{asked}\nagain: {again}") from error
