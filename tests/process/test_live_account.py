"""A bot with a real account: confirmed, traded, flattened and stopped, as an operator does it.

The exchange is the fake one on loopback, spoken to through ccxt as the real one would be.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, MarketKind, OrderKind, Rights
from tests.fakes.exchange.venues import (
    KEY,
    KRAKEN_SECRET,
    RunningExchange,
    coinbase_secret,
    start_binance,
    start_coinbase,
    start_kraken,
    start_kraken_futures,
    usual_engine,
    usual_markets,
)
from tests.fakes.exchange.wire import Kind
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
    last_error,
    query,
    wait_connected,
)
from tests.process.test_threads import SHARED, TRADING, check_threads
from tests.process.test_trading_console import ask, ask_surely
from tests.processes import RunningProcess
from tests.waiting import wait_until

BTC = "BTC/USD"
TICK_S = 0.1
READ_KEY = "fake-key-that-only-reads"


class LiveDesk:
    """A bot's folder, its exchange, and the account there."""

    def __init__(
        self,
        here: Installation,
        venue: RunningExchange,
        account: Account,
        *,
        exchange: str = "kraken",
        symbol: str = BTC,
        secret: str = KRAKEN_SECRET,
    ) -> None:
        self.here, self.venue, self.account = here, venue, account
        self.exchange, self.symbol, self.secret = exchange, symbol, secret

    @property
    def engine(self) -> Engine:
        return self.venue.engine

    def configure(
        self, text: str = "dry_run: false\n", account: dict[str, object] | None = None
    ) -> None:
        own = self.venue.ccxt_config | {"rateLimit": 1, "timeout_on_exit": 1}
        ccxt = {"ccxt": own} if account is None else {"accounts": {"main": account | {"ccxt": own}}}
        config = {
            "exchange": self.exchange,
            "trading": {"pairs": [self.symbol], "trade_amount_usd": 500},
            **ccxt,
            "feed": {"kind": "exchange", "history_candles": 5, "rest_poll_s": 0.1},
            "live": {"poll_s": 0.1, "requests_per_s": 50},
            "link": {"reconnect_longest_s": 0.1},
            "status_interval_s": 0.1,
        }
        # JSON is YAML.
        body = "\n".join(f"{key}: {orjson.dumps(value).decode()}" for key, value in config.items())
        self.here.bot_file.write_text(f"{body}\n{text}", encoding="utf-8")

    def put_keys(self, mode: int = 0o600) -> None:
        folder = self.here.bot_folder / "keys"
        folder.mkdir(parents=True, exist_ok=True)
        keys = {"main_key": KEY, "main_secret": self.secret}
        keys |= {"main_read_key": READ_KEY, "main_read_secret": self.secret}
        for name, value in keys.items():
            (folder / name).write_text(value, encoding="ascii")
            (folder / name).chmod(mode)

    def confirm(self) -> None:
        done = self.here.trading_command("confirm", self.here.bot_dir, "--yes")
        assert done.returncode == 0, done.describe()

    def stops(self) -> list[Any]:
        return [
            order
            for order in self.engine.open_orders(self.account)
            if order.wish.kind is not OrderKind.MARKET
        ]

    def held(self) -> Decimal:
        balance = self.engine.balances(self.account).get("BTC")
        return Decimal(0) if balance is None else balance.total


@contextmanager
def ticking(engine: Engine, symbol: str = BTC) -> Iterator[None]:
    """Trade a little in the market all the time, around the same price."""
    done = threading.Event()

    def trade() -> None:
        step = 0
        while not done.wait(TICK_S):
            step += 1
            engine.price(symbol, Decimal(64_000 + step % 5), Decimal("0.1"))

    thread = threading.Thread(target=trade, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture
def desk(here: Installation) -> Iterator[LiveDesk]:
    engine, account = usual_engine()
    engine.add_key(account, READ_KEY, KRAKEN_SECRET, Rights(trade=False))
    with start_kraken(engine) as venue, ticking(engine):
        yield LiveDesk(here, venue, account)


def buy(bridge: RunningProcess, symbol: str = BTC) -> None:
    """Buy as soon as the market is heard of and the account is known."""
    wait_until(
        lambda: ask_surely(bridge, f"/buy {symbol}").startswith("[applied]"),
        PATIENCE_S,
        f"a purchase\n{bridge.describe()}",
    )


def assert_no_key_is_shown(desk: LiveDesk, *processes: RunningProcess) -> None:
    """Fail if a key is anywhere but in its own file."""
    keys = [text.encode() for text in (KEY, READ_KEY, desk.secret.splitlines()[-2:][0])]
    files = [one for one in desk.here.var_dir.rglob("*") if one.is_file()]
    shown = {
        str(file): file.read_bytes()
        for file in files
        if file.parent != desk.here.bot_folder / "keys"
    }
    for process in processes:
        shown[process.describe()] = (process.stdout + process.stderr).encode()
    assert len(shown) > len(processes) + 5
    assert not [where for where, text in shown.items() if any(key in text for key in keys)]


def go_short(desk: LiveDesk, bridge: RunningProcess, trading: RunningProcess) -> None:
    """Sell what is not held, see that a stop rests, flatten, and stop both programs."""
    wait_until(
        lambda: ask_surely(bridge, f"/sell {desk.symbol} 0.01").startswith("[applied]"),
        PATIENCE_S,
        "a sale",
    )
    wait_until(lambda: desk.engine.positions(desk.account), PATIENCE_S, "a short position")
    wait_until(
        lambda: len(desk.stops()) == 1, PATIENCE_S, f"a stop that rests\n{trading.describe()}"
    )
    (position,) = desk.engine.positions(desk.account)
    assert position.quantity == Decimal("-0.01")
    assert desk.stops()[0].wish.is_reduce_only
    assert ask_surely(bridge, "/flatten").startswith("[applied]")
    assert not desk.stops()
    assert not desk.engine.positions(desk.account)
    assert (trading.stop(), bridge.stop()) == (0, 0)
    assert_no_traceback(trading, bridge)
    desk.venue.exchange.check()


def refusal(desk: LiveDesk) -> str:
    process = desk.here.launch_trading()
    assert process.wait() == 78, process.describe()
    return last_error(process)


@pytest.mark.long
def test_an_account_trades_real_money_only_with_keys_and_once_it_is_confirmed(
    desk: LiveDesk,
) -> None:
    here = desk.here
    desk.configure()
    assert "found no main_key and main_secret" in refusal(desk)
    desk.put_keys(0o644)
    assert "chmod 600" in refusal(desk)
    desk.put_keys()
    said = refusal(desk)
    assert f"trading confirm {here.bot_dir}" in said
    assert not here.state_db.exists()
    assert not desk.engine.orders(desk.account)
    desk.confirm()
    checked = here.trading_command("check", here.bot_dir)
    assert "in order (LIVE" in checked.stdout
    assert KRAKEN_SECRET not in checked.stderr + said


def test_it_buys_with_a_stop_at_the_exchange_flattens_and_stops(desk: LiveDesk) -> None:
    here = desk.here
    desk.configure()
    desk.put_keys()
    desk.confirm()
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    live = {"broker-main", "reads-main", "feed-exchange"}
    check_threads(trading, (TRADING - {"feed-synthetic"}) | live | SHARED)
    buy(bridge)
    wait_until(lambda: desk.held() > 0 and len(desk.stops()) == 1, PATIENCE_S, "a stop that rests")
    assert desk.stops()[0].wish.quantity <= desk.held()
    assert "LIVE" in ask(bridge, "/positions")
    assert ask_surely(bridge, "/flatten").startswith("[applied]")
    assert not desk.stops()
    assert desk.held() * 64_000 < 1
    assert trading.stop() == 0, trading.describe()
    assert bridge.stop() == 0
    assert_no_traceback(trading, bridge)
    assert_no_key_is_shown(desk, trading, bridge)
    desk.venue.exchange.check()


@pytest.mark.long
def test_a_stop_while_an_entry_is_on_its_way_leaves_it_protected(desk: LiveDesk) -> None:
    here = desk.here
    desk.configure()
    desk.put_keys()
    desk.confirm()
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    rule = desk.venue.faults.slow(1.0, kind=Kind.SUBMIT)
    buy(bridge)
    wait_until(lambda: rule.met, PATIENCE_S, "an entry on its way")
    assert trading.stop() == 0, trading.describe()
    assert desk.held() > 0
    assert len(desk.stops()) == 1
    assert bridge.stop() == 0


@pytest.mark.long
def test_a_key_of_another_account_ends_the_bot_although_it_was_confirmed(desk: LiveDesk) -> None:
    here = desk.here
    desk.configure()
    desk.put_keys()
    desk.confirm()
    trading = here.start_trading()
    kept = f"SELECT value FROM state_value WHERE key = 'venue_account.{desk.account.name}'"
    wait_until(lambda: query(here.state_db, kept), PATIENCE_S, "the account's name kept")
    assert trading.stop() == 0
    other = desk.engine.add_account("other")
    desk.engine.add_key(other, "fake-key-of-another", KRAKEN_SECRET)
    (here.bot_folder / "keys" / "main_key").write_text("fake-key-of-another", encoding="ascii")
    assert "confirmed was" in refusal(desk)
    desk.confirm()
    said = refusal(desk)
    assert "account main: found a key of account AA00 other at the exchange" in said
    assert not desk.engine.orders(other)


def test_on_paper_it_sees_the_market_and_sends_no_order(desk: LiveDesk) -> None:
    here = desk.here
    desk.configure("dry_run: true\n")
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    buy(bridge)
    wait_until(lambda: "BTC/USD" in ask(bridge, "/positions"), PATIENCE_S, "a position")
    assert (trading.stop(), bridge.stop()) == (0, 0)
    assert not desk.engine.orders(desk.account)
    assert_no_traceback(trading, bridge)


@pytest.mark.long
def test_positions_on_paper_are_not_taken_for_real_ones(desk: LiveDesk) -> None:
    desk.configure("dry_run: true\n")
    desk.here.start_trading().stop()
    before = desk.here.state_db.read_bytes()
    desk.configure()
    desk.put_keys()
    assert "found positions and trades on paper, allowed live" in refusal(desk)
    refused = desk.here.trading_command("confirm", desk.here.bot_dir, "--yes")
    assert refused.returncode == 78
    assert desk.here.state_db.read_bytes() == before


@pytest.mark.long
@pytest.mark.parametrize("exchange", ["binance", "coinbase"])
def test_other_exchanges_hold_its_stop_too_and_are_flattened(
    here: Installation, exchange: str
) -> None:
    start, quote, secret = (
        (start_binance, "USDT", KRAKEN_SECRET)
        if exchange == "binance"
        else (start_coinbase, "USD", coinbase_secret())
    )
    engine, account = usual_engine(usual_markets(quote, MarketKind.SPOT), secret=secret)
    engine.add_key(account, READ_KEY, secret, Rights(trade=False))
    symbol = f"BTC/{quote}"
    with start(engine) as venue, ticking(engine, symbol):
        desk = LiveDesk(here, venue, account, exchange=exchange, symbol=symbol, secret=secret)
        desk.configure()
        desk.put_keys()
        desk.confirm()
        bridge, trading = here.start_bridge(), here.start_trading()
        wait_connected(bridge)
        buy(bridge, symbol)
        wait_until(
            lambda: desk.held() > 0 and desk.stops(),
            PATIENCE_S,
            f"a stop that rests\n{trading.describe()}",
        )
        assert ask_surely(bridge, "/flatten").startswith("[applied]")
        assert not desk.stops()
        assert desk.held() * 64_000 < 1
        assert (trading.stop(), bridge.stop()) == (0, 0)
        assert_no_traceback(trading, bridge)
        assert_no_key_is_shown(desk, trading, bridge)
        desk.venue.exchange.check()


@pytest.mark.long
def test_an_account_of_futures_goes_short_with_a_stop_and_comes_back_flat(
    here: Installation,
) -> None:
    engine, account = usual_engine(usual_markets("USD", MarketKind.SWAP))
    engine.add_key(account, READ_KEY, KRAKEN_SECRET, Rights(trade=False))
    symbol = "BTC/USD:USD"
    with start_kraken_futures(engine) as venue, ticking(engine):
        desk = LiveDesk(here, venue, account, exchange="krakenfutures", symbol=symbol)
        leveraged = "dry_run: false\nmode: leveraged\nleverage: 3\nallow_short: true\n"
        desk.configure(leveraged, {"market_type": "swap"})
        desk.put_keys()
        desk.confirm()
        bridge, trading = here.start_bridge(), here.start_trading()
        wait_connected(bridge)
        go_short(desk, bridge, trading)
        assert_no_key_is_shown(desk, trading, bridge)


@pytest.mark.long
def test_a_margin_account_goes_short_with_a_stop_and_comes_back_flat(desk: LiveDesk) -> None:
    here = desk.here
    desk.configure("dry_run: false\nmode: leveraged\nleverage: 3\nallow_short: true\n")
    desk.put_keys()
    desk.confirm()
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    go_short(desk, bridge, trading)


@pytest.mark.long
def test_a_kill_leaves_the_stop_at_the_exchange_and_the_next_start_goes_on(desk: LiveDesk) -> None:
    here = desk.here
    # As much as there is to log, in which no key must be.
    desk.configure("dry_run: false\nlog_level: DEBUG\nlogs: {forward_level: DEBUG}\n")
    desk.put_keys()
    desk.confirm()
    bridge, trading = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    buy(bridge)
    wait_until(lambda: len(desk.stops()) == 1, PATIENCE_S, "a stop that rests")
    held, (stop,) = desk.held(), desk.stops()
    trading.kill()
    again = here.start_trading()
    wait_connected(bridge)
    wait_until(lambda: "BTC/USD" in ask(bridge, "/positions"), PATIENCE_S, "the position")
    assert (desk.held(), desk.stops()) == (held, [stop])
    wait_until(
        lambda: ask_surely(bridge, "/flatten").startswith("[applied]"), PATIENCE_S, "a flat account"
    )
    assert not desk.stops()
    assert (again.stop(), bridge.stop()) == (0, 0)
    assert_no_key_is_shown(desk, again, bridge)
    desk.venue.exchange.check()


def test_a_bot_on_paper_loads_nothing_that_speaks_to_exchanges(here: Installation) -> None:
    trading = here.start_trading(PYTHONPROFILEIMPORTTIME="1")
    loaded = re.findall(r"^import time: .*\| +(\S+)$", trading.stderr, re.MULTILINE)
    assert "trading.live_accounts" in loaded
    assert not {name for name in loaded if name.split(".")[0] in {"ccxt", "aiohttp"}}
    assert trading.stop() == 0
