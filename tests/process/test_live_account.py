"""A bot with a real account: confirmed, traded, flattened and stopped, as an operator does it."""

import re
from decimal import Decimal

import pytest

from tests.fakes.exchange.terms import MarketKind
from tests.fakes.exchange.venues import (
    KRAKEN_SECRET,
    coinbase_secret,
    start_binance,
    start_coinbase,
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
from tests.process.live_desk import LiveDesk
from tests.process.test_threads import SHARED, TRADING, check_threads
from tests.process.test_trading_console import ask
from tests.processes import RunningProcess
from tests.waiting import wait_until

LEVERAGED = "dry_run: false\nmode: leveraged\nleverage: 3\nallow_short: true\n"


def go_short(desk: LiveDesk, bridge: RunningProcess, trading: RunningProcess) -> None:
    """Sell what is not held, see that a stop rests, flatten, and stop both programs."""
    desk.applied(bridge, f"/sell {desk.pair} 0.01")
    wait_until(lambda: desk.engine.positions(desk.account), PATIENCE_S, "a short position")
    wait_until(
        lambda: len(desk.stops()) == 1, PATIENCE_S, f"a stop that rests\n{trading.describe()}"
    )
    (position,) = desk.engine.positions(desk.account)
    assert position.quantity == Decimal("-0.01")
    assert desk.stops()[0].wish.is_reduce_only
    desk.flatten(bridge)
    desk.end(bridge, trading)


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
    bridge, trading = desk.go_live()
    live = {"broker-main", "reads-main", "stream-main", "feed-exchange"}
    check_threads(trading, (TRADING - {"feed-synthetic"}) | live | SHARED)
    desk.buy(bridge)
    assert "LIVE" in ask(bridge, "/positions")
    desk.flatten(bridge)
    desk.end(bridge, trading)


@pytest.mark.long
def test_a_stop_while_an_entry_is_on_its_way_leaves_it_protected(desk: LiveDesk) -> None:
    bridge, trading = desk.go_live()
    rule = desk.venue.faults.slow(1.0, kind=Kind.SUBMIT)
    desk.applied(bridge, f"/buy {desk.pair}")
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
    desk.applied(bridge, f"/buy {desk.pair}")
    wait_until(lambda: desk.pair in ask(bridge, "/positions"), PATIENCE_S, "a position")
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
@pytest.mark.parametrize("kind", ["dry_run: false\n", LEVERAGED])
def test_real_positions_are_not_taken_for_those_on_paper(desk: LiveDesk, kind: str) -> None:
    desk.configure(kind)
    desk.put_keys()
    desk.confirm()
    assert desk.here.start_trading().stop() == 0
    before = desk.here.state_db.read_bytes()
    desk.configure(kind.replace("dry_run: false", "dry_run: true"))
    assert "found real positions and trades, allowed paper" in refusal(desk)
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
    with start(engine) as venue:
        desk = LiveDesk(here, venue, account, exchange=exchange, pair=f"BTC/{quote}")
        with desk.ticking():
            bridge, trading = desk.go_live()
            desk.buy(bridge)
            desk.flatten(bridge)
            desk.end(bridge, trading)


@pytest.mark.long
def test_an_account_of_futures_goes_short_with_a_stop_and_comes_back_flat(
    here: Installation,
) -> None:
    engine, account = usual_engine(usual_markets("USD", MarketKind.SWAP))
    with start_kraken_futures(engine) as venue:
        desk = LiveDesk(here, venue, account, exchange="krakenfutures", pair="BTC/USD:USD")
        with desk.ticking():
            go_short(desk, *desk.go_live(LEVERAGED, {"market_type": "swap"}))


@pytest.mark.long
def test_a_margin_account_goes_short_with_a_stop_and_comes_back_flat(desk: LiveDesk) -> None:
    go_short(desk, *desk.go_live(LEVERAGED))


@pytest.mark.long
def test_a_kill_leaves_the_stop_at_the_exchange_and_the_next_start_goes_on(desk: LiveDesk) -> None:
    # As much as there is to log, in which no key must be.
    bridge, trading = desk.go_live(
        "dry_run: false\nlog_level: DEBUG\nlogs: {forward_level: DEBUG}\n"
    )
    desk.buy(bridge)
    held, (stop,) = desk.held(), desk.stops()
    trading.kill()
    again = desk.here.start_trading()
    wait_connected(bridge)
    wait_until(lambda: desk.pair in ask(bridge, "/positions"), PATIENCE_S, "the position")
    assert (desk.held(), desk.stops()) == (held, [stop])
    desk.applied(bridge, "/flatten")
    assert desk.is_flat
    desk.end(bridge, again)


def test_a_bot_on_paper_loads_nothing_that_speaks_to_exchanges(here: Installation) -> None:
    trading = here.start_trading(PYTHONPROFILEIMPORTTIME="1")
    loaded = re.findall(r"^import time: .*\| +(\S+)$", trading.stderr, re.MULTILINE)
    assert "trading.live_accounts" in loaded
    assert not {name for name in loaded if name.split(".")[0] in {"ccxt", "aiohttp"}}
    assert trading.stop() == 0
