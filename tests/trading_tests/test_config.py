"""The configuration of a bot: whole, strict, and refused in words."""

from pathlib import Path

import pytest
import yaml

from daemonkit.errors import ConfigurationError
from daemonkit.settings import Settings
from tests.processes import ROOT
from trading.config import BotSettings, check_runnable, load_config
from trading.reload import LIVE_KEYS, merge_settings


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
        ("log_level: LOUD", "log_level: found 'LOUD'"),
        ("stop_timeout_s: 61", "stop_timeout_s: found 61"),
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
            "feed": {"kind": "synthetic", "seed": 2},
        }
    )
    reloaded = merge_settings(current, wanted)
    assert set(reloaded.applied) == {"log_level", "status_interval_s", "logs.forward_level"}
    assert set(reloaded.applied) <= LIVE_KEYS
    assert set(reloaded.waiting) == {"logs.file_backups", "feed"}
    assert reloaded.settings.log_level == "DEBUG"
    assert reloaded.settings.logs.forward_level == "ERROR"
    assert reloaded.settings.logs.file_backups == current.logs.file_backups
    assert reloaded.settings.feed == current.feed


def test_a_reload_of_the_same_configuration_changes_nothing() -> None:
    reloaded = merge_settings(BotSettings(), BotSettings())
    assert (reloaded.applied, reloaded.waiting) == ((), ())
    assert reloaded.settings == BotSettings()
