"""The keys of live accounts, from systemd's credentials, the environment or 0600 files.

Never from YAML, and never shown: what is missing or wrong is named by its place.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from daemonkit.credentials import read_credential
from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret, hide
from trading.brokers.exchanges.loading import Credentials
from trading.brokers.venue_keys import VenueKeys
from trading.config import BotConfig

KEYS_FOLDER: Final = "keys"
KEY, SECRET, PASSWORD, UID = "key", "secret", "password", "uid"
READ_KEY, READ_SECRET = "read_key", "read_secret"
SLOTS: Final = (KEY, SECRET, PASSWORD, UID, READ_KEY, READ_SECRET)

_PEM: Final = "-----BEGIN"
_PEM_LINE_MIN: Final = 16


def credential_name(account: str, slot: str) -> str:
    """Return what systemd's credential and the file are called."""
    return f"{account}_{slot}"


def variable_name(account: str, slot: str) -> str:
    """Return what the environment variable is called; a shell knows no dashes."""
    return f"{account}_{slot}".replace("-", "_").upper()


def keys_folder(config: BotConfig) -> Path:
    """Return where the files with keys of a bot are looked for."""
    return config.folder / KEYS_FOLDER


def load_keys(config: BotConfig, account: str, environ: Mapping[str, str]) -> VenueKeys:
    """Return the keys of a live account; ConfigurationError names the places of what is missing."""
    found = {slot: _read(config, account, slot, environ) for slot in SLOTS}
    _check_whole(config, account, found, (KEY, SECRET))
    if found[READ_KEY] is not None or found[READ_SECRET] is not None:
        _check_whole(config, account, found, (READ_KEY, READ_SECRET))
    trade = _credentials(found, KEY, SECRET)
    # The check above saw to both; this tells the type checker.
    assert trade is not None
    return VenueKeys(trade, _credentials(found, READ_KEY, READ_SECRET))


def _read(config: BotConfig, account: str, slot: str, environ: Mapping[str, str]) -> Secret | None:
    found = read_credential(
        credential_name(account, slot),
        env_names=[variable_name(account, slot)],
        environ=environ,
        private_folder=keys_folder(config),
    )
    return None if found is None else _with_lines(found)


def _with_lines(secret: Secret) -> Secret:
    r"""Return a PEM key with real line ends: those of JSON files and variables are often \n."""
    text = secret.reveal()
    if not text.startswith(_PEM):
        return secret
    whole = text.replace("\\n", "\n").strip() + "\n"
    for line in whole.splitlines():
        # A library that quotes a part of the key must not show that part.
        if len(line) >= _PEM_LINE_MIN and not line.startswith("-----"):
            hide(line)
    hide(text)
    return Secret(whole)


def _check_whole(
    config: BotConfig, account: str, found: Mapping[str, Secret | None], slots: tuple[str, ...]
) -> None:
    missing = [slot for slot in slots if found[slot] is None]
    if not missing:
        return
    names = " and ".join(credential_name(account, slot) for slot in missing)
    variables = ", ".join(variable_name(account, slot) for slot in missing)
    folder = keys_folder(config)
    raise ConfigurationError(
        config.file,
        f"account {account}",
        f"no {names}",
        f"systemd credentials of these names, or {variables} in the environment, or files of "
        f"these names with mode 0600 in {folder}",
        "a live account needs its keys; or set dry_run: true",
    )


def _credentials(
    found: Mapping[str, Secret | None], key_slot: str, secret_slot: str
) -> Credentials | None:
    key, secret = found[key_slot], found[secret_slot]
    if key is None or secret is None:
        return None
    return Credentials(key, secret, found[PASSWORD], found[UID])
