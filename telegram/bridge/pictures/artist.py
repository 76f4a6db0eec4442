"""Has pictures drawn by one process at a time, which is ended when it takes too long.

A thread of its own waits for it; whoever asks is called back there, with a picture or with why
there is none. Requests that come faster than they are drawn are refused.
"""

import logging
import os
import select
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Full, Queue
from threading import Lock, Thread
from typing import Any, Final

import orjson

from daemonkit.clock import Clock
from daemonkit.thread_names import show_own_name
from telegram.bridge.pictures.worker import LENGTH, PICTURE_MAX, REQUEST_MAX

log = logging.getLogger(__name__)

WAITING_MAX: Final = 8
_ROOT: Final = Path(__file__).resolve().parents[3]
_WORKER: Final = (sys.executable, "-m", "telegram.bridge.pictures.worker")
# What the worker is given of our environment: nothing in it is a secret.
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONTZPATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Picture:
    """Hold what came of a request: a PNG file, or why there is none."""

    png: bytes = b""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Request:
    data: bytes
    on_done: Callable[[Picture], None]


class Artist:
    """Draw one picture after the other."""

    def __init__(
        self,
        clock: Clock,
        folder: Path,
        *,
        limit_s: float = 10.0,
        program: Sequence[str] = _WORKER,
    ) -> None:
        self._clock = clock
        self._folder = folder
        self._limit_s = limit_s
        self._program = program
        self._requests: Queue[_Request | None] = Queue(WAITING_MAX)
        self._lock = Lock()
        self._thread: Thread | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._is_stopping = False

    @property
    def worker_pid(self) -> int | None:
        """Return the number of the process that draws, if there is one."""
        worker = self._worker
        return None if worker is None else worker.pid

    def ask(
        self, kind: str, figures: Mapping[str, Any], zone: str, on_done: Callable[[Picture], None]
    ) -> bool:
        """Have a picture drawn; False when too many are waiting already."""
        data = orjson.dumps({"kind": kind, "figures": dict(figures), "zone": zone})
        if len(data) > REQUEST_MAX:
            return False
        with self._lock:
            if self._is_stopping:
                return False
            try:
                self._requests.put_nowait(_Request(data, on_done))
            except Full:
                return False
            if self._thread is None:
                self._thread = Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
        return True

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the process and the thread; what waits is not drawn."""
        with self._lock:
            self._is_stopping = True
            thread, worker = self._thread, self._worker
            if worker is not None:
                worker.kill()
        if thread is not None:
            while self._requests.qsize() >= WAITING_MAX:
                self._requests.get_nowait()
            self._requests.put_nowait(None)
            thread.join(timeout_s)

    def _run(self) -> None:
        show_own_name()
        while not self._is_stopping:
            request = self._requests.get()
            if request is None:
                break
            try:
                request.on_done(self._draw(request.data))
            except Exception:
                # The thread's boundary: the next picture may be a better one.
                log.exception("a picture was not made")
                self._end_worker()
        self._end_worker()

    def _draw(self, data: bytes) -> Picture:
        """Ask the worker; one that has ended meanwhile, as idle ones do, is replaced once."""
        for _ in range(2):
            with self._lock:
                # Under the lock: a stop that comes now finds the process that it has to end.
                if self._is_stopping:
                    break
                worker = self._worker or self._start_worker()
            try:
                made = self._exchange(worker, data)
            except TimeoutError:
                self._end_worker()
                return self._failed(f"it took longer than {self._limit_s:g} s")
            except (OSError, EOFError):
                self._end_worker()
                continue
            if made.startswith(b"\0"):
                return self._failed(made[1:].decode("utf-8", "replace"))
            return Picture(made)
        return self._failed("the process that draws has ended")

    def _failed(self, problem: str) -> Picture:
        log.warning("no picture: %s", problem)
        return Picture(problem=problem)

    def _start_worker(self) -> subprocess.Popen[bytes]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {
            "MPLBACKEND": "agg",
            # Fonts are looked up once and noted there; without a home there is no other place.
            "MPLCONFIGDIR": str(self._folder),
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._worker = subprocess.Popen(  # noqa: S603 - our own program
            [*self._program, str(int(self._limit_s) + 2)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=environment,
            start_new_session=True,
        )
        for stream in (self._worker.stdin, self._worker.stdout):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        return self._worker

    def _exchange(self, worker: subprocess.Popen[bytes], data: bytes) -> bytes:
        assert worker.stdin is not None
        assert worker.stdout is not None
        deadline = self._clock.monotonic() + self._limit_s
        left = memoryview(LENGTH.pack(len(data)) + data)
        while left:
            self._wait(deadline, writing=worker.stdin.fileno())
            left = left[os.write(worker.stdin.fileno(), left) :]
        size = LENGTH.unpack(self._read(worker.stdout.fileno(), LENGTH.size, deadline))[0]
        if not 0 < size <= PICTURE_MAX:
            raise EOFError
        return self._read(worker.stdout.fileno(), size, deadline)

    def _read(self, descriptor: int, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(deadline, reading=descriptor)
            part = os.read(descriptor, size - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _wait(
        self, deadline: float, *, reading: int | None = None, writing: int | None = None
    ) -> None:
        left_s = deadline - self._clock.monotonic()
        readable = [] if reading is None else [reading]
        writable = [] if writing is None else [writing]
        if left_s <= 0 or not any(select.select(readable, writable, [], left_s)):
            raise TimeoutError

    def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        worker.wait()
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                stream.close()
