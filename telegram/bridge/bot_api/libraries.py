"""How the libraries below the bot are set up before their first call."""

import logging
import os
import sys
from typing import Final

# Their lines write whole addresses, with the token.
_TALKATIVE: Final = (
    *("httpx", "httpcore", "hpack", "h2"),
    *("telegram.Bot", "telegram.request", "telegram.ext"),
)
# Sought six times for each call, in every folder of Python's path, to tell asyncio from trio.
_NOT_THERE: Final = "sniffio"


def prepare_libraries() -> None:
    """Keep all below a warning out of the log at any level; spare each call its detours."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Without it the library warns of its own error for every 429.
    os.environ["PTB_TIMEDELTA"] = "true"
    # An entry without a module is how Python notes that there is none; it means asyncio.
    sys.modules.setdefault(_NOT_THERE, None)  # type: ignore[arg-type]
