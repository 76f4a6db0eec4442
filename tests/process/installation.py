"""One installation as a person has it: a VAR_DIR, a bot's folder, a bridge, and the run scripts.

The tests beside this see what a person or an operator sees: scripts, streams, exit codes, files
and the rows of both databases. They import no part of either program.
"""

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tests.processes import ROOT, Processes, RunningProcess
from tests.waiting import wait_until

# A deadline against hanging, on a machine that may be busy; no statement about speed.
PATIENCE_S = 30.0
# The market of the demonstration with a fixed start: it is the same in every run.
MARKET = "feed: {kind: synthetic, speed: 60, history_candles: 10, start: 2026-01-05T00:00:00Z}\n"
_OUTCOMES = ("[applied]", "[rejected]", "[expired]", "[unknown]")


class StoredEvent(NamedTuple):
    """One row of the bridge's event table."""

    id: int
    bot: str
    epoch: str
    seq: int
    kind: str
    text: str
    fields: dict[str, Any]


class StoredCommand(NamedTuple):
    """What the bridge or the bot keeps of one command."""

    id: str
    verb: str
    state: str
    text: str


@dataclass
class Installation:
    """A bot and a bridge that share a VAR_DIR, each started by its script."""

    processes: Processes
    folder: Path
    name: str = "paper"

    def __post_init__(self) -> None:
        self.var_dir = self.processes.var_dir
        self.bot_dir = self.folder / "bots" / self.name
        self.bot_dir.mkdir(parents=True)
        self.bot_file = self.bot_dir / "config.yaml"
        self.bridge_file = self.folder / "telegram.yaml"
        self.bot_folder = self.var_dir / self.name
        self.bridge_folder = self.var_dir / "telegram"
        self.state_db = self.bot_folder / "state.db"
        self.bridge_db = self.bridge_folder / "bridge.db"
        self.forwarded_log = self.bridge_folder / "logs" / f"{self.name}.log"
        self.configure_bot()
        self.configure_bridge()

    def configure_bot(self, text: str = "", *, market: str = MARKET) -> None:
        """Write the bot's config.yaml; as a rule it finds a bridge that is back at once."""
        link = "" if "link:" in text else "link: {reconnect_longest_s: 0.1}\n"
        self.bot_file.write_text(f"exchange: paper\n{market}{link}{text}", encoding="utf-8")

    def configure_bridge(self, text: str = "") -> None:
        """Write the bridge's telegram.yaml."""
        self.bridge_file.write_text(text, encoding="utf-8")

    def launch_trading(self, *options: str, **env: str | None) -> RunningProcess:
        """Start the bot."""
        return self.processes.start(ROOT / "run_trading.sh", self.bot_dir, *options, env=env)

    def launch_bridge(self, *options: str, **env: str | None) -> RunningProcess:
        """Start the bridge, whose chat is its standard input and output."""
        script = ROOT / "run_telegram.sh"
        config = ("--config", self.bridge_file)
        return self.processes.start(script, "--console", *config, *options, env=env)

    def start_trading(self, *options: str, **env: str | None) -> RunningProcess:
        """Start the bot and wait until it is ready."""
        return _until_ready(self.launch_trading(*options, **env))

    def start_bridge(self, *options: str, **env: str | None) -> RunningProcess:
        """Start the bridge and wait until it is ready."""
        return _until_ready(self.launch_bridge(*options, **env))

    def trading_command(self, *arguments: str | Path, **env: str | None) -> RunningProcess:
        """Run `python -m trading …` to its end."""
        return self.processes.run(sys.executable, "-m", "trading", *arguments, env=env)

    def bridge_command(self, *arguments: str | Path, **env: str | None) -> RunningProcess:
        """Run `./run_telegram.sh --config … …` to its end."""
        script = ROOT / "run_telegram.sh"
        return self.processes.run(script, "--config", self.bridge_file, *arguments, env=env)

    @property
    def secret(self) -> str:
        """The link secret that was made at the first start."""
        return (self.var_dir / "link.secret").read_text(encoding="ascii").strip()

    @property
    def port(self) -> int:
        """The port that the bridge has picked."""
        return int((self.bridge_folder / "link.port").read_text(encoding="ascii"))

    def events(self) -> list[StoredEvent]:
        """Return all events in bridge.db, in the order in which they were stored."""
        rows = query(
            self.bridge_db, "SELECT id, bot, epoch, seq, kind, text, fields FROM event ORDER BY id"
        )
        return [StoredEvent(*row)._replace(fields=orjson.loads(row[-1])) for row in rows]

    def alerts(self, total: int) -> list[int]:
        """Return the numbers of one alert series in bridge.db, in the order of storing."""
        return [
            event.fields["number"]
            for event in self.events()
            if event.kind == "alert" and event.fields["total"] == total
        ]

    def alerts_raised(self, total: int) -> int:
        """Return how many alerts of a series the engine has raised and the store committed."""
        key = f"alert_series.{total}"
        rows = query(self.state_db, f"SELECT value FROM state_value WHERE key = '{key}'")
        return int(rows[0][0]) if rows else 0

    def wait_for_alerts(self, total: int, count: int, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until so many alerts of a series are in bridge.db."""
        wait_until(
            lambda: len(self.alerts(total)) >= count,
            timeout_s,
            f"{count} alerts of {total} in bridge.db",
        )

    def commands(self) -> list[StoredCommand]:
        """Return the commands in bridge.db, the oldest first."""
        rows = query(self.bridge_db, "SELECT id, verb, state, text FROM command ORDER BY issued_at")
        return [StoredCommand(*row) for row in rows]

    def outcomes(self) -> list[StoredCommand]:
        """Return the outcomes in state.db, the oldest first."""
        rows = query(self.state_db, "SELECT command_id, verb, state, text FROM outcome ORDER BY at")
        return [StoredCommand(*row) for row in rows]

    def outbox(self) -> list[tuple[str, int]]:
        """Return what still waits in state.db, as (epoch, seq)."""
        return query(self.state_db, "SELECT epoch, seq FROM outbox ORDER BY row_id")


def _until_ready(process: RunningProcess) -> RunningProcess:
    process.wait_for("^ready$", timeout_s=PATIENCE_S)
    return process


def query(path: Path, statement: str) -> list[Any]:
    """Read rows of a database that a process may be using; none while there is no database."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(statement).fetchall()


def outcome_lines(process: RunningProcess) -> list[str]:
    """Return the lines in a chat that end a command."""
    return [line for line in process.stdout.splitlines() if line.startswith(_OUTCOMES)]


def ask(bridge: RunningProcess, line: str, *, timeout_s: float = PATIENCE_S) -> str:
    """Type one command into the console and return the line it ends with."""
    before = len(outcome_lines(bridge))
    bridge.write(line + "\n")
    wait_until(
        lambda: len(outcome_lines(bridge)) > before,
        timeout_s,
        f"an outcome of {line!r}\n{bridge.describe()}",
    )
    return outcome_lines(bridge)[before]


def wait_connected(bridge: RunningProcess, count: int = 1) -> None:
    """Wait until so many bots are connected to a bridge."""
    bots = "1 bot" if count == 1 else f"{count} bots"
    wait_until(
        lambda: ask(bridge, "/ping").endswith(f" {bots} connected"),
        PATIENCE_S,
        f"{bots} connected\n{bridge.describe()}",
    )


def last_error(process: RunningProcess) -> str:
    """Return the last line on standard error."""
    return process.stderr.splitlines()[-1]


def assert_no_traceback(*processes: RunningProcess) -> None:
    """Fail if a program printed a traceback, or that it left connections open at its end."""
    for process in processes:
        for text in (process.stdout, process.stderr):
            assert "Traceback (most recent call last)" not in text, process.describe()
            assert "Unclosed" not in text, process.describe()


def assert_each_once(events: list[StoredEvent]) -> None:
    """Fail if an event is stored twice, or after a later one of its epoch."""
    by_epoch: dict[tuple[str, str], list[int]] = {}
    for event in events:
        by_epoch.setdefault((event.bot, event.epoch), []).append(event.seq)
    for key, numbers in by_epoch.items():
        assert numbers == sorted(set(numbers)), key
