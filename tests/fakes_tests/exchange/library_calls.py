"""ccxt pointed at a fake exchange, its connections closed at the end: warnings are errors."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import ccxt  # type: ignore[import-untyped]
import ccxt.pro  # type: ignore[import-untyped]

from tests.fakes.exchange.venues import KEY, RunningExchange

Result = TypeVar("Result")
# A busy machine is no trouble of the script.
PATIENCE_MS: Final = 10_000
# After this, a reader of ccxt.pro is there, and what was not to come has not come.
SETTLED_S: Final = 0.1


@contextmanager
def connected(venue: RunningExchange, *, key: str = KEY, **rest: Any) -> Iterator[Any]:
    """Give ccxt for an exchange, its markets loaded."""
    library = getattr(ccxt, venue.name)(_config(venue, key) | rest)
    try:
        library.load_markets()
        yield library
    finally:
        library.session.close()


def watch(venue: RunningExchange, story: Callable[[Any], Awaitable[Result]]) -> Result:
    """Run a story with ccxt.pro for an exchange."""

    async def run() -> Result:
        library = getattr(ccxt.pro, venue.name)(_config(venue, KEY))
        try:
            await library.load_markets()
            return await asyncio.wait_for(story(library), PATIENCE_MS / 1000)
        finally:
            await library.close()

    return asyncio.run(run())


def _config(venue: RunningExchange, key: str) -> dict[str, Any]:
    known = venue.engine.keys.get(key) or venue.engine.keys[KEY]
    keys = {"apiKey": key, "secret": known.secret, "enableRateLimit": False}
    return keys | venue.ccxt_config | {"timeout": PATIENCE_MS}


async def after(waiting: Awaitable[Result], act: Callable[[], object]) -> Result:
    """Wait for news that `act` makes once, with the reader there before them."""
    task = asyncio.ensure_future(waiting)
    await asyncio.wait({task}, timeout=SETTLED_S)
    act()
    return await task


async def news_of(waiting: Awaitable[Result], act: Callable[[], object]) -> Result:
    """Wait for news that `act` makes, again and again until the subscription has heard it."""
    task = asyncio.ensure_future(waiting)
    while not task.done():
        act()
        await asyncio.wait({task}, timeout=0.05)
    return task.result()
