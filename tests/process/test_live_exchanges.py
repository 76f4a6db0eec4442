"""The same bot at the fakes of Binance and Coinbase: bought, protected, killed, gapped, flat."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import orjson
import pytest

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Fees, Market, Order, OrderKind
from tests.fakes.exchange.venues import (
    KEY,
    KRAKEN_SECRET,
    RunningExchange,
    coinbase_secret,
    start_binance,
    start_coinbase,
    usual_engine,
)
from tests.fakes.exchange.wire import Kind
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
    wait_connected,
)
from tests.process.test_trading_console import ask, ask_surely
from tests.processes import RunningProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.long

D = Decimal
TICK_S = 0.1
DUST = D(1)  # in the quote currency


class OtherDesk:
    """A bot's folder, its exchange, and the account there."""

    def __init__(self, here: Installation, venue: RunningExchange, account: Account) -> None:
        self.here, self.venue, self.account = here, venue, account
        self.engine = venue.engine
        (self.pair,) = venue.engine.markets
        self.level = 64_000

    def configure(self) -> None:
        config = {
            "exchange": self.venue.exchange.dialect.name,
            "dry_run": False,
            "trading": {"pairs": [self.pair], "trade_amount_usd": 500},
            "ccxt": self.venue.ccxt_config | {"timeout_on_exit": 1},
            "feed": {"kind": "exchange", "history_candles": 5, "rest_poll_s": 0.1},
            "live": {"poll_s": 0.1, "requests_per_s": 50},
            "link": {"reconnect_longest_s": 0.1},
            "status_interval_s": 0.1,
        }
        # JSON is YAML.
        self.here.bot_file.write_bytes(orjson.dumps(config))

    def put_keys(self) -> None:
        folder = self.here.bot_folder / "keys"
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in (("main_key", KEY), ("main_secret", self.engine.keys[KEY].secret)):
            (folder / name).write_text(value, encoding="ascii")
            (folder / name).chmod(0o600)

    def stops(self) -> list[Order]:
        return [
            order
            for order in self.engine.open_orders(self.account)
            if order.wish.kind is not OrderKind.MARKET
        ]

    def held(self) -> Decimal:
        balance = self.engine.balances(self.account).get("BTC")
        return D(0) if balance is None else balance.total

    @property
    def is_flat(self) -> bool:
        return self.held() * self.level < DUST and not self.stops()

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Trade a little in the market all the time, around the level."""
        done = threading.Event()

        def trade() -> None:
            step = 0
            while not done.wait(TICK_S):
                step += 1
                self.engine.price(self.pair, D(self.level + step % 5), D("0.1"))

        thread = threading.Thread(target=trade, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def start(self) -> tuple[RunningProcess, RunningProcess]:
        self.configure()
        self.put_keys()
        done = self.here.trading_command("confirm", self.here.bot_dir, "--yes")
        assert done.returncode == 0, done.describe()
        bridge, trading = self.here.start_bridge(), self.here.start_trading()
        wait_connected(bridge)
        return bridge, trading

    def buy(self, bridge: RunningProcess) -> None:
        """Buy as soon as the market is heard of and the account is known."""
        self.applied(bridge, f"/buy {self.pair}")
        wait_until(lambda: len(self.stops()) == 1, PATIENCE_S, "a stop that rests")
        assert self.stops()[0].quantity <= self.held()

    def applied(self, bridge: RunningProcess, command: str) -> None:
        wait_until(
            lambda: ask_surely(bridge, command).startswith("[applied]"),
            PATIENCE_S,
            f"{command}\n{bridge.describe()}",
        )


def _engine(name: str) -> tuple[Engine, Account]:
    quote = "USDT" if name == "binance" else "USD"
    step = D("0.00001")
    market = Market(f"BTC/{quote}", "BTC", quote, D("0.01"), step, step, cost_min=D(5))
    secret = KRAKEN_SECRET if name == "binance" else coinbase_secret()
    engine, account = usual_engine([market], secret=secret)
    if name == "binance":
        account.fees = Fees(D("0.001"), D("0.001"), "received")
    else:
        account.fees = Fees(D("0.004"), D("0.006"))
    return engine, account


@pytest.fixture(params=["binance", "coinbase"])
def desk(request: pytest.FixtureRequest, here: Installation) -> Iterator[OtherDesk]:
    engine, account = _engine(request.param)
    start = start_binance if request.param == "binance" else start_coinbase
    with start(engine) as venue:
        made = OtherDesk(here, venue, account)
        with made.ticking():
            yield made


def end(bridge: RunningProcess, trading: RunningProcess) -> None:
    assert (trading.stop(), bridge.stop()) == (0, 0)
    assert_no_traceback(trading, bridge)


def test_it_is_killed_with_a_stop_at_the_exchange_and_goes_on_to_flat(desk: OtherDesk) -> None:
    bridge, trading = desk.start()
    desk.buy(bridge)
    held, (stop,) = desk.held(), desk.stops()
    trading.kill()
    again = desk.here.start_trading()
    wait_connected(bridge)
    wait_until(lambda: desk.pair in ask(bridge, "/positions"), PATIENCE_S, "the position")
    assert (desk.held(), desk.stops()) == (held, [stop])
    desk.applied(bridge, "/flatten")
    assert desk.is_flat
    end(bridge, again)


def test_answers_that_are_lost_make_no_order_twice(desk: OtherDesk) -> None:
    bridge, trading = desk.start()
    faults = desk.venue.faults
    dropped = faults.drop(acts=True, kind=Kind.SUBMIT)
    hanging = faults.hang(acts=True, kind=Kind.SUBMIT)
    desk.buy(bridge)
    assert dropped.met
    assert hanging.met
    wait_until(lambda: desk.pair in ask(bridge, "/positions"), PATIENCE_S, "the position")
    orders = desk.engine.orders(desk.account)
    assert len(orders) == len({order.client_id for order in orders}) == 2
    desk.applied(bridge, "/flatten")
    assert desk.is_flat
    end(bridge, trading)


@pytest.mark.parametrize("desk", ["coinbase"], indirect=True)
def test_a_stop_that_a_gap_has_left_behind_is_made_good_at_market(desk: OtherDesk) -> None:
    bridge, trading = desk.start()
    desk.buy(bridge)
    assert desk.stops()[0].wish.kind is OrderKind.BRACKET
    desk.level = 55_000  # more than the 5 % that the exchange follows a bracket's stop
    wait_until(lambda: desk.is_flat, 3 * PATIENCE_S, "flat behind the gap")
    sold = desk.engine.orders(desk.account)[-1]
    assert sold.wish.kind is OrderKind.MARKET
    assert 55_000 <= sold.average < 55_010
    end(bridge, trading)
