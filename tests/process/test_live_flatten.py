"""/flatten of a full live account: flat at the exchange in time, once, tapped or killed or not."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from tcpproto import Command, ReplyState
from tests.fakes.exchange.binance import BinanceDialect
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Fees, Market, Order, OrderKind, Side
from tests.fakes.exchange.venues import start_binance, start_kraken, usual_engine
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback
from tests.process.live_desk import LiveDesk
from tests.process.own_strategies import make_checkout
from tests.process.scripted_bridge import ScriptedBridge
from tests.processes import RunningProcess
from tests.waiting import wait_until

D = Decimal
BASES = [
    *("AAVE", "ADA", "ALGO", "APT", "ARB", "ATOM", "AVAX", "CRV", "DOT", "FIL"),
    *("GRT", "INJ", "LINK", "NEAR", "OP", "SOL", "SUI", "TIA", "UNI", "YFI"),
]
PRICE = D(100)
TICK_S = 0.01
# What is promised; and how long Binance may still take an order that was on its way when the
# process died, before which it must not be sent again.
DEADLINE_S, ON_ITS_WAY_S = 5.0, 8.0
HOLDER = """
from trading.strategies.base import Strategy


class Holder(Strategy):
    CONFIG_SCHEMA = {"entries": {"type": "int", "default": 1}}

    def on_tick(self, tick):
        if self.context.position is None and not self.context.get_orders():
            self.context.place_order("buy", amount=100)
            for number in range(self.config["entries"]):
                price = tick.price * (0.5 + 0.1 * number)
                self.context.place_order("buy", amount=100, type="limit", limit_price=price)
"""


class FullDesk(LiveDesk):
    """An account that holds coins, each with a stop and with one or two entries that wait."""

    @property
    def symbols(self) -> list[str]:
        return list(self.engine.markets)

    @property
    def entries(self) -> int:
        return sum(entries_of(number) for number in range(len(self.symbols)))

    def write(self, **more: object) -> None:
        config = {
            "name": "paper",
            "exchange": self.exchange,
            "dry_run": False,
            "trading": {"pairs": self.symbols, "trade_amount_usd": 100},
            "ccxt": self.venue.ccxt_config | {"timeout_on_exit": 1},
            # Binance's budget of requests is the usual one. A full account takes Kraken's lowest
            # tier minutes to make.
            "live": {} if self.exchange == "binance" else {"requests_per_s": 5},
            "feed": {"kind": "exchange", "history_candles": 2, "rest_poll_s": 0.5},
            "link": {"reconnect_longest_s": 0.1},
            "status_interval_s": 0.1,
            **more,
        }
        # JSON is YAML.
        self.here.bot_file.write_bytes(orjson.dumps(config))

    def start(self, script: Path, bridge: ScriptedBridge) -> RunningProcess:
        times = len(bridge.connections) + 1
        bot = self.here.processes.start(script, self.here.bot_dir, env=bridge.environment)
        bridge.wait_connected(times)
        return bot

    @property
    def is_full(self) -> bool:
        entries = Counter(order.wish.kind for order in self.engine.open_orders(self.account))
        return (entries[OrderKind.LIMIT], entries[OrderKind.STOP]) == (
            self.entries,
            len(self.symbols),
        )

    @property
    def sales(self) -> list[Order]:
        """Return the orders that left a position."""
        orders = self.engine.orders(self.account)
        return [one for one in orders if one.side is Side.SELL and one.filled]

    def check_flat(self) -> None:
        """Nothing is held or waits, and each coin that was bought was sold by one order."""
        self.venue.exchange.check()
        assert not self.engine.open_orders(self.account)
        held = self.engine.balances(self.account)
        assert not {name: one for name, one in held.items() if name != "USDT" and one.total}
        assert sorted(order.symbol for order in self.sales) == self.symbols
        ids = [order.client_id for order in self.engine.orders(self.account)]
        assert len(ids) == len(set(ids)), "an order is there twice"


@contextmanager
def _ticking(engine: Engine) -> Iterator[None]:
    """Trade in one market after the other, around the same price."""
    done = threading.Event()
    symbols = list(engine.markets)

    def trade() -> None:
        step = 0
        while not done.wait(TICK_S):
            step += 1
            engine.price(symbols[step % len(symbols)], PRICE + step % 3, D(1_000))

    thread = threading.Thread(target=trade, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def entries_of(number: int) -> int:
    """Say how many entries wait in a market: 30 in 20 markets."""
    return 1 + number % 2


@pytest.fixture
def desk(request: pytest.FixtureRequest, here: Installation) -> Iterator[FullDesk]:
    exchange, _, count = request.param.partition("-")
    markets = [
        Market(f"{base}/USDT", base, "USDT", D("0.01"), D("0.00001"), D("0.001"), cost_min=D("0.5"))
        for base in BASES[: int(count)]
    ]
    engine, account = usual_engine(markets, cash=D(1_000_000))
    start = start_binance if exchange == "binance" else start_kraken
    account.fees = Fees(D("0.001"), D("0.001"))
    for market in markets:
        engine.price(market.symbol, PRICE)
    with start(engine) as venue, _ticking(engine):
        yield FullDesk(here, venue, account, exchange=exchange, has_read_key=False)


def fill_up(desk: FullDesk, script: Path, bridge: ScriptedBridge) -> RunningProcess:
    """Confirm the account, start the bot, and wait until everything is held and waits."""
    desk.write()
    desk.put_keys()
    desk.confirm()
    instances = [
        {"market": symbol, "strategy": "holder", "parameters": {"entries": entries_of(number)}}
        for number, symbol in enumerate(desk.symbols)
    ]
    desk.write(instances=instances)
    bot = desk.start(script, bridge)
    assert bridge.ask(bridge.command("starttrading")).state == ReplyState.APPLIED
    wait_until(lambda: desk.is_full, 3 * PATIENCE_S, f"a full account\n{bot.describe()}")
    return bot


def is_settled(bridge: ScriptedBridge, command: Command) -> bool:
    """Tell whether a command has its final answer."""
    return any(one.state != ReplyState.ACCEPTED for one in bridge.replies_to(command))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("desk", "taps"),
    [
        ("binance-4", 10),
        pytest.param("binance-20", 1, marks=pytest.mark.long),
        pytest.param("binance-20", 10, marks=pytest.mark.long),
        pytest.param("kraken-20", 1, marks=pytest.mark.long),
    ],
    indirect=["desk"],
)
def test_a_full_account_is_flat_in_time(desk: FullDesk, taps: int, tmp_path: Path) -> None:
    script = make_checkout(tmp_path / "checkout", holder=HOLDER)
    with ScriptedBridge() as bridge:
        bot = fill_up(desk, script, bridge)
        commands = [bridge.command("flatten", confirmed=True) for _ in range(taps)]
        for each in commands:
            assert bridge.send(each)
        wait_until(
            lambda: all(is_settled(bridge, each) for each in commands),
            DEADLINE_S,
            f"flat\n{bot.describe()}",
        )
        outcomes = {
            (one.state, one.text) for one in (bridge.replies_to(each)[-1] for each in commands)
        }
        positions, orders = len(desk.symbols), len(desk.symbols) + desk.entries
        said = f"flat: {positions} positions closed, {orders} orders cancelled; entries are off"
        assert outcomes == {(ReplyState.APPLIED, f"{said} until /resume")}
        desk.check_flat()
        assert bot.stop() == 0
    assert_no_traceback(bot)


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("desk", ["binance-20"], indirect=True)
def test_tapped_ten_times_and_killed_in_the_middle_each_position_is_closed_once(
    desk: FullDesk, tmp_path: Path
) -> None:
    script = make_checkout(tmp_path / "checkout", holder=HOLDER)
    with ScriptedBridge() as bridge:
        first = fill_up(desk, script, bridge)
        dialect = desk.venue.exchange.dialect
        assert isinstance(dialect, BinanceDialect)
        # It was entered a while ago: with a new process, all of it in one minute is more than an
        # address may ask, and the rest of what is to be verified would wait for the next one.
        dialect.begin_minute()
        taps = [bridge.command("flatten", confirmed=True) for _ in range(10)]
        for tap in [*taps, *taps]:
            assert bridge.send(tap)
        wait_until(lambda: len(desk.sales) > 2, PATIENCE_S, "some are sold")
        first.kill()
        assert len(desk.sales) < len(desk.symbols), "the kill came too late to mean anything"
        second = desk.start(script, bridge)
        for tap in taps:
            assert bridge.send(tap)
        wait_until(
            lambda: all(is_settled(bridge, tap) for tap in taps),
            ON_ITS_WAY_S + DEADLINE_S,
            f"ten outcomes\n{second.describe()}",
        )
        desk.check_flat()
        finals = [bridge.replies_to(tap)[-1] for tap in taps]
        assert {one.state for one in finals} == {ReplyState.APPLIED}
        orders = len(desk.engine.orders(desk.account))
        again = bridge.ask(taps[0])
        assert (again.state, again.repeat) == (ReplyState.APPLIED, True)
        assert len(desk.engine.orders(desk.account)) == orders
        assert second.stop() == 0
    assert_no_traceback(first, second)
