"""Where Telegram is, and how patient the bridge is with it; knows nothing of its library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret, hide

BASE_URL: Final = "https://api.telegram.org/bot"

_ENVIRONMENT: Final = "environment"


@dataclass(frozen=True, slots=True)
class BotSettings:
    """Hold the token, the way to Telegram, and the waits; all in seconds."""

    token: Secret
    base_url: str = BASE_URL
    proxy: str | None = None
    connect_s: float = 10.0
    read_s: float = 20.0
    write_s: float = 20.0
    upload_s: float = 60.0
    pool_s: float = 5.0
    # The end of every call, whatever the far end does: a trickling answer beats the other waits.
    call_s: float = 60.0
    upload_call_s: float = 180.0
    connections_max: int = 16
    # How long an idle connection is kept: each new one costs a handshake.
    keep_connection_s: float = 30.0
    # How long an idle poll stays open at Telegram.
    poll_s: float = 30.0
    # The pauses while Telegram cannot be reached, doubling from the first to the last.
    retry_min_s: float = 1.0
    retry_max_s: float = 60.0
    # How often a refused token is tried again.
    token_check_s: float = 60.0
    # How soon to poll again after another program did, and when that one counts as gone.
    conflict_retry_s: float = 2.0
    conflict_clear_s: float = 90.0
    # How often one update is offered to a journal that fails before it is given up.
    offers_max: int = 10


def read_bot_settings(environ: Mapping[str, str], token: Secret) -> BotSettings:
    """Read TELEGRAM_BASE_URL and TELEGRAM_PROXY; ConfigurationError when one is no address."""
    base_url = environ.get("TELEGRAM_BASE_URL", "").strip() or BASE_URL
    proxy = environ.get("TELEGRAM_PROXY", "").strip() or None
    _check_url("TELEGRAM_BASE_URL", base_url, ("http", "https"), BASE_URL)
    if proxy is not None:
        parts = _check_url("TELEGRAM_PROXY", proxy, ("http", "https"), "http://127.0.0.1:3128")
        if parts.password:
            hide(parts.password)
    return BotSettings(token, base_url, proxy)


def _check_url(name: str, text: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or not text.isascii() or any(each.isspace() for each in text):
        # Not shown: it may hold a password.
        raise ConfigurationError(
            _ENVIRONMENT, name, found="something else", allowed=f"an address such as {example}"
        )
    return parts
