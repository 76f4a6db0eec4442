"""Live accounts are made from configuration and keys, each with its own pace, and asked nothing."""

from pathlib import Path
from random import Random

import pytest

from daemonkit.clock import ManualClock
from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret
from trading.account_identity import AccountIdentity
from trading.brokers.exchanges.loading import Credentials
from trading.brokers.live.settings import RequestBudget, RequestKind
from trading.brokers.live.worker import AccountWorker
from trading.brokers.venue_keys import VenueKeys
from trading.config import BotConfig, load_config
from trading.control import Control
from trading.deadline import Deadline
from trading.live_accounts import LiveWorkers, build_venues, build_workers, worker_settings
from trading.settings.feed_source import exchange_source

LIVE = """
exchange: kraken
dry_run: false
trading: {pairs: [BTC/USD]}
accounts:
  main: {}
  second: {}
  tried: {dry_run: true}
"""
KEYS = VenueKeys(Credentials(Secret("planted-key"), Secret("cGxhbnRlZA==")))
TWO_KEYS = VenueKeys(KEYS.trade, Credentials(Secret("planted-read"), Secret("cGxhbnRlZA==")))


def configured(folder: Path, text: str = LIVE) -> BotConfig:
    bot_dir = folder / "alpha"
    bot_dir.mkdir(exist_ok=True)
    (bot_dir / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(bot_dir, {})


def test_each_live_account_has_a_venue_and_one_for_reads_where_there_is_a_key(
    tmp_path: Path,
) -> None:
    keys = {"main": KEYS, "second": TWO_KEYS}
    venues = build_venues(configured(tmp_path), keys, clock=ManualClock())
    assert list(venues) == ["main", "second"]
    assert [reads is not None for _, reads in venues.values()] == [False, True]
    assert venues["main"][0].name == "kraken"
    for trade, reads in venues.values():
        trade.close()
        if reads is not None:
            reads.close()


def test_workers_are_made_for_live_accounts_alone_and_do_not_run(tmp_path: Path) -> None:
    workers = _make_workers(configured(tmp_path))
    together = LiveWorkers(workers, ())
    assert list(together.outlets) == ["main", "second"]
    assert not any(worker.is_alive() for worker in workers.values())


def test_an_exchange_that_nobody_knows_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    config = configured(tmp_path, LIVE.replace("kraken", "krakn"))
    with pytest.raises(ConfigurationError, match="exchange: found krakn, allowed one of kraken"):
        build_venues(config, {"main": KEYS, "second": KEYS}, clock=ManualClock())


def test_the_pace_is_that_of_the_configuration_and_reads_keep_to_the_lowest_tier(
    tmp_path: Path,
) -> None:
    live = configured(tmp_path, LIVE + "live: {poll_s: 3, entry_age_max_s: 1}\n").settings.live
    kraken = worker_settings(live, "kraken")
    assert (kraken.poll_s, kraken.entry_age_max_s, kraken.reconcile_s) == (3, 1, 180)
    assert kraken.budget.per_s < 0.5
    assert kraken.budget.weights[RequestKind.ORDER] == 0
    assert kraken.poll_stream_s == 20
    coinbase = worker_settings(live, "coinbase")
    assert coinbase.budget == RequestBudget()
    assert (coinbase.poll_s, coinbase.poll_stream_s, coinbase.fills_s) == (3, 3, 10)
    assert 60 < kraken.fills_s < 61
    margin = worker_settings(live, "kraken", "margin").budget
    assert margin.weights == {**kraken.budget.weights, RequestKind.HOLDINGS: 2.0}
    faster = configured(tmp_path, LIVE + "live: {requests_per_s: 1}\n").settings.live
    assert worker_settings(faster, "kraken").budget.per_s == 1


def test_at_binance_what_is_read_market_by_market_weighs_by_their_number(tmp_path: Path) -> None:
    live = configured(tmp_path).settings.live
    one, ten, fifty = (worker_settings(live, "binance", markets=markets) for markets in (1, 10, 50))
    kinds = (RequestKind.OPEN_ORDERS, RequestKind.FILLS, RequestKind.FIND, RequestKind.ORDER)
    weights = [[each.budget.weights[kind] for kind in kinds] for each in (one, ten, fifty)]
    assert weights == [[6, 20, 4, 1], [60, 200, 4, 1], [80, 1_000, 4, 1]]
    # The more they weigh, the rarer is what nobody waits for.
    assert (one.poll_stream_s, one.fills_s) == (2, 10)
    assert (ten.poll_stream_s, round(fifty.poll_stream_s)) == (4, 5)
    assert (round(ten.fills_s), round(fifty.fills_s)) == (67, 333)
    assert (one.fills_rest_s, ten.fills_rest_s, fifty.fills_rest_s) == (0.1, 1, 5)
    assert ten.budget.burst <= 6_000
    assert 60 * ten.budget.per_s <= 2_000, "three such bots have room at one address for long"
    slower = configured(tmp_path, LIVE + "live: {requests_per_s: 1}\n").settings.live
    assert worker_settings(slower, "binance").budget.per_s == 20, "a read weighs 20"


def test_half_of_the_time_of_a_stop_is_waited_for_entries_and_then_for_the_store(
    tmp_path: Path,
) -> None:
    clock, asked = ManualClock(), []

    def wait(what: str, seconds: float) -> bool:
        clock.advance(seconds)
        asked.append(what)
        return what == "stored"

    together = LiveWorkers(_make_workers(configured(tmp_path)), ())
    deadline = Deadline(clock, Control(), 10.0)
    together.take_entries_back(
        deadline,
        announce=lambda: asked.append("announced"),
        are_gone=lambda seconds: wait("gone", seconds),
        is_stored=lambda seconds: wait("stored", seconds),
    )
    assert asked[0] == "announced"
    assert asked[-1] == "stored"
    assert 4.5 < deadline.left_s <= 5.0


def test_without_a_real_account_nothing_is_announced_or_waited_for() -> None:
    def never(_seconds: float) -> bool:
        raise AssertionError("nothing to wait for")

    deadline = Deadline(ManualClock(), Control(), 10.0)
    LiveWorkers({}, ()).take_entries_back(
        deadline, announce=lambda: _never("announced"), are_gone=never, is_stored=never
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sandbox: true", {"sandbox": True}),
        ("ccxt: {demo: true}", {"demo": True}),
        ("ccxt: {sandbox: 1}", {"sandbox": True}),
        ("ccxt: {timeout: 9000}", {"timeout": 9000}),
    ],
)
def test_prices_come_from_the_venue_that_is_traded_at(
    tmp_path: Path, text: str, wanted: dict[str, object]
) -> None:
    base = "exchange: binance\ndry_run: false\ntrading: {pairs: [BTC/USDT]}\n"
    settings = configured(tmp_path, base + text).settings
    source = exchange_source(settings)
    assert source is not None
    assert dict(source.settings) == wanted
    assert settings.account_terms()[0].class_settings == wanted


def _make_workers(config: BotConfig) -> dict[str, AccountWorker]:
    names = ("main", "second")
    return build_workers(
        config,
        dict.fromkeys(names, KEYS),
        clock=ManualClock(),
        rng=Random(1),
        tell=lambda _told: None,
        identities={
            name: AccountIdentity(name, "", keep=_never, end=_never_ends) for name in names
        },
        last_run_at=None,
    )


def _never(_found: str) -> None:
    raise AssertionError("nothing was asked yet")


def _never_ends(error: Exception) -> None:
    raise error
