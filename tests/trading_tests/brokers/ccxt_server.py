"""A raw HTTP server on loopback that answers by path as it is told, and keeps what it was sent."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold one request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body))


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold an answer: a body with its status, or what is done instead."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_dropped: bool = False
    is_cut: bool = False
    hangs: bool = False


Answer = Reply | Callable[[Seen], Reply]


class CcxtServer:
    """Answer each path as `answers` says; an unknown path is a 404."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.seen: list[Seen] = []
        self.released = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def to(self, path: str) -> list[Seen]:
        """Return the requests to a path."""
        return [each for each in self.seen if each.path == path]

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # one packet an answer: no wait for an acknowledgement in between

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, ValueError):
                    self.close_connection = True

            def _serve(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(
                    self.command,
                    url.path,
                    dict(parse_qsl(url.query)),
                    dict(self.headers.items()),
                    self.rfile.read(length).decode(),
                )
                owner.seen.append(seen)
                answer = owner.answers.get(url.path, Reply("not found", 404))
                self._send(answer(seen) if callable(answer) else answer)

            do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - http.server's names

            def _send(self, reply: Reply) -> None:
                if reply.hangs:
                    owner.released.wait(10)
                if reply.hangs or reply.is_dropped:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                is_text = isinstance(reply.body, str)
                body = (reply.body if is_text else json.dumps(reply.body)).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "text/html" if is_text else "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if reply.is_cut else body)
                self.wfile.flush()
                self.close_connection = self.close_connection or reply.is_cut

        return Handler


@contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[CcxtServer]:
    """Run a server until the end of the block."""
    server = CcxtServer(answers)
    try:
        yield server
    finally:
        server.stop()
