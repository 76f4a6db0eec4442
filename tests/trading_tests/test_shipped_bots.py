"""The bots that are shipped: right as they are, on paper, and what they say they are."""

from pathlib import Path
from random import Random

import pytest

from daemonkit.clock import ManualClock
from tests.processes import ROOT
from trading.config import BotConfig, load_config
from trading.feed_of import feed_of
from trading.instances_of import load_instances
from trading.market.settings import ExchangeFeedSettings
from trading.settings.accounts import AccountTerms


def shipped(name: str) -> BotConfig:
    return load_config(ROOT / "bots" / name, {})


def terms_of(config: BotConfig) -> AccountTerms:
    (terms,) = config.settings.account_terms()
    return terms


@pytest.mark.parametrize("folder", sorted((ROOT / "bots").iterdir()), ids=lambda one: one.name)
def test_every_shipped_bot_is_on_paper_and_can_start(folder: Path) -> None:
    config = load_config(folder, {})
    assert (config.bot, config.mode) == (folder.name, "PAPER")
    assert load_instances(config)


@pytest.mark.parametrize("name", ["coinbase", "kraken", "binance"])
def test_bots_of_exchanges_see_the_real_market(name: str) -> None:
    settings = shipped(name).settings
    assert settings.exchange == name
    assert isinstance(settings.feed, ExchangeFeedSettings)
    assert settings.feed.symbols == settings.trading.pairs
    # Made without the network and without keys.
    assert (
        feed_of(shipped(name), clock=ManualClock(), rng=Random(1)).symbols == settings.trading.pairs
    )


def test_the_bot_of_coinbase_only_owns_what_it_bought() -> None:
    config = shipped("coinbase")
    terms = terms_of(config)
    assert config.settings.name == "Long Only"
    assert (terms.market_type, terms.leverage, terms.allow_short) == ("spot", 1, False)
    assert terms.pairs == ("BTC/USD", "ETH/USD", "LTC/USD")
    assert config.settings.all_parameters == {"fast_period": 20, "slow_period": 50}


def test_the_bot_of_kraken_goes_both_ways_with_three_times_its_money() -> None:
    config = shipped("kraken")
    terms = terms_of(config)
    assert config.settings.name == "Leveraged"
    assert (terms.market_type, terms.leverage, terms.allow_short) == ("margin", 3, True)
    assert config.settings.max_leverage == 3


def test_the_bot_of_binance_has_the_parameters_of_the_original() -> None:
    config = shipped("binance")
    assert terms_of(config).market_type == "spot"
    assert config.settings.strategy is not None
    assert config.settings.strategy.name == "ema_trend"
    (avax,) = (one for one in load_instances(config) if one.spec.symbol == "AVAX/USDT")
    assert float(avax.config["take_profit_percent"]) == 2.81
    assert config.settings.paper.balance == 1000
