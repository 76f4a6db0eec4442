"""Sockets and threads of the fake server: accepting, serving, going down and coming up again."""

import socket
import threading
from collections.abc import Callable
from io import BufferedReader
from typing import Final

from tests.fakes.bot_api.wire import BrokenRequestError, HttpRequest, read_request

CONNECTIONS_MAX: Final = 512
_JOIN_S: Final = 10.0


class Connection:
    """One connection of a caller."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream: BufferedReader = sock.makefile("rb")

    def read(self) -> HttpRequest | None:
        """Read the next request; None at the end."""
        return read_request(self._stream)

    def send(self, data: bytes) -> bool:
        """Send bytes; False when the caller has gone."""
        try:
            self._sock.sendall(data)
        except OSError:
            return False
        return True

    def is_open(self) -> bool:
        """Say whether the caller is still there, without taking anything it has sent."""
        try:
            return bool(self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def end(self) -> None:
        """End it for both sides; a thread that reads from it wakes up."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the caller was faster

    def close(self) -> None:
        """Give its descriptor back."""
        self.end()
        self._stream.close()
        self._sock.close()


class Listener:
    """Hand the requests of every connection to `serve`, which says whether it stays."""

    def __init__(
        self,
        port: int,
        serve: Callable[[HttpRequest, Connection], bool],
        *,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self._serve = serve
        self._connections_max = connections_max
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._threads: set[threading.Thread] = set()
        self._socket = _bind(port)
        self.port = int(self._socket.getsockname()[1])
        self._acceptor: threading.Thread | None = None
        self.accepted = 0

    def open(self) -> None:
        """Take connections from now on."""
        assert self._acceptor is None, "the fake Bot API is up already"
        self._socket.listen(128)
        self._acceptor = threading.Thread(
            target=self._accept, args=(self._socket,), name="bot-api-accept", daemon=True
        )
        self._acceptor.start()

    def shut(self) -> None:
        """End every connection and refuse new ones, but keep the port."""
        if self._acceptor is None:
            return
        self._socket.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(_JOIN_S)
        self._acceptor = None
        self._socket.close()
        # Bound but not listening: connections are refused, and nobody else gets the port.
        self._socket = _bind(self.port)
        self.end_connections()

    def end_connections(self) -> None:
        """End every connection there is; new ones are taken."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.end()

    def close(self) -> None:
        """End everything; no thread is left."""
        self.shut()
        self._socket.close()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(_JOIN_S)
            assert not thread.is_alive(), "a thread of the fake Bot API hangs"

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _address = listening.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock)
            thread = threading.Thread(
                target=self._run, args=(connection,), name="bot-api-connection", daemon=True
            )
            with self._lock:
                self._threads = {each for each in self._threads if each.is_alive()}
                is_full = len(self._connections) >= self._connections_max
                if not is_full:
                    self.accepted += 1
                    self._connections.add(connection)
                    self._threads.add(thread)
            if is_full:
                connection.close()
            else:
                thread.start()

    def _run(self, connection: Connection) -> None:
        try:
            while (request := connection.read()) is not None:
                if not self._serve(request, connection):
                    break
        except BrokenRequestError:
            return  # the caller's trouble: it sees its connection end
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


def _bind(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock
