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
import traceback
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import WSMsgType, web

from tests.fakes.exchange.books import News
from tests.fakes.exchange.engine import Engine
from tests.fakes.exchange.faults import Faults, Rule, Trouble
from tests.fakes.exchange.recorder import Record, Recorder
from tests.fakes.exchange.sockets import ServedSocket, asked_of
from tests.fakes.exchange.wire import Asked, Dialect, HttpAnswer, HttpRequest, Kind, Session

_JOIN_S: Final = 10.0
_POLL_S: Final = 0.01
_BYTES_MAX: Final = 4 * 1024 * 1024
# What comes over WebSockets that are open already, too.
_OF_SOCKETS: Final = frozenset({Trouble.MUTE, Trouble.CLOSE})


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
        self.connections = 0  # WebSockets that were ever taken
        self._beat_s = beat_s
        self._expected: list[re.Pattern[str]] = []
        self._sockets: set[ServedSocket] = set()
        self._late: set[asyncio.Task[None]] = set()
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
        return len(self._sockets)

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
        self._is_closing = True
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
        self._beating = asyncio.create_task(self._beat())
        self._watching = asyncio.create_task(self._watch())

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
        tasks = [self._beating, self._watching, *self._late]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in list(self._sockets):
            each.end()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_socket(request)
        asked = self._read(
            HttpRequest(
                request.method,
                request.path,
                request.raw_path.partition("?")[2],
                {name.lower(): value for name, value in request.headers.items()},
                await request.read(),
            )
        )
        if asked is None:
            return web.Response(status=500)
        record = self.recorder.begin(asked)
        rule = self.faults.meet(asked, record)
        if rule is None:
            return _response(self._act(asked, record))
        return await self._serve_badly(request, asked, record, rule)

    def _read(self, request: HttpRequest) -> Asked | None:
        try:
            return self.dialect.read(request)
        except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
            self.recorder.crashes.append(f"{request.path}: {traceback.format_exc()}")
            return None

    def _act(self, asked: Asked, record: Record) -> HttpAnswer:
        try:
            answer = self.dialect.act(asked)
        except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
            self.recorder.crashes.append(f"{asked.name}: {traceback.format_exc()}")
            return HttpAnswer(500, b"the fake exchange has failed", "text/plain")
        record.status, record.body, record.has_acted = answer.status, answer.body, True
        return answer

    async def _serve_badly(
        self, request: web.Request, asked: Asked, record: Record, rule: Rule
    ) -> web.StreamResponse:
        rule.before(asked)
        if rule.trouble is Trouble.STALE:
            asked.stale_s = rule.seconds
        acts = rule.is_acting and asked.kind is not Kind.WEBSOCKET
        real = self._act(asked, record) if acts else None
        if rule.trouble is Trouble.LATE:
            task = asyncio.create_task(self._act_late(asked, record, rule.seconds))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        if rule.trouble is Trouble.HANG:
            await self._hang(request, rule)
        if rule.trouble in (Trouble.DROP, Trouble.LATE, Trouble.HANG):
            return self._drop(request, record)
        if rule.trouble is Trouble.SLOW:
            await asyncio.sleep(rule.seconds)
        answer = self._bad_answer(rule, real)
        record.status, record.body = answer.status, answer.body
        if rule.trouble is Trouble.TRUNCATE:
            return await self._truncate(request, answer)
        return _response(answer)

    def _bad_answer(self, rule: Rule, real: HttpAnswer | None) -> HttpAnswer:
        if rule.answer is not None:
            return rule.answer
        if rule.word is not None:
            return self.dialect.say(rule.word)
        assert real is not None
        if rule.trouble is Trouble.ODD:
            return self.dialect.odd(real)
        if rule.trouble is Trouble.CUT:
            return HttpAnswer(real.status, real.body[: len(real.body) // 2], real.content_type)
        return real

    async def _act_late(self, asked: Asked, record: Record, seconds: float) -> None:
        await asyncio.sleep(seconds)
        asked.is_delayed = True
        self._act(asked, record)

    async def _hang(self, request: web.Request, rule: Rule) -> None:
        while not (rule.is_over or self._is_closing):
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(_POLL_S)

    def _drop(self, request: web.Request, record: Record) -> web.StreamResponse:
        record.status = None
        if request.transport is not None:
            request.transport.close()
        return web.Response(status=500)  # nobody is there to read it

    async def _truncate(self, request: web.Request, answer: HttpAnswer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status)
        response.content_type = answer.content_type
        response.content_length = len(answer.body)
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse(autoping=False, heartbeat=None)
        each = ServedSocket(request, response)
        each.session = self.dialect.open_session(request.path, each.send)
        if each.session is None:
            return web.Response(status=404)
        asked = asked_of(request)
        record = self.recorder.begin(asked)
        each.rule = self.faults.meet(asked, record)
        if each.rule is not None and each.rule.trouble not in _OF_SOCKETS:
            return await self._serve_badly(request, asked, record, each.rule)
        await response.prepare(request)
        record.status = 101
        self.connections += 1
        self._sockets.add(each)
        sending = asyncio.create_task(self._send(each))
        try:
            if each.rule is None or each.rule.trouble is not Trouble.CLOSE:
                await self._converse(each, each.session)
        finally:
            self._sockets.discard(each)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await response.close()
        return response

    async def _converse(self, each: ServedSocket, session: Session) -> None:
        async for message in each.response:
            if message.type is WSMsgType.PING:
                if not each.is_mute or (each.rule is not None and each.rule.answers_pings):
                    await each.response.pong(message.data)
            elif message.type is WSMsgType.TEXT and not each.is_mute:
                try:
                    session.receive(message.data)
                except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
                    self.recorder.crashes.append(f"{message.data}: {traceback.format_exc()}")

    async def _send(self, each: ServedSocket) -> None:
        while True:
            text = await each.outbox.get()
            try:
                await each.response.send_str(text)
            except ConnectionError:
                return

    def _pass_on(self, news: News) -> None:
        """Called under the engine's lock, on any thread."""
        if self._sockets:
            self._loop.call_soon_threadsafe(self._tell, news)

    def _tell(self, news: News) -> None:
        for each in list(self._sockets):
            try:
                if each.session is not None:
                    each.session.take(news)
            except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
                self.recorder.crashes.append(f"{news}: {traceback.format_exc()}")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            for each in list(self._sockets):
                if each.session is not None:
                    each.session.beat()

    async def _watch(self) -> None:
        """Bring trouble to WebSockets that are open when it is scripted."""
        while True:
            await asyncio.sleep(_POLL_S)
            rules = [rule for rule in self.faults.rules if rule.trouble in _OF_SOCKETS]
            for rule in rules:
                for each in list(self._sockets):
                    self._trouble(each, rule)

    def _trouble(self, each: ServedSocket, rule: Rule) -> None:
        if each.rule is rule or rule.is_over or rule.left == 0:
            return
        asked = Asked(Kind.WEBSOCKET, HttpRequest("GET", "", "", {}, b""), "(open socket)")
        if not self.faults.meet_open_socket(rule, asked, self.recorder.begin(asked)):
            return
        each.rule = rule
        if rule.trouble is Trouble.CLOSE:
            each.end()


def _response(answer: HttpAnswer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        headers=dict(answer.headers),
    )


def _bind(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock
