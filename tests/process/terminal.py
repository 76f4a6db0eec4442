"""A person's terminal with one program on it: what they see, type and press."""

import errno
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.process.installation import PATIENCE_S
from tests.processes import ROOT, Processes
from tests.waiting import wait_until

# The program's keyboard is the terminal, as it is of what a shell starts: Ctrl-C reaches it.
_LAUNCH = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """One program in the foreground of a terminal; `close` ends both."""

    def __init__(
        self, processes: Processes, *arguments: str | Path, env: Mapping[str, str | None]
    ) -> None:
        self._descriptor, inner = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCH, *map(str, arguments)],
            cwd=ROOT,
            env=processes.environment({"TERM": "xterm", **env}),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        os.set_blocking(self._descriptor, False)
        self._seen = b""
        self._read_to = 0

    @property
    def pid(self) -> int:
        """The number of the program."""
        return self._process.pid

    @property
    def seen(self) -> str:
        """All that was shown so far, echoes of what was typed included."""
        try:
            while piece := os.read(self._descriptor, 65_536):
                self._seen += piece
        except BlockingIOError:
            pass  # nothing more for the moment
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EBADF):  # the other end is closed, or ours
                raise
        return self._seen.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def shows_typing(self) -> bool:
        """Whether what is typed appears."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until something new matches; what stands up to its end is no longer new."""

        def find() -> re.Match[str] | None:
            found = re.compile(pattern, re.MULTILINE).search(self.seen, self._read_to)
            if found is None and self._process.poll() is not None:
                raise AssertionError(f"ended before {pattern!r}: {self.seen}")
            return found

        try:
            found = wait_until(find, PATIENCE_S, f"{pattern!r} in the terminal")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.seen}") from None
        assert found is not None
        self._read_to = found.end()
        return found

    def wait_for_secret_prompt(self, pattern: str) -> None:
        """Wait for a question whose answer is not shown: what is typed earlier is thrown away."""
        self.wait_for(pattern)
        wait_until(lambda: not self.shows_typing, PATIENCE_S, "no echo")

    def type(self, text: str) -> None:
        """Press keys; a line ends with the key Enter, which is a newline."""
        os.write(self._descriptor, text.encode())

    def wait(self) -> int:
        """Wait for the end of the program and return its exit code."""
        wait_until(self._has_ended, PATIENCE_S, f"the end\n{self.seen}")
        return self._process.returncode

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._descriptor)
        self._descriptor = -1

    def close(self) -> None:
        """End the program, and close the terminal if that is not done."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        if self._descriptor >= 0:
            self.hang_up()

    def _has_ended(self) -> bool:
        # A terminal that nobody reads stops whoever writes into it.
        _ = self.seen
        return self._process.poll() is not None
