"""What is wrong about accounts at exchanges is said before any of them is asked."""

from pathlib import Path

import pytest

from daemonkit.errors import ConfigurationError
from trading.config import BotConfig, load_config
from trading.market.settings import ExchangeFeedSettings
from trading.settings_of import accounts_of, instruments_of

LIVE = "exchange: kraken\ndry_run: false\ntrading: {pairs: [BTC/USD]}\n"
SHORT_AND_LONG = "mode: leveraged\nleverage: 3\nallow_short: true\n"


def configured(folder: Path, text: str) -> BotConfig:
    bot_dir = folder / "alpha"
    bot_dir.mkdir(exist_ok=True)
    (bot_dir / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(bot_dir, {})


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        configured(folder, text)
    return str(caught.value)


def test_an_account_at_an_exchange_sees_its_market(tmp_path: Path) -> None:
    config = configured(tmp_path, LIVE + SHORT_AND_LONG + "ccxt: {timeout: 9000}\n")
    assert config.settings.feed == ExchangeFeedSettings(symbols=("BTC/USD",))
    (terms,) = config.settings.account_terms()
    assert terms.ccxt == {"timeout": 9000}
    assert (terms.market_type, terms.margin_mode, terms.sandbox) == ("margin", "cross", False)
    (account,) = accounts_of(config)
    assert (account.exchange, account.is_paper, account.currency) == ("kraken", False, "USD")


def test_the_steps_of_an_exchange_are_not_made_up(tmp_path: Path) -> None:
    assert instruments_of(configured(tmp_path, LIVE)) == {}
    assert instruments_of(configured(tmp_path, LIVE.replace("false", "true"))) == {}
    text = LIVE + "paper: {instruments: {BTC/USD: {price_step: 0.1}}}\n"
    assert "paper.instruments: found steps, allowed none" in refusal(tmp_path, text)


def test_a_real_account_and_one_on_paper_share_the_real_market(tmp_path: Path) -> None:
    text = (
        "exchange: kraken\ntrading: {pairs: [BTC/USD]}\n"
        "accounts: {try: {dry_run: true}, real: {dry_run: false, ccxt: {timeout: 9000}}}\n"
    )
    tried, real = configured(tmp_path, text).settings.account_terms()
    assert (tried.dry_run, real.dry_run) == (True, False)
    assert (tried.ccxt, real.ccxt) == ({}, {"timeout": 9000})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dry_run: false", "dry_run: found false, allowed true: exchange paper"),
        (LIVE + "feed: {kind: synthetic}", "feed.kind: found synthetic, allowed exchange: main"),
        ("feed: {kind: exchange}", "feed.kind: found exchange, allowed synthetic or replay"),
        ("exchange: kraken\ndry_run: false", "trading.pairs: found nothing, allowed the markets"),
        ("exchange: kraken", "trading.pairs: found nothing"),
        (LIVE.replace("BTC/USD", "BTC/USD:USD"), "found BTC/USD:USD, allowed a spot market"),
        (LIVE.replace("BTC/USD", "MESZ6"), "found MESZ6, allowed a spot market such as BTC/USD"),
        (
            LIVE.replace("kraken", "krakenfutures") + "mode: leveraged\naccounts: {a: "
            "{market_type: swap}}",
            "trading.pairs: found BTC/USD, allowed a swap market such as BTC/USD:USD",
        ),
        (
            LIVE.replace("kraken", "coinbase") + "mode: leveraged",
            "market_type: found margin, allowed spot at coinbase",
        ),
        (
            LIVE + "mode: leveraged\naccounts: {a: {market_type: swap}}",
            "accounts.a.market_type: found swap, allowed margin, spot at kraken; its futures",
        ),
        (LIVE + SHORT_AND_LONG.replace("3", "1.5"), "leverage: found 1.5, allowed 1, 2, 3: whole"),
        (
            LIVE + "ccxt: {timeout: 20001}",
            "ccxt.timeout: found 20001, allowed milliseconds, at most",
        ),
        (LIVE + "sandbox: true", "sandbox: found true, allowed false: kraken has no test venue"),
        (
            LIVE + "accounts: {a: {}, b: {exchange: binance}}",
            "accounts.b.exchange: found binance, allowed kraken: a bot trades at one exchange",
        ),
        (LIVE + "accounts: {a-b: {}, a_b: {}}", "accounts: found a_b, allowed a name whose keys"),
        (LIVE + "accounts: {a: {}, a_read: {}}", "accounts: found a_read, allowed a name whose"),
        (LIVE + "accounts: {-a: {}}", "a name that begins with a letter or a digit"),
        (LIVE + "accounts: {a: {}}\nccxt: {timeout: 1}", "ccxt: found a mapping, allowed ccxt und"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(tmp_path: Path, text: str, told: str) -> None:
    said = refusal(tmp_path, text)
    assert "config.yaml" in said
    assert told in said


@pytest.mark.parametrize(
    "entry",
    [
        "apiKey: planted-key",
        "secret: planted-key",
        "password: planted-key",
        "uid: planted-key",
        "private_key: planted-key",
        "options: {apiKey: planted-key}",
        "headers: {Authorization-Token: planted-key}",
    ],
)
@pytest.mark.parametrize("place", ["ccxt: {%s}", "accounts: {main: {ccxt: {%s}}}"])
def test_a_key_in_the_configuration_is_refused_and_not_shown(
    tmp_path: Path, entry: str, place: str
) -> None:
    said = refusal(tmp_path, LIVE + place % entry)
    assert "found a value that is not shown, allowed nothing: keys are systemd cred" in said
    assert "planted" not in said
