"""The configuration of a bot: whole, strict, and refused in words."""

from datetime import UTC
from pathlib import Path

import pytest
import yaml

from daemonkit.errors import ConfigurationError
from daemonkit.settings import Settings
from tests.processes import ROOT
from trading.config import BotSettings, load_config
from trading.market.settings import ExchangeFeedSettings
from trading.reload import LIVE_KEYS, merge_settings

# Letter for letter as the document that asked for this system has it.
ORIGINAL = """\
# coinbase_bot/config.yaml
exchange: coinbase
mode: long_only
strategy: sma_crossover
parameters:
  fast_period: 20
  slow_period: 50
  
trading:
  pairs: ["BTC-USD", "ETH-USD", "LTC-USD"]
  trade_amount_usd: 50
  max_position_pct: 0.25
  
risk:
  stop_loss_pct: 0.05
  take_profit_pct: 0.10
  max_drawdown_pct: 0.15
  
dry_run: false
"""  # noqa: W293


def write(folder: Path, text: str, name: str = "alpha") -> Path:
    bot_dir = folder / name
    bot_dir.mkdir(exist_ok=True)
    (bot_dir / "config.yaml").write_text(text, encoding="utf-8")
    return bot_dir


def refusal(bot_dir: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_config(bot_dir, {})
    return str(caught.value)


def test_an_empty_file_is_the_paper_bot_of_its_folder(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, ""), {"VAR_DIR": str(tmp_path / "var")})
    assert (config.bot, config.mode, config.settings.exchange) == ("alpha", "PAPER", "paper")
    assert config.database == tmp_path / "var" / "alpha" / "state.db"


def test_the_shipped_paper_bot_says_every_default_there_is(tmp_path: Path) -> None:
    shipped = load_config(ROOT / "bots" / "paper", {})
    assert shipped.bot == "paper"
    # The address is said too, though it is daemonkit's default and not the model's.
    link = shipped.settings.link.model_copy(update={"host": None, "port": None})
    # Without a strategy a bot would show nothing.
    own: dict[str, object] = {"name": None, "strategy": None, "parameters": {}}
    assert shipped.settings.model_copy(update={"link": link, **own}) == BotSettings()
    text = (ROOT / "bots" / "paper" / "config.yaml").read_text(encoding="utf-8")
    said = yaml.safe_load(text.replace("  # reconnect_longest_s:", "  reconnect_longest_s:"))
    for name, field in BotSettings.model_fields.items():
        assert name in said
        section = field.get_default(call_default_factory=True)
        if isinstance(section, Settings):
            assert set(said[name]) == set(type(section).model_fields) - {"tls"}, name


def test_the_configuration_of_the_original_is_understood(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, ORIGINAL, name="coinbase_bot"), {})
    settings = config.settings
    assert (config.bot, config.mode, settings.exchange) == ("coinbase_bot", "LIVE", "coinbase")
    assert settings.strategy is not None
    assert settings.strategy.name == "sma_crossover"
    assert settings.all_parameters == {"fast_period": 20, "slow_period": 50}
    assert settings.trading.pairs == ("BTC/USD", "ETH/USD", "LTC/USD")
    assert (settings.trading.trade_amount_usd, settings.trading.max_position_pct) == (50, 0.25)
    risk = settings.risk
    assert (risk.stop_loss_pct, risk.take_profit_pct, risk.max_drawdown_pct) == (0.05, 0.1, 0.15)
    assert settings.trading.is_allowed
    assert settings.feed == ExchangeFeedSettings(symbols=settings.trading.pairs)


def test_the_original_on_paper_sees_the_real_market_too_unless_another_is_named(
    tmp_path: Path,
) -> None:
    config = load_config(write(tmp_path, ORIGINAL.replace("false", "true")), {})
    assert config.mode == "PAPER"
    assert config.settings.feed.kind == "exchange"
    text = ORIGINAL.replace("false", "true") + "feed: {kind: synthetic}\n"
    config = load_config(write(tmp_path, text), {})
    assert config.settings.feed.symbols == config.settings.trading.pairs  # type: ignore[union-attr]


def test_one_account_with_real_money_makes_a_bot_live(tmp_path: Path) -> None:
    text = "accounts: {main: {}, real: {exchange: kraken, dry_run: false}}\n"
    config = load_config(write(tmp_path, text + "trading: {pairs: [BTC/USD]}"), {})
    assert config.mode == "LIVE"
    # The account on paper sees the prices of the real one.
    assert config.settings.feed.kind == "exchange"


def test_a_strategy_may_hold_its_parameters_and_trading_its_ceiling(tmp_path: Path) -> None:
    text = "strategy: {name: a_b, params: {x: 1}}\ntrading: {state: off, pairs: [btc-usdt]}"
    settings = load_config(write(tmp_path, text), {}).settings
    assert settings.all_parameters == {"x": 1}
    assert not settings.trading.is_allowed
    assert settings.trading.pairs == ("BTC/USDT",)


def test_a_feed_that_names_its_markets_keeps_them(tmp_path: Path) -> None:
    text = "trading: {pairs: [BTC/USDT]}\nfeed: {kind: synthetic, symbols: [BTC/USDT, ETH/USDT]}"
    settings = load_config(write(tmp_path, text), {}).settings
    assert settings.feed.symbols == ("BTC/USDT", "ETH/USDT")  # type: ignore[union-attr]


def test_days_begin_where_the_configuration_says(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "timezone: Europe/Berlin"), {})
    assert str(config.zone) == "Europe/Berlin"
    assert load_config(write(tmp_path, "timezone: UTC"), {}).zone is UTC


def test_a_technical_name_wins_over_the_folder_and_a_title_does_not(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "name: beta-2"), {}).bot == "beta-2"
    assert load_config(write(tmp_path, 'name: "Long Only"'), {}).bot == "alpha"


def test_a_name_that_fits_nowhere_is_refused(tmp_path: Path) -> None:
    text = refusal(write(tmp_path, 'name: "Long Only"', name="My Bot"))
    assert "name: found 'Long Only', allowed 1 to 32 of a-z" in text
    assert "telegram" in refusal(write(tmp_path, "", name="telegram"))
    # Nobody means the bridge's name as a title.
    assert "name: found 'telegram'" in refusal(write(tmp_path, "name: telegram"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stauts_interval_s: 1", "status_interval_s"),
        ("trading: perhaps", "'allowed' or 'off'"),
        ("feed: {kind: synthetic, symbols: []}", "found a list, allowed at least 1 of them"),
        ("trading: {pairs: [BTC]}\nfeed: {kind: synthetic, symbols: [ETH/USDT]}", "found BTC, all"),
        ("trading: {pairs: [BTC/USD, BTC-USD]}", "each market once"),
        ("trading: {pairs: [BTC/BTC]}", "found 'BTC/BTC', allowed a market such as BTC/USDT"),
        ("trading: {pairs: BTC/USD}", "found 'BTC/USD', allowed a list"),
        ("trading: {trade_amount_usd: true}", "trade_amount_usd: found true, allowed a number"),
        ("risk: {losing_streak: true}", "losing_streak: found true, allowed a number"),
        ("accounts: {Main: {}}", "allowed text of the form ^[a-z0-9_-]{1,32}$"),
        ("trading: {pairs: [BTC/USD, ETH/EUR]}", "one currency for each account"),
        ("trading: {trade_amount_usd: 0}", "trading.trade_amount_usd: found 0"),
        ("risk: {stop_loss_pct: 5}", "stop_loss_pct: found 5, allowed a fraction below 1"),
        ("risk: {stop_loss_pct: null}", "risk.stop_loss_pct"),
        ("risk: {max_drawdown_pct: 1}", "0.05 means 5 %"),
        ("risk: {daily_loss_pct: -0.05}", "risk.daily_loss_pct: found -0.05"),
        (
            "risk: {trailing: {activation_pct: 0.1, distance_pct: 0.01, tight_distance_pct: 0.02}}",
            "tight_distance_pct at most distance_pct",
        ),
        ("risk: {trailing: {distance_pct: 0.01}}", "risk.trailing.activation_pct"),
        ("paper: {fee_taker_pct: 0.1}", "0.001 means 0.1 %"),
        ("paper: {currency: EUR}", "paper.currency: found EUR, allowed USDT"),
        ("paper: {instruments: {X/Y: {}}}", "paper.instruments: found X/Y"),
        ("leverage: 2", "leverage: found 2, allowed 1, or more with mode leveraged"),
        ("mode: leveraged\nleverage: 4", "leverage: found 4, allowed 1 to 3, the max_leverage"),
        ("allow_short: true", "allow_short: found true, allowed false, or true with mode"),
        ("accounts: {a: {market_type: swap}}", "accounts.a.market_type: found swap"),
        (
            "mode: leveraged\naccounts: {a: {market_type: spot, allow_short: true}}",
            "accounts.a.allow_short: found true",
        ),
        ("accounts: {all: {}}", "any other name"),
        ("accounts: {A: {}}", "accounts"),
        ("accounts: {" + ", ".join(f"a{n}: {{}}" for n in range(17)) + "}", "at most 16"),
        ("strategy: SMA", "strategy"),
        ("strategy: {name: a, params: {x: 1}}\nparameters: {y: 1}", "one of the two"),
        (
            "symbol_parameters: {X/Y: {a: 1}}",
            "symbol_parameters: found X/Y, allowed the pairs: BTC",
        ),
        ("instances: [{market: BTC/USDT}]", "instances[0].strategy: found nothing"),
        ("strategy: a\ninstances: [{market: X/Y}]", "instances[0].market: found X/Y"),
        (
            "strategy: a\ninstances: [{market: BTC/USDT, account: b}]",
            "account: found b, allowed ma",
        ),
        (
            "strategy: a\ninstances: [{market: BTC/USDT, id: b}, {market: ETH/USDT, id: b}]",
            "each id once",
        ),
        ("strategy: a\ninstances: [{market: BTC/USDT, mode: on}]", "'off', 'observe' or 'active'"),
        ("timezone: Mars/Phobos", "a time zone such as Europe/Berlin"),
        ("timezone: ../etc", "a time zone such as Europe/Berlin"),
        ("log_level: LOUD", "log_level: found 'LOUD'"),
        ("stop_timeout_s: 61", "stop_timeout_s: found 61"),
        ("live: {keep_entries_at_stop: often}", "live.keep_entries_at_stop: found 'often'"),
        ("exchange: '../x'", "exchange"),
        ("logs: {queue_len_max: 0}", "logs.queue_len_max: found 0"),
        ("feed: {kind: nothing}", "feed"),
        ("store: {outbox_rows_max: many}", "store.outbox_rows_max: found 'many'"),
        ("status_interval_s: .nan", "status_interval_s"),
        ("link: {heartbeat_s: 20}", "heartbeat_s below dead_after_s"),
    ],
)
def test_a_mistake_names_file_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, wanted: str
) -> None:
    said = refusal(write(tmp_path, text))
    assert "config.yaml" in said
    assert wanted in said


def test_off_means_off_and_levels_may_be_written_small(tmp_path: Path) -> None:
    settings = load_config(write(tmp_path, "trading: off\nlog_level: debug"), {}).settings
    assert (settings.trading.state, settings.log_level) == ("off", "DEBUG")


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    assert "config.yaml" in refusal(tmp_path / "nowhere")


def test_a_reload_applies_live_keys_and_names_the_others() -> None:
    current = BotSettings()
    wanted = BotSettings.model_validate(
        {
            "log_level": "DEBUG",
            "status_interval_s": 9,
            "logs": {"forward_level": "ERROR", "file_backups": 1},
            "live": {"keep_entries_at_stop": True, "poll_s": 1},
            "feed": {"kind": "synthetic", "seed": 2},
            "risk": {"stop_loss_pct": 0.01},
            "trading": "off",
            "strategy": "sma_crossover",
            "accounts": {"main": {}},
        }
    )
    reloaded = merge_settings(current, wanted)
    assert set(reloaded.applied) == {
        *("log_level", "status_interval_s", "logs.forward_level", "live.keep_entries_at_stop")
    }
    assert set(reloaded.applied) <= LIVE_KEYS
    about_money = {"risk.stop_loss_pct", "trading.state", "strategy", "accounts"}
    assert set(reloaded.waiting) == {"logs.file_backups", "feed", "live.poll_s"} | about_money
    assert reloaded.settings.log_level == "DEBUG"
    assert reloaded.settings.logs.forward_level == "ERROR"
    assert reloaded.settings.logs.file_backups == current.logs.file_backups
    assert reloaded.settings.feed == current.feed
    assert reloaded.settings.live.keep_entries_at_stop
    assert reloaded.settings.live.poll_s == current.live.poll_s


def test_a_reload_of_the_same_configuration_changes_nothing() -> None:
    reloaded = merge_settings(BotSettings(), BotSettings())
    assert (reloaded.applied, reloaded.waiting) == ((), ())
    assert reloaded.settings == BotSettings()
