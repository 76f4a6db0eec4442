"""Keys of live accounts: from three places, whole, private, and never shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from daemonkit.errors import ConfigurationError, ExitCode
from daemonkit.secrets import redact
from trading.account_keys import load_keys
from trading.brokers.exchanges.loading import Credentials
from trading.brokers.venue_keys import fingerprint_of_key
from trading.config import BotConfig, load_config

PEM = (
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIPlantedPlantedPlanted\n-----END EC PRIVATE KEY-----\n"
)


@pytest.fixture
def config(tmp_path: Path) -> BotConfig:
    bot_dir = tmp_path / "alpha"
    bot_dir.mkdir()
    (bot_dir / "config.yaml").write_text("", encoding="utf-8")
    return load_config(bot_dir, {"VAR_DIR": str(tmp_path / "var")})


def put(config: BotConfig, values: Mapping[str, str], mode: int = 0o600) -> None:
    folder = config.folder / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        file = folder / name
        file.write_text(value + "\n", encoding="utf-8")
        file.chmod(mode)


def refusal(config: BotConfig, environ: dict[str, str], account: str = "main") -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_keys(config, account, environ)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    return str(caught.value)


def test_systemd_wins_over_the_environment_and_that_over_files(
    config: BotConfig, tmp_path: Path
) -> None:
    put(config, {"main_key": "key of files", "main_secret": "secret of files"})
    keys = load_keys(config, "main", {})
    assert keys.trade.key.reveal() == "key of files"
    assert (keys.trade.password, keys.read) == (None, None)
    environ = {"MAIN_KEY": "key of env", "MAIN_SECRET": "secret of env"}
    assert load_keys(config, "main", environ).trade.key.reveal() == "key of env"
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "main_key").write_text("key of systemd")
    (folder / "main_secret").write_text("secret of systemd")
    environ["CREDENTIALS_DIRECTORY"] = str(folder)
    assert load_keys(config, "main", environ).trade.secret.reveal() == "secret of systemd"


def test_a_passphrase_and_a_second_key_for_reads_are_taken_where_they_are(
    config: BotConfig,
) -> None:
    put(config, {"a-1_key": "k1", "a-1_secret": "s1", "a-1_password": "p1"})
    environ = {"A_1_READ_KEY": "k2", "A_1_READ_SECRET": "s2"}
    keys = load_keys(config, "a-1", environ)
    assert keys.trade.password is not None
    assert keys.trade.password.reveal() == "p1"
    assert keys.read is not None
    assert (keys.read.key.reveal(), keys.read.secret.reveal()) == ("k2", "s2")
    put(config, {"a-1_read_key": "k2"})
    assert "no a-1_read_secret" in refusal(config, {}, "a-1")


def test_missing_keys_are_named_with_all_places_they_may_be_in(config: BotConfig) -> None:
    said = refusal(config, {})
    assert "config.yaml: account main: found no main_key and main_secret, allowed" in said
    assert "MAIN_KEY, MAIN_SECRET" in said
    assert str(config.folder / "keys") in said
    assert "no main_secret" in refusal(config, {"MAIN_KEY": "x"})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_file_that_others_can_read_is_refused_with_the_remedy(
    config: BotConfig, mode: int
) -> None:
    put(config, {"main_key": "planted-key", "main_secret": "planted-secret"}, mode)
    said = refusal(config, {})
    file = config.folder / "keys" / "main_key"
    assert f"{file}: found mode {mode:04o}" in said
    assert f"chmod 600 {file}" in said
    assert "planted" not in said


def test_a_pem_key_gets_its_line_ends_and_no_line_of_it_is_shown(config: BotConfig) -> None:
    environ = {"MAIN_KEY": "organizations/1/apiKeys/2", "MAIN_SECRET": PEM.replace("\n", "\\n")}
    secret = load_keys(config, "main", environ).trade.secret
    assert secret.reveal() == PEM
    assert "Planted" not in redact(f"cannot parse MHcCAQEEIPlantedPlantedPlanted in {PEM}")


def test_a_fingerprint_tells_keys_apart_and_does_not_tell_the_key(config: BotConfig) -> None:
    def key(text: str, secret: str = "s") -> Credentials:
        return load_keys(config, "main", {"MAIN_KEY": text, "MAIN_SECRET": secret}).trade

    first = fingerprint_of_key("kraken", key("one"))
    assert first == fingerprint_of_key("kraken", key("one", secret="of the same key"))
    assert first != fingerprint_of_key("kraken", key("two"))
    assert first != fingerprint_of_key("binance", key("one"))
    assert len(first) == 12
    assert "planted" not in repr(key("planted-key"))
