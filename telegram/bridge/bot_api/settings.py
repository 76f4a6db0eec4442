"""Where Telegram is, and how patient the bridge is with it; knows nothing of its library."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from daemonkit.secrets import Secret

BASE_URL: Final = "https://api.telegram.org/bot"

_SCHEMES: Final = ("http", "https")
_PLAIN: Final = re.compile(r"[!-~]+")


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
    # How long after something came the next poll begins: the answers go first.
    answer_first_s: float = 0.01
    # The pauses while Telegram cannot be reached, doubling from the first to the last.
    retry_min_s: float = 1.0
    retry_max_s: float = 60.0
    # How often a refused token is tried again.
    token_check_s: float = 60.0
    # How soon to poll again after another program did, and when that one counts as gone.
    conflict_retry_s: float = 2.0
    conflict_clear_s: float = 90.0
    # How often one update is offered to a journal that fails before it is given up.
    # Kept short: what stands behind it in the row may be a /stop.
    offers_max: int = 20
    offer_retry_max_s: float = 5.0


def is_address(text: str, end: str = "") -> bool:
    """Tell whether a text is the address of a server, with a path that ends so."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in _SCHEMES
            and bool(parts.hostname)
            and parts.port != 0
            and parts.path.endswith(end)
            and _PLAIN.fullmatch(text) is not None
        )
    except ValueError:
        return False
