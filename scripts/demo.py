"""Runs a bot on a paper market and the bridge's console together; run_demo.sh starts it.

It owns the demonstration's temporary folder and its two children, and leaves neither behind. What
the children do is their own business: standard input and output are the console's.
"""

import argparse
import json
import math
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, NoReturn, TextIO

from trading.market.file_symbol import symbol_of_file

ROOT = Path(__file__).resolve().parent.parent
BOT = "paper"
DATA_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".feather")
SPEED_MAX = 1_000_000
EXIT_CONFIGURATION = 78
CONNECT_LIMIT_S = 20
# A bot's own limit for a stop is 10 s (stop_timeout_s); after this it hangs.
STOP_LIMIT_S = 20
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Quick enough for a position or two within a few minutes of watching.
STRATEGY = {"strategy": "sma_crossover", "parameters": {"fast_period": 10, "slow_period": 30}}
# A real installation's settings, which must not reach a demonstration beside it.
FOREIGN_SETTINGS = ("TELEGRAM_", "LINK_HOST", "LINK_SECRET", "CREDENTIALS_", "NOTIFY_", "WATCHDOG_")


class UsageError(Exception):
    """The command line is wrong."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (--help shows the options)")


def _data_file(text: str) -> Path:
    path = Path(text).absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise UsageError(f"--data: found {text}, allowed a file that can be read")
    if not path.name.endswith(DATA_SUFFIXES):
        raise UsageError(f"--data: found {path.name}, allowed {' '.join(DATA_SUFFIXES)}")
    return path


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 <= speed <= SPEED_MAX:
        raise UsageError(
            f"--speed: found {text}, allowed a number from 0 (as fast as possible) to {SPEED_MAX}"
        )
    return speed


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = _Parser(prog="run_demo.sh", description="A paper market and a console, nothing else.")
    parser.add_argument("--data", metavar="FILE", help="replay this file of candles or trades")
    parser.add_argument(
        "--speed", metavar="N", default="60", help="market seconds per second (default: 60)"
    )
    options = parser.parse_args(arguments)
    options.speed = _speed(options.speed)
    options.data = None if options.data is None else _data_file(options.data)
    return options


def _market(data: Path) -> str:
    """Tell a file's market by its name; where that does not say it, its first word has to do."""
    words = re.findall(r"[A-Z0-9]+", data.name.split(".")[0].upper())
    return symbol_of_file(data) or (words[0][:20] if words else "DATA")


def _feed(data: Path | None, speed: float) -> dict[str, Any]:
    if data is not None:
        return {"kind": "replay", "file": str(data), "symbol": _market(data), "speed": speed}
    return {
        "kind": "synthetic",
        "symbols": ["BTC/USDT", "ETH/USDT", "SOL/USDT"],
        "seed": 1,
        "speed": speed,
        "history_candles": 2000,
    }


def render_bot(data: Path | None, speed: float) -> str:
    """Write the demonstration bot's config.yaml."""
    # JSON is YAML, and it quotes whatever a file's name holds.
    config = {"name": BOT, "exchange": "paper", **STRATEGY, "feed": _feed(data, speed)}
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in config.items())


@dataclass(frozen=True, slots=True)
class Child:
    """One running script and where its standard error goes."""

    script: str
    process: subprocess.Popen[bytes]
    stderr_path: Path

    def last_error(self) -> str:
        """Return the last line it said."""
        lines = self.stderr_path.read_text(encoding="utf-8", errors="replace").splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        return last.removeprefix("error: ")

    def stop(self) -> bool:
        """Ask it to stop, wait, and tell whether it did so well."""
        self.process.terminate()
        try:
            # A signal may also reach it before it is able to handle one.
            return self.process.wait(STOP_LIMIT_S) in {0, *(-number for number in STOP_SIGNALS)}
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


class Demo:
    """The two children and the events that end the demonstration."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._folder = folder
        self._options = options
        self._children: list[Child] = []
        self._asked_to_stop = False
        # A child that ended, or None for a signal that asks to stop.
        self._ends: SimpleQueue[Child | None] = SimpleQueue()
        var_dir = os.environ.get("VAR_DIR") or str(folder / "var")
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(FOREIGN_SETTINGS)
        } | {"VAR_DIR": var_dir, "LINK_PORT": os.environ.get("LINK_PORT") or "0"}

    def run(self) -> int:
        """Start both, wait for the first end, stop the other; return the exit code."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        try:
            trading = self._start_both()
            first = self._ends.get()
        finally:
            stopped = [child.stop() for child in reversed(self._children)]
        return self._outcome(first, trading, all(stopped))

    def _on_signal(self, *_: object) -> None:
        self._asked_to_stop = True
        self._ends.put(None)

    def _start_both(self) -> Child:
        bot = self._folder / "bots" / BOT
        bot.mkdir(parents=True)
        text = render_bot(self._options.data, self._options.speed)
        (bot / "config.yaml").write_text(text, encoding="utf-8")
        bridge = self._folder / "telegram.yaml"
        # Its own configuration, so that an installation's telegram.yaml in the root is not read.
        bridge.write_text("link: {}\n", encoding="utf-8")
        # A group of its own keeps the terminal's Ctrl-C from the bot: it is stopped last.
        trading = self._start("run_trading.sh", str(bot), process_group=0)
        self._start(
            "run_telegram.sh",
            *("--console", "--config", str(bridge), "--wait-for-bot", str(CONNECT_LIMIT_S)),
            stdin=None,
            stdout=None,
        )
        logs = Path(self._environment["VAR_DIR"]) / "telegram" / "logs" / f"{BOT}.log"
        _say(f"/help lists the commands, Ctrl-D ends; the bot's log: tail -F {logs}")
        return trading

    def _start(
        self,
        script: str,
        *arguments: str,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | TextIO | None = subprocess.DEVNULL,
        process_group: int | None = None,
    ) -> Child:
        stderr_path = self._folder / f"{script}.stderr"
        with stderr_path.open("wb") as stderr:
            process = subprocess.Popen(
                # By way of bash, as an unpacked archive may have lost the right to execute.
                ["bash", ROOT / script, *arguments],  # noqa: S607 - the one that the scripts name
                env=self._environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                process_group=process_group,
            )
        child = Child(script, process, stderr_path)
        self._children.append(child)
        Thread(target=self._watch, args=(child,), name=f"watch {script}", daemon=True).start()
        return child

    def _watch(self, child: Child) -> None:
        child.process.wait()
        self._ends.put(child)

    def _outcome(self, first: Child | None, trading: Child, all_stopped: bool) -> int:
        early = None if self._asked_to_stop else first
        if early is not None and (early is trading or early.process.returncode != 0):
            _say(f"error: {early.script} ended early: {early.last_error()}")
            is_data_wrong = early.process.returncode == EXIT_CONFIGURATION and self._options.data
            return 2 if early is trading and is_data_wrong else 1
        if not all_stopped:
            _say(f"error: {trading.script} did not stop well: {trading.last_error()}")
            return 1
        return 0


def _say(text: str) -> None:
    # Nobody may be reading it. Past Python's buffer, which would try again at the end and exit
    # 120; and not by print, which takes a standard error that is None for the chat.
    if sys.stderr is not None:
        with suppress(OSError):
            os.write(sys.stderr.fileno(), f"{text}\n".encode("utf-8", "backslashreplace"))


def main() -> int:
    """Run the demonstration in a folder of its own."""
    try:
        options = parse_options(sys.argv[1:])
    except UsageError as error:
        _say(f"error: {error}")
        return 2
    with TemporaryDirectory(prefix="tradebridge-demo-") as folder:
        return Demo(Path(folder), options).run()


if __name__ == "__main__":
    sys.exit(main())
