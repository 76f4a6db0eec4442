"""ccxt pointed at a fake exchange, its connections closed at the end: warnings are errors."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import ccxt  # type: ignore[import-untyped]
import ccxt.pro  # type: ignore[import-untyped]

from tests.fakes.exchange.venues import KEY, RunningExchange

Result = TypeVar("Result")
_TIMEOUT_S = 8.0


@contextmanager
def connected(
    name: str, venue: RunningExchange, secret: str, *, key: str = KEY, **rest: Any
) -> Iterator[Any]:
    """Give ccxt for an exchange, its markets loaded."""
    library = getattr(ccxt, name)(_config(venue, key, secret) | rest)
    try:
        library.load_markets()
        yield library
    finally:
        library.session.close()


def watch(
    name: str,
    venue: RunningExchange,
    secret: str,
    story: Callable[[Any], Awaitable[Result]],
) -> Result:
    """Run a story with ccxt.pro for an exchange."""

    async def run() -> Result:
        library = getattr(ccxt.pro, name)(_config(venue, KEY, secret))
        try:
            await library.load_markets()
            return await asyncio.wait_for(story(library), _TIMEOUT_S)
        finally:
            await library.close()

    return asyncio.run(run())


def _config(venue: RunningExchange, key: str, secret: str) -> dict[str, Any]:
    keys = {"apiKey": key, "secret": secret, "enableRateLimit": False}
    return keys | venue.ccxt_config


async def news_of(waiting: Awaitable[Result], act: Callable[[], object]) -> Result:
    """Wait for news that `act` makes, again and again until the subscription has heard it."""
    task = asyncio.ensure_future(waiting)
    while not task.done():
        act()
        await asyncio.wait({task}, timeout=0.05)
    return task.result()
