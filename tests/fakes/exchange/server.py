"""The fake exchange on loopback: HTTP and WebSocket on a thread of its own, with its script.

    with FakeExchange(engine, KrakenDialect(engine)) as exchange:
        ...  # ccxt, pointed at exchange.url and exchange.ws_url

Leaving the block ends everything and fails on what the real API would refuse as malformed, on
faults of the fake itself, and on money that does not add up.
"""

import asyncio
import re
import socket
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from tests.fakes.exchange.answering import Answering
from tests.fakes.exchange.books import News
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.faults import Faults
from tests.fakes.exchange.recorder import Record, Recorder
from tests.fakes.exchange.socket_room import SocketRoom
from tests.fakes.exchange.wire import Dialect, Kind

_JOIN_S: Final = 10.0
_BYTES_MAX: Final = 4 * 1024 * 1024


class FakeExchange:
    """A running exchange of one dialect."""

    def __init__(
        self,
        engine: Engine,
        dialect: Dialect,
        *,
        beat_s: float = 1.0,
    ) -> None:
        self.engine = engine
        self.dialect = dialect
        self.faults = Faults()
        self.recorder = Recorder()
        self._beat_s = beat_s
        self._expected: list[re.Pattern[str]] = []
        self._answering = Answering(dialect, self.faults, self.recorder)
        self._room = SocketRoom(dialect, self.faults, self.recorder, self._answering)
        self._is_closing = False
        self._site: web.SockSite | None = None  # None while it is down
        self._bound = _bind(0)
        self.port = int(self._bound.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake-exchange", daemon=True)
        self._thread.start()
        self._call(self._begin())
        self._end_news = engine.listen(self._pass_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if error is None:
            self.check()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def requests(self, *kinds: Kind) -> list[Record]:
        """Return the requests of some kinds, or all."""
        return self.recorder.of(*kinds)

    def describe(self) -> str:
        """Say what was asked last, for the message of a failed test."""
        return "\n".join(record.describe() for record in self.requests()[-30:])

    def expect_complaint(self, pattern: str) -> None:
        """Let requests be malformed in this way; everything else fails the test."""
        self._expected.append(re.compile(pattern))

    @property
    def complaints(self) -> list[str]:
        """What the real API would refuse as malformed, but for what was expected."""
        return [
            text
            for text in list(self.dialect.complaints)
            if not any(pattern.search(text) for pattern in self._expected)
        ]

    def check(self) -> None:
        """Fail on malformed requests, faults of the fake, and money that does not add up."""
        assert not self.recorder.crashes, "the fake failed:\n" + "\n".join(self.recorder.crashes)
        assert not self.complaints, "the real API would refuse:\n" + "\n".join(self.complaints)
        self.engine.check()

    @property
    def sockets(self) -> int:
        """How many WebSockets are open."""
        return len(self._room.open)

    @property
    def connections(self) -> int:
        """How many WebSockets were ever taken."""
        return self._room.taken

    def pretend(self, news: News) -> None:
        """Tell the WebSockets what has not happened."""
        self._pass_on(news)

    def go_down(self) -> None:
        """End all connections and refuse new ones, but keep the port."""
        self._call(self._down())

    def come_up(self) -> None:
        """Take connections again, at the same address."""
        self._call(self._up())

    def close(self) -> None:
        """End everything; no thread is left."""
        if self._is_closing:
            return
        self._is_closing = self._answering.is_closing = True
        self._end_news()
        self.faults.clear()
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_JOIN_S)
        assert not self._thread.is_alive(), "the thread of the fake exchange hangs"
        self._bound.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_JOIN_S)

    async def _begin(self) -> None:
        app = web.Application(client_max_size=_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._up()
        self._beating = asyncio.create_task(self._room.beat(self._beat_s))
        self._watching = asyncio.create_task(self._room.watch())

    async def _up(self) -> None:
        if self._site is not None:
            return
        self._site = web.SockSite(self._runner, self._bound)
        await self._site.start()

    async def _down(self) -> None:
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        # Bound but not listening: connections are refused, and nobody else gets the port.
        self._bound = _bind(self.port)
        server = self._runner.server
        for protocol in list(server.connections if server else ()):
            if protocol.transport is not None:
                protocol.transport.abort()

    async def _end(self) -> None:
        tasks = [self._beating, self._watching, *self._answering.late]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in list(self._room.open):
            each.end()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._room.serve(request)
        return await self._answering.serve(request)

    def _pass_on(self, news: News) -> None:
        """Called under the engine's lock, on any thread."""
        if self._room.open:
            self._loop.call_soon_threadsafe(self._room.tell, news)


def _bind(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock
