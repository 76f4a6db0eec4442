"""The log lines of the libraries below the bot: they write whole addresses, with the token."""

import logging
from typing import Final

_TALKATIVE: Final = (
    *("httpx", "httpcore", "hpack", "h2"),
    *("telegram.Bot", "telegram.request", "telegram.ext"),
)


def quiet_libraries() -> None:
    """Keep everything below a warning out of the log, whatever level the log has."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
