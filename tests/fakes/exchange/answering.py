"""How the fake exchange answers requests: as its dialect does, or with scripted trouble."""

import asyncio
import traceback
from typing import Final

from aiohttp import web

from tests.fakes.exchange.faults import Faults, Rule, Trouble
from tests.fakes.exchange.recorder import Record, Recorder
from tests.fakes.exchange.wire import Asked, Dialect, HttpAnswer, HttpRequest, Kind

_POLL_S: Final = 0.01


class Answering:
    """Answer requests, on the loop of the fake exchange."""

    def __init__(self, dialect: Dialect, faults: Faults, recorder: Recorder) -> None:
        self._dialect = dialect
        self._faults = faults
        self._recorder = recorder
        self.late: set[asyncio.Task[None]] = set()
        self.is_closing = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
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
        record = self._recorder.begin(asked)
        rule = self._faults.meet(asked, record)
        if rule is None:
            return _response(self._act(asked, record))
        return await self.serve_badly(request, asked, record, rule)

    async def serve_badly(
        self, request: web.Request, asked: Asked, record: Record, rule: Rule
    ) -> web.StreamResponse:
        rule.before(asked)
        if rule.trouble is Trouble.STALE:
            asked.stale_s = rule.seconds
        acts = rule.is_acting and asked.kind is not Kind.WEBSOCKET
        real = self._act(asked, record) if acts else None
        if rule.trouble is Trouble.LATE:
            task = asyncio.create_task(self._act_late(asked, record, rule.seconds))
            self.late.add(task)
            task.add_done_callback(self.late.discard)
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
            return self._dialect.say(rule.word)
        assert real is not None
        if rule.trouble is Trouble.ODD:
            return self._dialect.odd(real)
        if rule.trouble is Trouble.CUT:
            return HttpAnswer(real.status, real.body[: len(real.body) // 2], real.content_type)
        return real

    async def _act_late(self, asked: Asked, record: Record, seconds: float) -> None:
        await asyncio.sleep(seconds)
        asked.is_delayed = True
        self._act(asked, record)

    async def _hang(self, request: web.Request, rule: Rule) -> None:
        while not (rule.is_over or self.is_closing):
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

    def _read(self, request: HttpRequest) -> Asked | None:
        try:
            return self._dialect.read(request)
        except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
            self._recorder.crashes.append(f"{request.path}: {traceback.format_exc()}")
            return None

    def _act(self, asked: Asked, record: Record) -> HttpAnswer:
        try:
            answer = self._dialect.act(asked)
        except Exception:  # noqa: BLE001 - a fault of the fake fails the test at its end
            self._recorder.crashes.append(f"{asked.name}: {traceback.format_exc()}")
            return HttpAnswer(500, b"the fake exchange has failed", "text/plain")
        record.status, record.body, record.has_acted = answer.status, answer.body, True
        return answer


def _response(answer: HttpAnswer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        headers=dict(answer.headers),
    )
