"""HTTP/1.1 as the Bot API speaks it: requests read from a socket, answers written to one."""

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from io import BufferedReader
from typing import Final

BODY_BYTES_MAX: Final = 50 * 1024 * 1024 + 64 * 1024
_LINE_BYTES_MAX: Final = 64 * 1024
_TARGET: Final = re.compile(
    r"^(?P<host>https?://[^/]+)?/(?P<file>file/)?bot(?P<token>[^/]*)/(?P<rest>[^?]*)"
)


class BrokenRequestError(Exception):
    """The connection ended or carried something that is not HTTP."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    name: str
    content: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came; parameters are strings, or JSON values from a JSON body."""

    verb: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    is_too_large: bool = False
    parameters: dict[str, object] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """The token in the address."""
        return self._part("token")

    @property
    def method(self) -> str:
        """The method in the address; empty for a file."""
        return "" if self.is_for_file else self._part("rest").strip("/")

    @property
    def is_for_file(self) -> bool:
        """Say whether a file is asked for."""
        return bool(self._part("file"))

    @property
    def is_proxied(self) -> bool:
        """Say whether the caller takes this server for its proxy."""
        return bool(self._part("host"))

    @property
    def path(self) -> str:
        """What stands behind the token."""
        return self._part("rest")

    @property
    def wants_to_stay(self) -> bool:
        """Say whether the connection is to be kept for the next request."""
        return self.headers.get("connection", "").lower() != "close"

    def _part(self, name: str) -> str:
        found = _TARGET.match(urllib.parse.unquote(self.target))
        return (found[name] or "") if found else ""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer."""

    status: int
    body: bytes
    content_type: str = "application/json"

    def to_bytes(self, *, stays: bool) -> bytes:
        """Write it with its headers."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        head = (
            f"HTTP/1.1 {self.status} {phrase}\r\nServer: nginx/1.18.0\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
            f"Connection: {'keep-alive' if stays else 'close'}\r\n\r\n"
        )
        return head.encode() + self.body


def json_answer(status: int, body: object) -> HttpAnswer:
    """Build an answer of JSON, with the characters escaped as the real one does."""
    return HttpAnswer(status, json.dumps(body, separators=(",", ":")).encode())


def read_request(stream: BufferedReader) -> HttpRequest | None:
    """Read the next request; None when the caller has closed between two."""
    try:
        line = stream.readline(_LINE_BYTES_MAX)
        if not line:
            return None
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BrokenRequestError("this is no HTTP request")
        parsed: Headers = parse_headers(stream)
        headers = {name.lower(): str(value) for name, value in parsed.items()}
        body, is_too_large = _read_body(stream, headers)
        request = HttpRequest(words[0], words[1], headers, body, is_too_large)
        _read_parameters(request)
    except (OSError, ValueError, HTTPException) as error:
        raise BrokenRequestError(str(error)) from None
    return request


def _read_body(stream: BufferedReader, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunks(stream)
    length = int(headers.get("content-length", 0))
    if length > BODY_BYTES_MAX:
        # Read and thrown away: a caller that still writes would never see the answer.
        while length > 0:
            length -= len(_read_exactly(stream, min(length, _LINE_BYTES_MAX)))
        return b"", True
    return _read_exactly(stream, length), False


def _read_chunks(stream: BufferedReader) -> tuple[bytes, bool]:
    body = bytearray()
    is_too_large = False
    while length := int(stream.readline(_LINE_BYTES_MAX).split(b";")[0], 16):
        piece = _read_exactly(stream, length)
        stream.readline(_LINE_BYTES_MAX)
        is_too_large = is_too_large or len(body) + length > BODY_BYTES_MAX
        if not is_too_large:
            body += piece
    stream.readline(_LINE_BYTES_MAX)
    return bytes(body), is_too_large


def _read_exactly(stream: BufferedReader, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise BrokenRequestError("the connection ended inside a body")
    return data


def _read_parameters(request: HttpRequest) -> None:
    """Gather parameters from the address and from a body of any of the three kinds."""
    query = urllib.parse.urlsplit(request.target).query
    request.parameters.update(urllib.parse.parse_qsl(query, keep_blank_values=True))
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        try:
            values = json.loads(request.body or b"{}")
        except ValueError:
            values = None
        if isinstance(values, dict):
            request.parameters.update(values)
        else:
            request.problems.append("can't parse the request's JSON object")
    elif kind.startswith("application/x-www-form-urlencoded"):
        pairs = urllib.parse.parse_qsl(
            request.body.decode(errors="replace"), keep_blank_values=True
        )
        request.parameters.update(pairs)
    elif found := re.search(r'boundary="?([^";]+)"?', kind):
        _read_multipart(request, found[1].encode())


def _read_multipart(request: HttpRequest, boundary: bytes) -> None:
    # The line break before a boundary belongs to the boundary; the first one stands without.
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        text = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', text)
        if name is None:
            continue
        file_name = re.search(r'filename="([^"]*)"', text)
        if file_name is None:
            request.parameters[name[1]] = content.decode("utf-8", "replace")
            continue
        kind = re.search(r"content-type:\s*(\S+)", text, re.IGNORECASE)
        mime_type = kind[1] if kind else "application/octet-stream"
        request.uploads[name[1]] = Upload(file_name[1], content, mime_type)
