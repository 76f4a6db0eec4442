"""A WebSocket of the fake exchange, as the server keeps it."""

import asyncio
import json

from aiohttp import web

from tests.fakes.exchange.faults import Rule, Trouble
from tests.fakes.exchange.wire import Asked, HttpRequest, Kind, Session


class ServedSocket:
    """One WebSocket: what the dialect makes of it, and the queue of what is to be sent."""

    def __init__(self, request: web.Request, response: web.WebSocketResponse) -> None:
        self.request = request
        self.response = response
        self.outbox: asyncio.Queue[str] = asyncio.Queue(maxsize=100_000)
        self.session: Session | None = None
        self.rule: Rule | None = None  # the trouble that it is in

    @property
    def is_mute(self) -> bool:
        rule = self.rule
        return rule is not None and rule.trouble is Trouble.MUTE and not rule.is_over

    def end(self) -> None:
        if self.request.transport is not None:
            self.request.transport.close()

    def send(self, message: object) -> None:
        if self.is_mute:
            return
        if self.outbox.full():
            self.end()  # as exchanges do with a client that is too slow
            return
        self.outbox.put_nowait(message if isinstance(message, str) else json.dumps(message))


def asked_of(request: web.Request) -> Asked:
    shown = HttpRequest("GET", request.path, request.raw_path.partition("?")[2], {}, b"")
    return Asked(Kind.WEBSOCKET, shown, "(socket)", {"path": request.path})
