"""A peer that speaks bytes: three-field programs, strangers, and rude ones."""

import socket
from types import TracebackType
from typing import Any, Self

from tests.tcpproto_tests.frames_of import json_frame, read_frames
from tests.waiting import wait_until


class RawPeer:
    """Hold one plain socket to a server."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(10)
        self.sock.connect(("127.0.0.1", port))
        self.heard = b""
        self.is_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()

    def say(self, data: bytes) -> None:
        """Send bytes."""
        self.sock.sendall(data)

    def greet(self, name: str = "raw", **fields: Any) -> None:
        """Say hello as a bot without a secret."""
        body = {
            "kind": "hello",
            "version": "1.0",
            "bot": name,
            "instance": f"instance-of-{name}",
            "epoch": f"epoch-of-{name}",
            "last_seq": 0,
        }
        self.say(json_frame(tag="hello", message=body | fields, timestamp=1))

    def read_some(self) -> None:
        """Read what is there, without waiting."""
        self.sock.setblocking(False)
        try:
            while data := self.sock.recv(1 << 20):
                self.heard += data
            self.is_ended = True
        except BlockingIOError:
            return
        except OSError:
            self.is_ended = True
        finally:
            self.sock.settimeout(10)

    def frames(self) -> list[dict[str, Any]]:
        """Return all whole frames so far."""
        self.read_some()
        return read_frames(self.heard)

    def frames_heard(self) -> list[dict[str, Any]]:
        """Return all whole frames that were read, without reading more."""
        return read_frames(self.heard)

    def wait_frame(self, tag: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """Wait for the first frame with a tag."""
        found = wait_until(
            lambda: [frame for frame in self.frames() if frame["tag"] == tag],
            timeout_s,
            f"a frame {tag!r}",
        )
        return found[0]

    def wait_end(self, timeout_s: float = 10.0) -> None:
        """Wait until the server has closed."""

        def is_ended() -> bool:
            self.read_some()
            return self.is_ended

        wait_until(is_ended, timeout_s, "the server closes the connection")
