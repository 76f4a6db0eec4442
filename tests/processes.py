"""Starts real scripts for tests: each with its own folder, output in files, and a certain end.

Every process started here, and whatever it starts in turn, inherits a mark in its environment.
The fixture `processes` finds them by it at teardown, kills them, and fails the test if the program
had ended (or had been stopped) and left some behind.
"""

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
_MARK = "TRADEBRIDGE_TEST_RUN"
# A developer's own settings must not reach the programs under test.
# A port of this machine on which nobody listens.
NOWHERE = "http://127.0.0.1:9/bot"
_PRIVATE_PREFIXES = ("TELEGRAM_", "LINK_", "TRADEBRIDGE_", "PYTEST_", "COV_")
_PRIVATE_NAMES = {"VAR_DIR", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "VENV"}


def clean_environment(var_dir: Path) -> dict[str, str]:
    """Copy this environment without the developer's own settings, with a folder and a free port."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_PRIVATE_PREFIXES) and name not in _PRIVATE_NAMES
    }
    # The environment these tests run in serves the programs too.
    own = {"VENV": sys.prefix, "VAR_DIR": str(var_dir), "LINK_PORT": "0"}
    # Whatever token a test uses: nothing leaves this machine.
    return environment | own | {"TELEGRAM_BASE_URL": NOWHERE}


class RunningProcess:
    """One started program: what it has written so far, and the ways to talk to it and end it."""

    def __init__(
        self, arguments: Sequence[str], *, folder: Path, cwd: Path, environment: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.stdout_path = folder / "stdout"
        self.stderr_path = folder / "stderr"
        with self.stdout_path.open("wb") as stdout, self.stderr_path.open("wb") as stderr:
            self._process = subprocess.Popen(
                arguments,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def stdout(self) -> str:
        """Everything on standard output so far."""
        return self.stdout_path.read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        """Everything on standard error so far."""
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._process.poll()

    def write(self, text: str) -> None:
        """Type into its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def close_stdin(self) -> None:
        """End its standard input."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            return  # it went without reading everything, which its exit code tells

    def wait_for(self, pattern: str, *, timeout_s: float = 20, stream: str = "stderr") -> str:
        """Wait until a line of `stream` matches `pattern`, and return that line."""
        expression = re.compile(pattern)

        def matching() -> str | None:
            ended = self.returncode is not None
            text = self.stdout if stream == "stdout" else self.stderr
            found = next((line for line in text.splitlines() if expression.search(line)), None)
            if found is None and ended:
                raise AssertionError(f"ended before {pattern!r} on {stream}\n{self.describe()}")
            return found

        try:
            line = wait_until(matching, timeout_s, f"{pattern!r} on {stream}")
        except AssertionError as error:
            if "ended before" in str(error):
                raise
            raise AssertionError(f"{error}\n{self.describe()}") from None
        assert line is not None
        return line

    def wait(self, timeout_s: float = 20) -> int:
        """Wait for its end and return the exit code."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"runs on after {timeout_s:g} s\n{self.describe()}") from None

    def send_signal(self, number: signal.Signals) -> None:
        """Send one signal to the program itself."""
        self._process.send_signal(number)

    def stop(self, timeout_s: float = 15) -> int:
        """Ask it to stop by SIGTERM and return the exit code."""
        self._process.terminate()
        return self.wait(timeout_s)

    def kill(self) -> None:
        """End it by SIGKILL, as a crash of the machine would, and collect it."""
        self._process.kill()
        self._process.wait()

    def describe(self) -> str:
        """Say what it wrote, for the message of a failed test."""
        return (
            f"{self._process.args!r} exit code {self.returncode}\n"
            f"--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-4000:]}"
        )


class Processes:
    """All programs of one test; the fixture of this name closes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = uuid.uuid4().hex
        self._started: list[RunningProcess] = []
        self.var_dir = folder / "var"

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str | None] | None = None,
        cwd: Path = ROOT,
    ) -> RunningProcess:
        """Start a program in `cwd`; `env` adds to the environment or, with None, takes away."""
        process = RunningProcess(
            [str(argument) for argument in arguments],
            folder=self._folder / f"process-{len(self._started)}",
            cwd=cwd,
            environment=self.environment(env),
        )
        self._started.append(process)
        return process

    def environment(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Return what a program of this test is started with; None takes a variable away."""
        environment = clean_environment(self.var_dir)
        for name, value in (env or {}).items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
        return environment | {_MARK: self._mark}

    def run(
        self,
        *arguments: str | Path,
        env: Mapping[str, str | None] | None = None,
        cwd: Path = ROOT,
        stdin: str = "",
        timeout_s: float = 30,
    ) -> RunningProcess:
        """Start a program, give it all of `stdin`, and wait for its end."""
        process = self.start(*arguments, env=env, cwd=cwd)
        process.write(stdin)
        process.close_stdin()
        process.wait(timeout_s)
        return process

    def alive(self) -> list[psutil.Process]:
        """Find every running process that this test started, however far down."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get(_MARK) == self._mark
        except psutil.Error:
            return False

    def kill_all(self) -> None:
        """End everything by SIGKILL, as a power failure would."""
        while survivors := self.alive():
            for survivor in survivors:
                _kill(survivor)
            psutil.wait_procs(survivors, timeout=5)

    def close(self) -> None:
        """End everything; complain about processes that outlived the program they belong to."""
        running = [process for process in self._started if process.returncode is None]
        left = [] if running else [f"{found.pid} {found.cmdline()}" for found in self.alive()]
        self.kill_all()
        for process in running:
            process.wait()
        for process in self._started:
            process.close_stdin()
        assert not left, f"left running: {left}"


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def running_processes(folder: Path) -> Iterator[Processes]:
    """Give a test its processes and end them afterwards (the body of the fixture)."""
    processes = Processes(folder)
    try:
        yield processes
    finally:
        processes.close()
