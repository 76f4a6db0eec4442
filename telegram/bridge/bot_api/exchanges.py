"""Cutting an exchange off without cutting off what tidies up after it.

The HTTP library closes several connections one after the other, shielded from its own way to
cancel and not from that of asyncio: a call that is given up in between leaves the rest open.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from anyio import CancelScope

T = TypeVar("T")

# To close is a matter of moments; whoever cancels does not wait for long.
_TIDY_MAX_S: Final = 0.5


async def exchange(asked: Awaitable[T]) -> T:
    """Await an exchange; when it is given up it still closes what it was about to close."""
    scope = CancelScope()
    results: list[T] = []

    async def run() -> None:
        with scope:
            results.append(await asked)

    task = asyncio.create_task(run(), name="exchange")
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        done, _late = await asyncio.wait({task}, timeout=_TIDY_MAX_S)
        for ended in done:
            # Looked at, so that nobody complains of a fault that is of no interest any more.
            if not ended.cancelled():
                ended.exception()
        raise
    return results[0]
