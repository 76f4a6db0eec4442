"""The feed of a configuration: which exchange an exchange feed asks, before anything is asked."""

from pathlib import Path
from random import Random

import pytest

from daemonkit.clock import ManualClock
from daemonkit.errors import ConfigurationError
from trading.config import load_config
from trading.feed_of import feed_of
from trading.settings.feed_source import exchange_source


def write(folder: Path, text: str) -> Path:
    bot = folder / "live"
    bot.mkdir()
    (bot / "config.yaml").write_text(text, encoding="utf-8")
    return bot


def test_the_exchange_of_the_accounts_is_asked_with_their_settings(tmp_path: Path) -> None:
    text = (
        "accounts:\n"
        "  paper: {exchange: paper}\n"
        "  real: {exchange: kraken, ccxt: {timeout: 5}}\n"
        "trading: {pairs: [BTC/USD]}\n"
    )
    config = load_config(write(tmp_path, text), {})
    source = exchange_source(config.settings)
    assert source is not None
    assert (source.exchange, source.market_type) == ("kraken", "spot")
    assert source.settings == {"timeout": 5}
    feed = feed_of(config, clock=ManualClock(), rng=Random(1))
    assert feed.symbols == ("BTC/USD",)
    assert feed.description == "live market of kraken: BTC/USD, by WebSocket"
    assert feed.lossless is False


def test_the_built_in_market_asks_no_exchange(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "exchange: kraken\nfeed: {kind: synthetic}\n"), {})
    assert exchange_source(config.settings) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feed: {kind: exchange, symbols: [BTC/USD]}\n", "found exchange, allowed synthetic"),
        ("exchange: krakn\ntrading: {pairs: [BTC/USD]}\n", "found krakn, allowed one of"),
        (
            "exchange: kraken\ntrading: {pairs: [BTC/USD]}\nfeed: {kind: exchange, candle_s: 61}\n",
            "candle_s: found 61",
        ),
    ],
)
def test_what_can_be_known_without_asking_is_refused_at_the_start(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        feed_of(load_config(write(tmp_path, text), {}), clock=ManualClock(), rng=Random(1))
