"""From a configuration to the values of the core, and to the instances that trade."""

from decimal import Decimal
from pathlib import Path

import pytest

from daemonkit.errors import ConfigurationError
from tests.processes import ROOT
from trading.config import BotConfig, load_config
from trading.instances_of import instances_of, load_instances
from trading.model.account import MarketType
from trading.model.mode import Mode
from trading.model.order import TrailPlan
from trading.risk.settings import LimitSettings, RiskSettings
from trading.settings.instances import INSTANCES_MAX
from trading.settings_of import (
    accounts_of,
    instruments_of,
    limit_settings,
    pairs_of_account,
    paper_balance_of,
    paper_terms_of,
    risk_settings,
)

TWO_ACCOUNTS = """
exchange: coinbase
feed: {kind: synthetic}
mode: leveraged
leverage: 3
allow_short: true
paper: {balance: 5000, fee_taker_pct: 0.002, instruments: {BTC/USD: {price_step: 0.5}}}
trading: {pairs: [BTC-USD, ETH-USD]}
strategy: sma_crossover
parameters: {fast_period: 20, slow_period: 50}
symbol_parameters: {ETH-USD: {slow_period: 60}}
accounts:
  main: {market_type: spot}
  second:
    exchange: kraken
    pairs: [BTC/EUR]
    leverage: 2
    paper: {balance: 100, slippage_pct: 0, latency_ms: 250, volume_share: 0.1}
"""


def configured(folder: Path, text: str) -> BotConfig:
    bot_dir = folder / "alpha"
    bot_dir.mkdir(exist_ok=True)
    (bot_dir / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(bot_dir, {})


def refusal_of_instances(config: BotConfig) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_instances(config)
    return str(caught.value)


def test_a_lone_exchange_is_one_account_that_owns_what_it_buys(tmp_path: Path) -> None:
    (account,) = accounts_of(configured(tmp_path, ""))
    assert (account.name, account.exchange, account.currency) == ("main", "paper", "USDT")
    assert (account.market_type, account.is_paper, account.can_short) == (
        MarketType.SPOT,
        True,
        False,
    )
    assert account.leverage == 1


def test_an_account_takes_from_the_top_what_it_does_not_say(tmp_path: Path) -> None:
    config = configured(tmp_path, TWO_ACCOUNTS)
    main, second = accounts_of(config)
    assert (main.exchange, main.currency, main.leverage, main.can_short) == (
        "coinbase",
        "USD",
        Decimal(1),
        False,
    )
    assert (second.exchange, second.currency, second.leverage, second.can_short) == (
        "kraken",
        "EUR",
        Decimal(2),
        True,
    )
    assert second.market_type is MarketType.MARGIN
    assert pairs_of_account(config, "main") == ("BTC/USD", "ETH/USD")
    assert pairs_of_account(config, "second") == ("BTC/EUR",)
    assert config.settings.feed.symbols == ("BTC/USD", "ETH/USD", "BTC/EUR")  # type: ignore[union-attr]


def test_the_paper_of_an_account_lies_over_that_of_all(tmp_path: Path) -> None:
    config = configured(tmp_path, TWO_ACCOUNTS)
    assert paper_balance_of(config, "main") == 5000
    assert paper_balance_of(config, "second") == 100
    main, second = paper_terms_of(config, "main"), paper_terms_of(config, "second")
    assert (main.fee_taker, main.slippage) == (Decimal("0.002"), Decimal("0.0005"))
    assert (second.fee_taker, second.slippage) == (Decimal("0.002"), Decimal(0))
    assert (second.latency_s, second.volume_share) == (0.25, Decimal("0.1"))


def test_instruments_are_those_of_the_built_in_market_unless_said(tmp_path: Path) -> None:
    instruments = instruments_of(configured(tmp_path, TWO_ACCOUNTS))
    assert set(instruments) == {"BTC/USD", "ETH/USD", "BTC/EUR"}
    bitcoin, ether = instruments["BTC/USD"], instruments["ETH/USD"]
    assert (bitcoin.base, bitcoin.quote, bitcoin.price_step) == ("BTC", "USD", Decimal("0.5"))
    assert ether.price_step == Decimal("0.01")
    assert (bitcoin.quantity_step, bitcoin.quantity_min) == (Decimal("1e-6"), Decimal("1e-6"))
    assert bitcoin.cost_min == 1


def test_instruments_of_a_recorded_market_have_the_finest_steps(tmp_path: Path) -> None:
    config = configured(tmp_path, "feed: {kind: replay, file: eth_btc_5m.csv.gz}")
    (instrument,) = instruments_of(config).values()
    assert (instrument.symbol, instrument.quote) == ("ETH/BTC", "BTC")
    assert (instrument.price_step, instrument.quantity_step) == (Decimal("1e-8"), Decimal("1e-8"))
    assert accounts_of(config)[0].currency == "BTC"


def test_the_defaults_of_the_configuration_are_those_of_the_rules(tmp_path: Path) -> None:
    config = configured(tmp_path, "")
    assert risk_settings(config) == RiskSettings(trade_amount=Decimal(100))
    assert limit_settings(config) == LimitSettings()


def test_what_the_configuration_says_of_risk_becomes_exact_money(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "trading: {trade_amount_usd: 50, max_position_pct: 0.1}\n"
        "risk: {stop_loss_pct: 0.014, take_profit_pct: null, max_drawdown_pct: 0.2,\n"
        "       trailing: {activation_pct: 0.013, distance_pct: 0.008}}\n",
    )
    risk = risk_settings(config)
    assert (risk.trade_amount, risk.max_position_fraction) == (Decimal(50), Decimal("0.1"))
    assert (risk.stop_fraction, risk.target_fraction) == (Decimal("0.014"), None)
    assert risk.trail == TrailPlan(Decimal("0.013"), Decimal("0.008"))
    assert limit_settings(config).max_drawdown_fraction == Decimal("0.2")


def test_a_strategy_makes_one_instance_for_each_market_and_account(tmp_path: Path) -> None:
    specs = instances_of(configured(tmp_path, TWO_ACCOUNTS))
    assert [(one.id, one.account, one.symbol) for one in specs] == [
        ("sma_crossover-btc", "main", "BTC/USD"),
        ("sma_crossover-eth", "main", "ETH/USD"),
        ("sma_crossover-btc-second", "second", "BTC/EUR"),
    ]
    assert specs[0].parameters == {"fast_period": 20, "slow_period": 50}
    assert specs[1].parameters == {"fast_period": 20, "slow_period": 60}
    assert {one.mode for one in specs} == {Mode.ACTIVE}


def test_without_a_strategy_there_is_nothing_to_run(tmp_path: Path) -> None:
    assert instances_of(configured(tmp_path, "")) == ()


def test_listed_instances_take_the_place_of_the_usual_ones(tmp_path: Path) -> None:
    text = """
strategy: {name: sma_crossover, params: {fast_period: 5}}
symbol_parameters: {BTC/USDT: {slow_period: 40}}
instances:
  - {market: BTC-USDT, mode: off}
  - {market: BTC/USDT, parameters: {fast_period: 7}}
  - market: ETH/USDT
    id: trend
    strategy: ema_trend
    mode: observe
    parameters: {position_size: 2}
"""
    first, second, third = instances_of(configured(tmp_path, text))
    assert (first.id, first.mode) == ("sma_crossover-btc", Mode.OFF)
    assert first.parameters == {"fast_period": 5, "slow_period": 40}
    assert (second.id, second.parameters["fast_period"]) == ("sma_crossover-btc-2", 7)
    assert (third.id, third.strategy, third.mode) == ("trend", "ema_trend", Mode.OBSERVE)
    # The parameters of one strategy mean nothing to another.
    assert third.parameters == {"position_size": 2}


def test_every_id_is_different_and_short_enough(tmp_path: Path) -> None:
    name, account = "s" * 40, "a" * 32
    pairs = ", ".join(["BTC/USDT", "BTC/USDT:USDT", "A" * 20 + "/USDT"])
    text = (
        f"strategy: {name}\ntrading: {{pairs: [{pairs}]}}\naccounts: {{m: {{}}, {account}: {{}}}}"
    )
    ids = [one.id for one in instances_of(configured(tmp_path, text))]
    assert len(set(ids)) == 6
    assert max(len(one) for one in ids) <= 64


def test_the_shipped_bot_loads_with_its_strategy() -> None:
    loaded = load_instances(load_config(ROOT / "bots" / "paper", {}))
    assert [one.spec.symbol for one in loaded] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert all(one.type.name == "sma_crossover" for one in loaded)
    assert all((one.config["fast_period"], one.config["slow_period"]) == (10, 30) for one in loaded)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("strategy: nothing_such", "strategy: found nothing_such, allowed a strategy that can be"),
        (
            "strategy: sma_crossover\nparameters: {slow_perio: 5}",
            "parameters.slow_perio: found an unknown key, allowed slow_period?",
        ),
        (
            "strategy: sma_crossover\nsymbol_parameters: {ETH/USDT: {slow_period: many}}",
            "(instance sma_crossover-eth)",
        ),
    ],
)
def test_what_a_strategy_does_not_take_is_refused_in_words(
    tmp_path: Path, text: str, told: str
) -> None:
    said = refusal_of_instances(configured(tmp_path, text))
    assert "config.yaml" in said
    assert told in said


def test_two_thousand_instances_are_allowed_and_no_more(tmp_path: Path) -> None:
    def text(count: int) -> str:
        return "strategy: sma_crossover\ninstances: [" + "{market: BTC/USDT}, " * count + "]"

    assert len(instances_of(configured(tmp_path, text(INSTANCES_MAX)))) == INSTANCES_MAX
    with pytest.raises(ConfigurationError, match="instances"):
        configured(tmp_path, text(INSTANCES_MAX + 1))
