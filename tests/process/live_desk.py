"""A bot with a real account: its folder and keys, its exchange, and what it may be asked to do.

The exchange is a fake one on loopback, spoken to through ccxt as the real one would be.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

import orjson

from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Order, OrderKind, Rights
from tests.fakes.exchange.venues import KEY, RunningExchange
from tests.process.installation import (
    PATIENCE_S,
    Installation,
    assert_no_traceback,
    wait_connected,
)
from tests.process.test_trading_console import ask_surely
from tests.processes import RunningProcess
from tests.waiting import wait_until

BTC: Final = "BTC/USD"
READ_KEY: Final = "fake-key-that-only-reads"
_TICK_S: Final = 0.1
_DUST: Final = Decimal(1)  # in the quote currency


class LiveDesk:
    """A bot's folder, its exchange, and the account there: one key, or a second one for reads."""

    def __init__(
        self,
        here: Installation,
        venue: RunningExchange,
        account: Account,
        *,
        exchange: str = "kraken",
        pair: str = BTC,
        has_read_key: bool = True,
    ) -> None:
        self.here, self.venue, self.account = here, venue, account
        self.exchange, self.pair = exchange, pair
        self.secret = self.engine.keys[KEY].secret
        self.level = 64_000
        self.pace: dict[str, object] = {"poll_s": 0.1, "requests_per_s": 50}
        self.keys = {"main_key": KEY, "main_secret": self.secret}
        if has_read_key:
            self.engine.add_key(account, READ_KEY, self.secret, Rights(trade=False))
            self.keys |= {"main_read_key": READ_KEY, "main_read_secret": self.secret}

    @property
    def engine(self) -> Engine:
        return self.venue.engine

    def configure(
        self, text: str = "dry_run: false\n", account: dict[str, object] | None = None
    ) -> None:
        """Write the bot's config.yaml, with the keys of an account where there are any."""
        own = self.venue.ccxt_config | {"rateLimit": 1, "timeout_on_exit": 1}
        ccxt = {"ccxt": own} if account is None else {"accounts": {"main": account | {"ccxt": own}}}
        config = {
            "exchange": self.exchange,
            "trading": {"pairs": [self.pair], "trade_amount_usd": 500},
            **ccxt,
            "feed": {"kind": "exchange", "history_candles": 5, "rest_poll_s": 0.1},
            "live": self.pace,
            "link": {"reconnect_longest_s": 0.1},
            "status_interval_s": 0.1,
        }
        # JSON is YAML.
        body = "\n".join(f"{key}: {orjson.dumps(value).decode()}" for key, value in config.items())
        self.here.bot_file.write_text(f"{body}\n{text}", encoding="utf-8")

    def put_keys(self, mode: int = 0o600) -> None:
        """Write the keys, each into a file of its own."""
        folder = self.here.bot_folder / "keys"
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in self.keys.items():
            (folder / name).write_text(value, encoding="ascii")
            (folder / name).chmod(mode)

    def confirm(self) -> None:
        """Confirm the account for real money."""
        done = self.here.trading_command("confirm", self.here.bot_dir, "--yes")
        assert done.returncode == 0, done.describe()

    def go_live(
        self, text: str = "dry_run: false\n", account: dict[str, object] | None = None
    ) -> tuple[RunningProcess, RunningProcess]:
        """Make the account ready and start the bridge and the bot."""
        self.configure(text, account)
        self.put_keys()
        self.confirm()
        bridge, trading = self.here.start_bridge(), self.here.start_trading()
        wait_connected(bridge)
        return bridge, trading

    def end(self, bridge: RunningProcess, trading: RunningProcess) -> None:
        """Stop both; nothing went wrong in them, and no key is shown by them or in a file."""
        assert trading.stop() == 0, trading.describe()
        assert bridge.stop() == 0, bridge.describe()
        assert_no_traceback(trading, bridge)
        self._assert_no_key_is_shown(bridge, trading)
        self.venue.exchange.check()

    def stops(self) -> list[Order]:
        """Return the orders that rest at the exchange."""
        return [
            order
            for order in self.engine.open_orders(self.account)
            if order.wish.kind is not OrderKind.MARKET
        ]

    def held(self) -> Decimal:
        """Return the coins of the account."""
        balance = self.engine.balances(self.account).get("BTC")
        return Decimal(0) if balance is None else balance.total

    @property
    def is_flat(self) -> bool:
        return not (
            self.held() * self.level >= _DUST or self.stops() or self.engine.positions(self.account)
        )

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Trade a little in the market all the time, around the level."""
        done = threading.Event()
        market = self.pair.partition(":")[0]

        def trade() -> None:
            step = 0
            while not done.wait(_TICK_S):
                step += 1
                self.engine.price(market, Decimal(self.level + step % 5), Decimal("0.1"))

        thread = threading.Thread(target=trade, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def buy(self, bridge: RunningProcess) -> None:
        """Buy, and see that a stop rests which sells no more than is held."""
        self.applied(bridge, f"/buy {self.pair}")
        wait_until(
            lambda: self.held() > 0 and len(self.stops()) == 1,
            PATIENCE_S,
            f"a stop that rests\n{bridge.describe()}",
        )
        assert self.stops()[0].wish.quantity <= self.held()

    def applied(self, bridge: RunningProcess, command: str) -> None:
        """Ask until it is done: the market and the account may not be known yet."""
        wait_until(
            lambda: ask_surely(bridge, command).startswith("[applied]"),
            PATIENCE_S,
            f"{command}\n{bridge.describe()}",
        )

    def flatten(self, bridge: RunningProcess) -> None:
        """Flatten once, and see at the exchange that it is done."""
        assert ask_surely(bridge, "/flatten").startswith("[applied]")
        assert self.is_flat

    def _assert_no_key_is_shown(self, *processes: RunningProcess) -> None:
        keys = [text.encode() for text in (KEY, READ_KEY, self.secret.splitlines()[-2:][0])]
        own = self.here.bot_folder / "keys"
        files = [one for one in self.here.var_dir.rglob("*") if one.is_file()]
        shown = {str(file): file.read_bytes() for file in files if file.parent != own}
        for process in processes:
            shown[process.describe()] = (process.stdout + process.stderr).encode()
        assert len(shown) > len(processes) + 5
        assert not [where for where, text in shown.items() if any(key in text for key in keys)]
