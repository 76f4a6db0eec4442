"""Somebody else who polls with the same token: a forgotten second instance, or a thief."""

import threading
from types import TracebackType
from typing import Self

from tests.fakes.bot_api.refusals import RefusalError
from tests.fakes.bot_api.world import World

_POLL_S = 30.0
_JOIN_S = 10.0


class RivalPoller:
    """Poll in a thread until the block is left; taken over, it comes back after a pause.

    A rival that `steals` confirms what it gets, so that nobody else hears of it.
    """

    def __init__(self, world: World, *, pause_s: float = 0.2, steals: bool = False) -> None:
        self._world = world
        self._pause_s = pause_s
        self._steals = steals
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bot-api-rival", daemon=True)
        self.conflicts = 0  # how often it was taken over
        self.heard: list[dict[str, object]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join(_JOIN_S)
        assert not self._thread.is_alive(), "the rival poller hangs"

    def _run(self) -> None:
        offset = 0
        while not self._is_over.is_set() and not self._world.updates.is_closed:
            try:
                found = self._world.updates.poll(
                    offset=offset,
                    limit=100,
                    timeout_s=_POLL_S,
                    allowed=None,
                    is_caller_there=lambda: not self._is_over.is_set(),
                )
            except RefusalError:
                self.conflicts += 1
                self._is_over.wait(self._pause_s)
                continue
            self.heard += [update.to_json() for update in found]
            if found and self._steals:
                offset = found[-1].update_id + 1
            elif found:
                self._is_over.wait(self._pause_s)  # the same comes again at once
