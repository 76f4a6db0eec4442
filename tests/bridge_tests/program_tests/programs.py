"""The telegram process as a test starts it, and a terminal with one on it."""

import errno
import os
import pty
import signal
import sys
from pathlib import Path

from tests.processes import Processes, RunningProcess
from tests.waiting import wait_until

LAUNCH = "from telegram.main import main; main()"
TOKEN = "987654321:AAECanaryCanaryCanaryCanaryCanary"


def arguments_of(*options: str) -> list[str]:
    return [sys.executable, "-c", LAUNCH, *options]


def start_bridge(processes: Processes, *options: str, **env: str) -> RunningProcess:
    process = processes.start(*arguments_of(*options), env=dict(env))
    process.wait_for("^ready$")
    return process


def port_of(processes: Processes) -> int:
    return int((processes.var_dir / "telegram" / "link.port").read_text())


class Screen:
    """A terminal with a bridge on it."""

    def __init__(self, var_dir: Path) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            environment = dict(os.environ, VAR_DIR=str(var_dir), LINK_PORT="0", TERM="xterm")
            os.execve(sys.executable, arguments_of("--console"), environment)
        os.set_blocking(self.descriptor, False)
        self.text = ""
        self.code: int | None = None

    def read(self) -> str:
        try:
            while piece := os.read(self.descriptor, 65_536):
                self.text += piece.decode("utf-8", "replace")
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != errno.EIO:  # the other end is closed
                raise
        return self.text

    def wait_for(self, text: str) -> None:
        try:
            wait_until(lambda: text in self.read(), 15, f"{text!r} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.text!r}") from None

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        wait_until(self._has_ended, 15, "the end")
        assert self.code is not None
        return self.code

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def _has_ended(self) -> bool:
        self.read()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
        return bool(pid)
