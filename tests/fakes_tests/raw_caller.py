"""A caller of the Bot API that sends exactly what it is told, over one connection."""

import http.client
import json
import urllib.parse
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.fakes.bot_api.server import FakeBotApi

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1M"
    b"\0\0\0\0IEND\xaeB`\x82"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any

    @property
    def result(self) -> Any:
        assert self.body["ok"], self.body
        return self.body["result"]

    @property
    def description(self) -> str:
        return str(self.body["description"])


class RawCaller:
    """Speak HTTP with the fake, without a library in between."""

    def __init__(self, api: FakeBotApi, timeout_s: float = 10.0) -> None:
        self._api = api
        address = urllib.parse.urlsplit(api.base_url)
        assert address.hostname is not None
        self.connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=timeout_s
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def call(self, method: str, **parameters: object) -> Answer:
        """Send parameters as JSON."""
        body = json.dumps(parameters).encode()
        return self.send("POST", method, body, {"Content-Type": "application/json"})

    def form(self, method: str, **parameters: object) -> Answer:
        """Send parameters as a form."""
        body = urllib.parse.urlencode(parameters).encode()
        return self.send(
            "POST", method, body, {"Content-Type": "application/x-www-form-urlencoded"}
        )

    def multipart(
        self, method: str, files: dict[str, tuple[str, bytes]], **parameters: object
    ) -> Answer:
        """Send parameters and files."""
        parts = [
            f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in parameters.items()
        ]
        for name, (file_name, content) in files.items():
            head = f'form-data; name="{name}"; filename="{file_name}"\r\nContent-Type: text/plain'
            parts.append(
                f"--XX\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n"
            )
        body = b"".join((*parts, b"--XX--\r\n"))
        return self.send("POST", method, body, {"Content-Type": "multipart/form-data; boundary=XX"})

    def send(
        self,
        verb: str,
        method: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        token: str = "",
    ) -> Answer:
        """Send one request and read its answer."""
        target = f"/bot{token or self._api.token}/{method}"
        try:
            self.connection.request(verb, target, body, headers or {})
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next request gets a new one
            raise
        is_json = response.headers.get_content_type() == "application/json"
        return Answer(response.status, json.loads(content) if is_json else content)
