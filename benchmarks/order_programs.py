"""The programs of benchmarks.order_path: a bot with a live account, or a bare script of ccxt.

Both trade at a Kraken on loopback, which runs in the process that measures. Times are those of
the monotonic clock, which is one for all processes of a machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from benchmarks.order_tap import FILE_VARIABLE
from tcpproto import ReplyState
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.terms import Account, Rights
from tests.fakes.exchange.venues import (
    KEY,
    KRAKEN_SECRET,
    RunningExchange,
    start_kraken,
    usual_engine,
)
from tests.fakes.exchange.wire import Kind
from tests.process.own_strategies import make_checkout
from tests.process.scripted_bridge import ScriptedBridge

ROOT: Final = Path(__file__).resolve().parent.parent
PAIR: Final = "BTC/USD"
PRICE: Final = Decimal(64_000)
STEP: Final = Decimal("0.1")
BELOW: Final = Decimal(30_000)
READ_KEY: Final = "fake-key-that-only-reads"
BOT: Final = "from benchmarks.order_tap import run; run()"
# At an even number of steps it orders, at an odd one it takes the order back; the first one rests
# for good, because a worker polls while orders are open.
STRATEGY: Final = """
from trading.strategies.base import Strategy


class Orderer(Strategy):
    def on_tick(self, tick):
        orders = self.context.get_orders()
        if round(tick.price * 10) % 2:
            for order in orders[1:]:
                self.context.cancel_order(order.id)
        elif len(orders) < 2:
            price = round(tick.price - 30000, 1)
            self.context.place_order("buy", quantity=0.001, type="limit", limit_price=price)
"""
PLAIN: Final = """
import json, random, sys, time
import ccxt
from benchmarks import order_tap

config, count, seed, rest_s = (json.loads(argument) for argument in sys.argv[1:])
order_tap.tap_requests()
exchange = ccxt.kraken(config)
exchange.enableRateLimit = False
exchange.load_markets()
rng = random.Random(seed)
for number in range(count):
    price = 34000 + number / 10
    order_tap.stamp("call", f"p{number:017d}")
    order = exchange.create_order(
        "BTC/USD", "limit", "buy", 0.001, price, {"clientOrderId": f"p{number:017d}"}
    )
    time.sleep(rng.uniform(*rest_s))
    exchange.cancel_order(order["id"], "BTC/USD")
    time.sleep(rng.uniform(*rest_s))
order_tap.write()
"""
_PATIENCE_S: Final = 30.0
# The same for the bot and for the bare script: code that has rested takes several times as long.
_REST_S: Final = (0.15, 0.25)

Hops = Mapping[str, float]
Stamps = Mapping[str, list[tuple[float, str]]]


def run_plain(folder: Path, count: int, rng: Random) -> list[Hops]:
    """Send orders by a bare script; return the hops of each."""
    folder.mkdir(parents=True)
    with _exchange() as (venue, _account):
        config = {**venue.ccxt_config, "apiKey": KEY, "secret": KRAKEN_SECRET}
        arguments = [config, count + 5, rng.randrange(1000), _REST_S]
        words = [orjson.dumps(one).decode() for one in arguments]
        with _program(folder, [PLAIN, *words], ROOT, {}) as process:
            assert process.wait(60 + count) == 0
        arrived = _arrivals(venue)
    stamps = _read(folder)
    called = {order_id: at for at, order_id in stamps["call"]}
    hops: list[Hops] = []
    for at, body in stamps["wire"][5:]:
        order_id = parse_qs(body)["cl_ord_id"][0]
        hops.append(
            {
                "ccxt, to the wire": (at - called[order_id]) * 1e3,
                "wire to the exchange": (arrived[order_id] - at) * 1e3,
                "whole": (at - called[order_id]) * 1e3,
            }
        )
    return hops


def run_bot(
    folder: Path, count: int, rng: Random, live: Mapping[str, Any], *, has_read_key: bool
) -> list[Hops]:
    """Have a strategy order at ticks; return the hops of each order."""
    folder.mkdir(parents=True)
    with _exchange() as (venue, account), ScriptedBridge() as bridge:
        environment = {**bridge.environment, "VAR_DIR": str(folder / "var")}
        checkout = _prepare(folder, venue, live, has_read_key=has_read_key)
        with _program(folder, [BOT, str(folder / "bot")], checkout, environment):
            bridge.wait_connected()
            assert bridge.ask(bridge.command("starttrading")).state == ReplyState.APPLIED
            _make_orders(venue, account, count + 5, rng)
            reads = _reads_a_second(venue)
        arrived = _arrivals(venue)
    return [{**one, "reads a second": reads} for one in _hops_of(_read(folder), arrived)[6:]]


def _make_orders(venue: RunningExchange, account: Account, count: int, rng: Random) -> None:
    """Move the price, a step to take an order back and a step for the next, when all is quiet."""
    engine, price = venue.engine, PRICE
    _until(lambda: _tick(venue, price) and len(engine.open_orders(account)) == 2, "an order")
    for _ in range(count):
        for wanted in (1, 2):
            price += STEP
            time.sleep(rng.uniform(*_REST_S))
            engine.price(PAIR, price)
            _until(partial(_has_open, engine, account, wanted), "an order")


def _has_open(engine: Engine, account: Account, wanted: int) -> bool:
    return len(engine.open_orders(account)) == wanted


def _tick(venue: RunningExchange, price: Decimal) -> bool:
    time.sleep(0.05)
    venue.engine.price(PAIR, price)
    return True


def _hops_of(stamps: Stamps, arrived: Mapping[str, float]) -> list[Hops]:
    first: dict[str, float] = {}
    for at, shown in stamps["event"]:
        first.setdefault(shown, at)
    places = {name: {of: at for at, of in stamps[name]} for name in ("decided", "committed")}
    hops: list[Hops] = []
    for at, body in stamps["wire"]:
        said = parse_qs(body)
        order_id, price = said["cl_ord_id"][0], Decimal(said["price"][0]) + BELOW
        marks = [
            ("inbox to decided", first[repr(float(price))]),
            ("commit", places["decided"][order_id]),
            ("committed to the wire", places["committed"][order_id]),
            ("wire to the exchange", at),
        ]
        ends = [mark for _, mark in marks[1:]] + [arrived[order_id]]
        hops.append(
            {name: (end - mark) * 1e3 for (name, mark), end in zip(marks, ends, strict=True)}
            | {"whole": (at - marks[0][1]) * 1e3}
        )
    return hops


def _prepare(
    folder: Path, venue: RunningExchange, live: Mapping[str, Any], *, has_read_key: bool
) -> Path:
    """Make a bot's folder with its keys and its confirmation, and a checkout with the strategy."""
    script = make_checkout(folder / "checkout", orderer=STRATEGY)
    bot, keys = folder / "bot", folder / "var" / "paper" / "keys"
    bot.mkdir()
    keys.mkdir(parents=True)
    config = {
        "name": "paper",
        "exchange": "kraken",
        "dry_run": False,
        "trading": {"pairs": [PAIR]},
        "instances": [{"market": PAIR, "strategy": "orderer"}],
        "ccxt": venue.ccxt_config,
        "feed": {"kind": "exchange", "history_candles": 2},
        "live": {**live},
    }
    # JSON is YAML.
    (bot / "config.yaml").write_bytes(orjson.dumps(config))
    secrets = {"main_key": KEY, "main_secret": KRAKEN_SECRET}
    if has_read_key:
        secrets |= {"main_read_key": READ_KEY, "main_read_secret": KRAKEN_SECRET}
    for name, value in secrets.items():
        (keys / name).write_text(value, encoding="ascii")
        (keys / name).chmod(0o600)
    subprocess.run(
        [sys.executable, "-m", "trading", "confirm", str(bot), "--yes"],
        cwd=script.parent,
        env={**os.environ, "VAR_DIR": str(folder / "var")},
        check=True,
        capture_output=True,
    )
    return script.parent


@contextmanager
def _exchange() -> Iterator[tuple[RunningExchange, Account]]:
    engine, account = usual_engine()
    engine.add_key(account, READ_KEY, KRAKEN_SECRET, Rights(trade=False))
    with start_kraken(engine) as venue:
        yield venue, account


@contextmanager
def _program(
    folder: Path, arguments: list[str], cwd: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python until the end of the block, then have it end by itself."""
    added = {"PYTHONPATH": str(ROOT), FILE_VARIABLE: str(folder / "tap.json"), **environment}
    output = folder / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", *arguments],
            cwd=cwd,
            env={**os.environ, **added},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        yield process
    except AssertionError as error:
        error.add_note(output.read_text(encoding="utf-8", errors="replace")[-3_000:])
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _reads_a_second(venue: RunningExchange) -> float:
    """Return how often open orders were read while the orders were made."""
    orders = [one.began_s for one in venue.exchange.requests(Kind.SUBMIT)]
    reads = [one.began_s for one in venue.exchange.requests() if one.kind is Kind.OPEN_ORDERS]
    between = [at for at in reads if orders[0] <= at <= orders[-1]]
    return len(between) / (orders[-1] - orders[0])


def _arrivals(venue: RunningExchange) -> dict[str, float]:
    return {one.client_id: one.began_s for one in venue.exchange.requests(Kind.SUBMIT)}


def _read(folder: Path) -> Stamps:
    stamps: Stamps = orjson.loads((folder / "tap.json").read_bytes())
    return stamps


def _until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.002)
