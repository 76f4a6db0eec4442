"""ccxt, connected to a fake exchange for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import ccxt  # type: ignore[import-untyped]

from tests.fakes.exchange.venues import KEY, KRAKEN_SECRET, RunningExchange

# A busy machine is no trouble of the script.
PATIENCE_MS: Final = 10_000
# After this, a reader of ccxt.pro is there, and what was not to come has not come.
SETTLED_S: Final = 0.1


@contextmanager
def connected(
    venue: RunningExchange, key: str = KEY, *, name: str = "kraken", **rest: Any
) -> Iterator[Any]:
    """Load the markets; close the connections at the end, as warnings are errors."""
    keys = {"apiKey": key, "secret": KRAKEN_SECRET, "enableRateLimit": False}
    library = getattr(ccxt, name)({**keys, **venue.ccxt_config, "timeout": PATIENCE_MS, **rest})
    try:
        library.load_markets()
        yield library
    finally:
        library.session.close()
