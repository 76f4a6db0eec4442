"""The WebSockets of the fake exchange: served, told of what happens, troubled as scripted."""

import asyncio
import traceback
from typing import Final

from aiohttp import WSMsgType, web

from tests.fakes.exchange.answering import Answering
from tests.fakes.exchange.books import News
from tests.fakes.exchange.faults import Faults, Rule, Trouble
from tests.fakes.exchange.recorder import Recorder
from tests.fakes.exchange.sockets import ServedSocket, asked_of
from tests.fakes.exchange.wire import Asked, Dialect, HttpRequest, Kind, Session

_POLL_S: Final = 0.01
# What comes over WebSockets that are open already, too.
_OF_SOCKETS: Final = frozenset({Trouble.MUTE, Trouble.CLOSE})


class SocketRoom:
    """Keep all open WebSockets, on the loop of the fake exchange."""

    def __init__(
        self, dialect: Dialect, faults: Faults, recorder: Recorder, answering: Answering
    ) -> None:
        self._dialect = dialect
        self._faults = faults
        self._recorder = recorder
        self._answering = answering
        self.open: set[ServedSocket] = set()
        self.taken = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        response = web.WebSocketResponse(autoping=False, heartbeat=None)
        each = ServedSocket(request, response)
        each.session = self._dialect.open_session(request.path, each.send)
        if each.session is None:
            return web.Response(status=404)
        asked = asked_of(request)
        record = self._recorder.begin(asked)
        each.rule = self._faults.meet(asked, record)
        if each.rule is not None and each.rule.trouble not in _OF_SOCKETS:
            return await self._answering.serve_badly(request, asked, record, each.rule)
        await response.prepare(request)
        record.status = 101
        self.taken += 1
        self.open.add(each)
        sending = asyncio.create_task(self._send(each))
        try:
            if each.rule is None or each.rule.trouble is not Trouble.CLOSE:
                await self._converse(each, each.session)
        finally:
            self.open.discard(each)
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
                    self._recorder.crashes.append(f"{message.data}: {traceback.format_exc()}")

    async def _send(self, each: ServedSocket) -> None:
        while True:
            text = await each.outbox.get()
            try:
                await each.response.send_str(text)
            except ConnectionError:
                return

    def tell(self, news: News) -> None:
        for each in list(self.open):
            try:
                if each.session is not None:
                    each.session.take(news)
            except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
                self._recorder.crashes.append(f"{news}: {traceback.format_exc()}")

    async def beat(self, beat_s: float) -> None:
        while True:
            await asyncio.sleep(beat_s)
            for each in list(self.open):
                if each.session is not None:
                    each.session.beat()

    async def watch(self) -> None:
        """Bring trouble to WebSockets that are open when it is scripted."""
        while True:
            await asyncio.sleep(_POLL_S)
            rules = [rule for rule in self._faults.rules if rule.trouble in _OF_SOCKETS]
            for rule in rules:
                for each in list(self.open):
                    self._trouble(each, rule)

    def _trouble(self, each: ServedSocket, rule: Rule) -> None:
        if each.rule is rule or rule.is_over or rule.left == 0:
            return
        asked = Asked(Kind.WEBSOCKET, HttpRequest("GET", "", "", {}, b""), "(open socket)")
        if not self._faults.meet_open_socket(rule, asked, self._recorder.begin(asked)):
            return
        each.rule = rule
        if rule.trouble is Trouble.CLOSE:
            each.end()
